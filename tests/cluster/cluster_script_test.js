// scripts/cluster.sh, which is `make cluster`: it prints addresses that answer,
// ends processes and starts them again, and leaves none behind.
'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { test } = require('node:test');
const { call } = require('../api/lib/http');
const { makeFolder, root } = require('../api/lib/store');
const { eventually } = require('../api/lib/wait');
const { freePort } = require('./lib/ports');

const script = path.join(root, 'scripts/cluster.sh');
// A process that has ended and whose parent has not noticed is none.
const isAlive = (pid) => {
  try {
    return !/^State:\tZ/m.test(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return false;
  }
};

// Every process of the cluster: what its pid files name.
function pidsOf(dir) {
  const files = fs.readdirSync(dir, { recursive: true });
  return files
    .filter((name) => /(^|[./])pid$/.test(name))
    .map((name) => Number(fs.readFileSync(path.join(dir, name), 'latin1')));
}

test('a cluster starts, loses its primary and a process, and ends', async () => {
  const folder = makeFolder('overround-cluster');
  const dir = path.join(folder, 'here');
  fs.chmodSync(folder, 0o755); // PostgreSQL runs as a user of its own
  const [listen, operators] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const env = {
    ...process.env, OVERROUND_LISTEN: listen, OVERROUND_OPERATOR_LISTEN: operators,
    OVERROUND_CLUSTER_SIM: 'no',
  };
  const cluster = async (...args) =>
    (await promisify(execFile)(script, args, { env, cwd: root, timeout: 120000 })).stdout;
  const email = `fan${process.pid}@example.com`;
  const joins = (name) => call('POST', `http://${listen}/v1/accounts`, {
    json: { email: `${name}${email}`, password: 'correct horse', currency: 'EUR', country: 'DE',
      date_of_birth: '1990-01-01' },
  });

  const told = await cluster('start', dir);
  try {
    const token = /operator token +(\S+)/.exec(told)[1];
    assert.ok(told.includes(`http://${listen}`) && told.includes(`http://${operators}`));
    assert.equal((await call('GET', `http://${listen}/v1/events`)).status, 200);
    const report = await call('GET', `http://${operators}/v1/reports/daily`, { token });
    assert.equal(report.status, 200, report.text);
    assert.equal((await joins('a')).status, 201);

    await cluster('signal', 'bets-1', 'KILL', dir);
    await eventually(async () => assert.match(await cluster('status', dir), /bets-1 +down/));
    assert.equal((await joins('b')).status, 201);
    await cluster('again', 'bets-1', dir);
    assert.match(await cluster('status', dir), /bets-1 +up/);

    await cluster('failover', dir);
    await eventually(async () => assert.equal((await joins('c')).status, 201),
      { timeout: 15000, every: 200 });
  } finally {
    const pids = pidsOf(dir);
    await cluster('stop', dir);
    assert.ok(pids.length >= 13, `${pids.length} processes`);
    assert.deepEqual(pids.filter(isAlive), []);
    assert.ok(!fs.existsSync(dir));
    fs.rmdirSync(folder);
  }
});
