// One process of any role is killed, or ended for a rolling update, while
// customers bet: whatever was answered holds, and the other one goes on.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { eventually, sleep } = require('../api/lib/wait');
const { PAIRS } = require('./lib/fleet');
const { storyOf } = require('./lib/story');

const roles = Object.keys(PAIRS);

// A feed that is led anew has put its producers down until they say what they
// sell: that is a verdict about prices.  Nothing else in a rolling update is
// seen by a customer.
const SOLD = [201, 422];
const VERDICTS = [...SOLD, 409];
const ofUpdate = { feed: VERDICTS };

describe('a cluster', () => {
  // Requests that were in flight in it are all that may go wrong, and nginx
  // sends them again.
  test('kill -9 of each role, one after the other', () =>
    storyOf({}, async (world, { load, fans }) => {
      for (const role of roles) {
        const [member] = world.server.of(role);
        const since = load.entries.length;
        await member.server.kill();
        const dead = Date.now();
        await load.takes(dead + 100);
        await eventually(() => world.server.led());
        await world.server.relaunch(member);
        await load.steady();
        const failed = load.not(VERDICTS, since);
        assert.deepEqual(failed.filter((entry) => entry.sent > dead), [], role);
        assert.ok(failed.length <= fans.length, role);
      }
    }));

  test('SIGTERM of every process: no request fails', () =>
    storyOf({}, async (world, { load }) => {
      for (const member of world.server.members) {
        const since = load.entries.length;
        await member.server.stop();
        await sleep(300);
        await world.server.relaunch(member);
        await load.steady();
        assert.deepEqual(load.not(ofUpdate[member.role] ?? SOLD, since), [], member.role);
      }
    }));
});
