// A power cut: the disk forgets what was not synced.  With synchronous=FULL
// nothing that was answered is lost; without syncs something is, which shows
// that the test can see it.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { describe, test } = require('node:test');
const { root } = require('../api/lib/store');

const program = path.resolve(
  root,
  process.env.OVERROUND_TEST_POWERCUT ?? 'build/release/crash/powercut',
);

function powercut(...args) {
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: 240000 });
  assert.ifError(done.error);
  return done;
}

describe('power cuts', () => {
  test('rule 26: twenty cuts lose nothing that was answered', () => {
    const { status, stdout, stderr } = powercut('--rounds', '20', '--seed', '20240611');
    assert.equal(status, 0, stdout + stderr);
    const rounds = [...stdout.matchAll(/(\d+) bets sent, (\d+) reported done, (\d+) present/g)];
    assert.equal(rounds.length, 20, stdout);
    const done = rounds.reduce((sum, [, , n]) => sum + Number(n), 0);
    assert.ok(done > 100, `there was load: ${done} bets`);
  });

  test('without syncs the same cuts lose bets, and it shows', () => {
    const { status, stdout } = powercut('--rounds', '10', '--seed', '7', '--synchronous=off');
    assert.equal(status, 1, stdout);
    assert.match(stdout, /a bet that was reported done is lost/);
  });
});
