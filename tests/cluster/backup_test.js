// One process on SQLite: the whole database to an object store while bets are
// placed, and back from there.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { makeFolder } = require('../api/lib/store');
const { run, runAsync, startProcess } = require('../api/lib/server');
const { eventually } = require('../api/lib/wait');
const { S3 } = require('./lib/s3');

test('a backup beside a busy server adds up, and comes back', async (t) => {
  const s3 = new S3();
  const folder = makeFolder('overround-backup');
  const server = await startProcess({ store: `sqlite:${path.join(folder, 'live.db')}` });
  t.after(() => {
    s3.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });
  const address = ['--url', server.publicUrl, '--operator-url', server.operatorUrl];
  const load = runAsync(['load', ...address, '--operator-token', server.token, '--seconds', '3',
    '--customers', '20', '--connections', '8', '--rate', '300']);
  await eventually(async () => {
    const { text } = await server.operate('GET', '/metrics');
    assert.match(text, /^overround_bets_total\{result="accepted"\} [1-9]/m);
  });
  const live = `sqlite:${path.join(folder, 'live.db')}`;
  const backup = () => run(['backup', '--to', s3.url('backup'), '--store', live,
    '--temp', folder], { env: s3.env });
  const first = backup();
  assert.equal(first.status, 0, first.stderr);
  assert.match(first.stdout, / 0 differences\n/);
  assert.equal((await load.done).status, 0);
  const last = backup();
  assert.equal(last.status, 0, last.stderr);
  const bets = (out) => Number(/ (\d+) bets/.exec(out.stdout)[1]);
  assert.ok(bets(last) > bets(first), `${bets(first)} bets, then ${bets(last)}`);
  await server.stop();

  const back = path.join(folder, 'back.db');
  const url = last.stdout.trim().split('\n').at(-1);
  assert.equal(run(['object', 'get', url, back], { env: s3.env }).status, 0);
  const audit = run(['audit', '--store', `sqlite:${back}`]);
  assert.equal(audit.status, 0, audit.stdout);
  assert.equal(bets(audit), bets(last));
  const again = await startProcess({ store: `sqlite:${back}` });
  const smoke = run(['smoke', '--url', again.publicUrl, '--operator-url', again.operatorUrl],
    { env: { OVERROUND_OPERATOR_TOKEN: again.token } });
  assert.equal(smoke.status, 0, smoke.stderr);
  await again.stop();
  assert.deepEqual(fs.readdirSync(folder).filter((name) => name.startsWith('overround-')), []);
});

test('PostgreSQL has its own way, and a missing store is said', () => {
  const asked = (...more) => run(['backup', '--to', 's3://b/p', ...more]);
  assert.equal(asked('--store', 'postgres://a/b').status, 2);
  assert.equal(asked().status, 2);
});
