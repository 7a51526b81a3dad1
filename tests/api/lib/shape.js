// Cases of one process: its memory, its numbers, its death, what its listener
// makes of bytes.  oneProcess(test)('…', …) defines none against a cluster
// (OVERROUND_TEST_SHAPE), where nobody promises them.
'use strict';

const oneProcess = (define) => (process.env.OVERROUND_TEST_SHAPE ? () => {} : define);

// Cases that ask the server for what its fan-out knows, or the other way round.
const withoutFanout = (define) =>
  (process.env.OVERROUND_TEST_SHAPE === 'fanout' ? () => {} : define);

module.exports = { oneProcess, withoutFanout };
