// What is promised of the stream is so through an edge node's fan-out: the stories of
// tests/api, whose servers have one before them here.
'use strict';

process.env.OVERROUND_TEST_SHAPE = 'fanout';

require('../api/stream_test');
require('../api/stream_random_test');
require('../api/stream_ws_test');
