// The price stream goes on at another process from where a client was, when
// the one it was connected to is gone.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { market, eventually, sleep } = require('../api/lib/world');
const { connect } = require('../api/lib/ws');
const { openCluster } = require('./lib/story');

const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 2 };

const QUIET = 4; // events, so that some are in the other partition
const TICKS_MS = 4000; // every partition has told how far it is

// The home odds of the event in a message, or undefined.
const homeOf = (message, event) =>
  message.events
    ?.find(({ id }) => id === event.id)
    ?.markets?.[0]?.outcomes?.find(({ outcome }) => outcome === '1')?.odds;

// Changes until that of the event to `odds`: no image is among them, and of
// other events and of the event's other market nothing.
async function resumes(client, event, odds) {
  for (;;) {
    const change = await client.next('change');
    assert.equal(change.img, undefined, `an image: ${JSON.stringify(change)}`);
    assert.deepEqual(change.events.map(({ id, img }) => [id, img]), [[event.id, undefined]]);
    assert.deepEqual(change.events[0].markets.map((m) => m.market), ['1']);
    if (homeOf(change, event) === odds) return change;
  }
}

test('a web process is killed: its clients resume by clk at the other one', async () => {
  const world = await openCluster({ counts });
  try {
    await world.feed.up();
    const event = await world.event([market.oneXTwo(), market.total()]);
    const quiet = [];
    for (let i = 0; i < QUIET; i++) quiet.push(await world.event(market.oneXTwo()));
    await sleep(TICKS_MS);
    const events = [event, ...quiet].map(({ id }) => id);
    const [one, other] = world.server.of('web');
    const client = await connect(one.server.public);
    client.send({ op: 'subscribe', id: 1, events });
    for (let i = 0; i < events.length; i++)
      assert.equal((await client.next('change')).img, true, 'an image of each event');
    await eventually(() => event.odds(market.oneXTwo('2.10')));
    const delta = await resumes(client, event, '2.10');
    await one.server.kill();
    await client.closed;

    await eventually(() => event.odds(market.oneXTwo('2.30')));
    const again = await connect(other.server.public);
    again.send({ op: 'subscribe', id: 2, events, clk: delta.clk });
    const since = await resumes(again, event, '2.30');
    assert.ok(BigInt(since.clk) >= BigInt(delta.clk), 'clk goes on');
    await event.odds(market.oneXTwo('2.50'));
    await resumes(again, event, '2.50');
    await again.end();
    await world.server.relaunch(one);

    // By the load balancer, too.
    const third = await connect(world.server.public);
    const last = await third.subscribe({ events: [event.id] });
    assert.equal(homeOf(last, event), '2.50');
    await third.end();
    await world.server.stop();
  } finally {
    await world.server.kill();
    world.store.remove();
  }
});
