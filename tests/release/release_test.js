// deploy/release.sh brings out releases under load, through nginx, judged by
// what a real Prometheus has seen: a good one, and five that are not.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { run } = require('../api/lib/server');
const { Site, fault } = require('./lib/site');

describe('a release that proves itself, or goes back', () => {
  let site;
  before(async () => {
    site = await new Site().start();
  });
  after(async () => {
    await site?.stop();
  });

  // It went back: for this reason, at this step, and nobody is left on it.
  async function goesBack(name, reason, weights, more) {
    const done = await site.brings(fault(name), more);
    assert.equal(done.status, 20, done.out);
    assert.match(done.out, reason);
    assert.match(done.out, /^\S+ {2}rolled back in \d+ s: /m);
    assert.ok(weights(done.weights), `weights ${done.weights}\n${done.out}`);
    assert.equal(site.canary, undefined);
    assert.deepEqual(done.errors, []);
    return done;
  }
  const never = (weights) => weights.length === 0;
  const some = (weights) => weights.length > 0 && !weights.includes(100);

  test('mis-pays by a cent: found by shadow grading, before any customer', async () => {
    const { out } = await goesBack('mispays',
      /was paid 649, this program pays 650: \+1 in minor units of EUR/, never);
    assert.match(out, /^0 % .* roll back .*grading by the new release is not what was paid/m);
  });

  test('cannot read the records of the release before: before any customer', async () => {
    await goesBack('unreadable', /records of the other release that are malformed to this one: of /,
      never);
  });

  test('refuses 2 % of bets', async () => {
    await goesBack('refuses', /the canary refused \d\.\d\d % of its bets as market_suspended \(/,
      some);
  });

  test('is slow', async () => {
    await goesBack('slow', /the canary is slow: placement p\d\d is \d+\.\d ms/, some);
  });

  test('leaks memory', async () => {
    await goesBack('leaks', /the canary leaks memory: a process grew by \d+\.\d MiB to /, some);
  });

  test('is good: promoted, step by step, with the books audited', async () => {
    const done = await site.brings(fault('next'),
      ['--store', site.store.url, '--verdict', '--slower-ms 400 --grown-mib 64']);
    assert.equal(done.status, 0, done.out);
    assert.deepEqual(done.weights, [10, 50, 100]);
    assert.match(done.out, /promoted in \d+ s\n$/);
    const [bets] = site.fleet.of('bets');
    assert.match((await bets.server.operate('GET', '/healthz')).json.version, /\+next$/);
  });

  test('no bet was lost, the books are right', async () => {
    site.betting.child.kill('SIGINT');
    const { stdout, stderr } = await site.betting.done;
    const told = JSON.parse(stdout);
    assert.ok(told.accepted > 1000, stdout);
    assert.equal(told.errors, 0, stdout + stderr);
    assert.deepEqual(Object.keys(told.refused).filter((code) => code !== 'market_suspended'), []);
    const audit = run(['audit', '--store', site.store.url]);
    assert.equal(audit.status, 0, audit.stdout + audit.stderr);
  });
});
