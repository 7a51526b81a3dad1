// A transaction that others have to wait for, until what is returned is called.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { eventually } = require('../../api/lib/wait');

async function holdOpen(store, sql) {
  const child = spawn('psql', ['-X', '-q', '-t', '-A', store.url],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  let said = '';
  child.stdout.on('data', (text) => (said += text));
  child.stdin.write(`BEGIN; ${sql}; SELECT 1;\n`);
  await eventually(() => assert.match(said, /\d/));
  return () => {
    child.stdin.end('COMMIT;\n');
    return ended;
  };
}

module.exports = { holdOpen };
