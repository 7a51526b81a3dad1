// One process of any role is killed, or ended for a rolling update, while
// customers bet and everybody looks: whatever was answered holds, and the
// other one goes on.
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
const suspended = ({ status, text }) => status === 409 && /"code":"market_suspended"/.test(text);

// Of the bets from the one numbered `since`, those that were not taken, but for
// verdicts about prices where these may be.
const refused = (load, since, { prices = false } = {}) =>
  load.not([201], since).filter((entry) => !(prices && suspended(entry)));

// A feed message is taken by who leads.  Until another one does it is refused,
// and whoever sends it sends it again (OPERATE.md, "A rolling update").
function feedIsRefusedOnlyUnled(feeder, since, led) {
  for (const entry of feeder.not([202], since)) {
    assert.match(entry.text ?? '', /"code":"busy"/, JSON.stringify(entry));
    assert.ok(led && entry.sent <= led, `refused though one leads: ${JSON.stringify(entry)}`);
  }
}

const marks = ({ load, reads, feeder }) => ({
  load: load.entries.length, reads: reads.entries.length, feeder: feeder.entries.length,
});

// The feed process that leads, whichever it is.
const victim = async ({ server }, role) =>
  role === 'feed' ? server.leader() : server.of(role)[0];

describe('a cluster', () => {
  // Requests that were in flight in it are all that may go wrong, and nginx
  // sends them again.
  test('kill -9 of each role, one after the other', () =>
    storyOf({}, async (world, pressure) => {
      const { load, reads, feeder, fans } = pressure;
      for (const role of roles) {
        const member = await victim(world, role);
        const since = marks(pressure);
        await member.server.kill();
        const dead = Date.now();
        await load.takes(dead + 100);
        await eventually(() => world.server.led());
        const led = Date.now();
        await world.server.relaunch(member);
        await load.steady();
        const failed = refused(load, since.load, { prices: true });
        assert.deepEqual(failed.filter((entry) => entry.sent > dead), [], role);
        assert.ok(failed.length <= fans.length, role);
        const unseen = reads.not([200], since.reads);
        assert.deepEqual(unseen.filter((entry) => entry.sent > dead), [], role);
        assert.ok(unseen.length <= reads.names.length, role);
        reads.wentOn(since.reads);
        const own = role === 'feed' ? led : undefined;
        feedIsRefusedOnlyUnled(feeder, since.feeder, own);
      }
    }));

  test('SIGTERM of every process: no request fails', () =>
    storyOf({}, async (world, pressure) => {
      const { load, reads, feeder } = pressure;
      let leaders = 0;
      for (const member of world.server.members) {
        const leads = member === (await world.server.leader());
        const since = marks(pressure);
        await member.server.stop();
        await eventually(() => world.server.led());
        const led = leads && Date.now();
        await sleep(300);
        await world.server.relaunch(member);
        await load.steady();
        assert.deepEqual(refused(load, since.load, { prices: leads }), [], member.role);
        assert.deepEqual(reads.not([200], since.reads), [], member.role);
        reads.wentOn(since.reads);
        feedIsRefusedOnlyUnled(feeder, since.feeder, led);
        leaders += leads;
      }
      assert.ok(leaders > 0, 'a leader was ended');
    }));
});
