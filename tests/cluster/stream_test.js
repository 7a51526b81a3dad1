// The price stream goes on at another process from where a client was, when
// the one it was connected to is gone.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { market, eventually } = require('../api/lib/world');
const { connect } = require('../api/lib/ws');
const { openCluster } = require('./lib/story');

const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 2 };

// The home odds of the event in a message, or undefined.
const homeOf = (message, event) =>
  message.events
    ?.find(({ id }) => id === event.id)
    ?.markets?.[0]?.outcomes?.find(({ outcome }) => outcome === '1')?.odds;

test('a web process is killed: its clients resume by clk at the other one', async () => {
  const world = await openCluster({ counts });
  try {
    await world.feed.up();
    const event = await world.event(market.oneXTwo());
    const quiet = await world.event(market.oneXTwo());
    const [one, other] = world.server.of('web');
    const client = await connect(one.server.public);
    const image = await client.subscribe({ events: [event.id, quiet.id] });
    assert.equal(homeOf(image, event), '2.00');
    await event.odds(market.oneXTwo('2.10'));
    const delta = await client.next((m) => m.op === 'change' && homeOf(m, event) === '2.10');
    await one.server.kill();
    await client.closed;

    await eventually(() => event.odds(market.oneXTwo('2.30')));
    const again = await connect(other.server.public);
    again.send({ op: 'subscribe', id: 2, events: [event.id, quiet.id], clk: delta.clk });
    const since = await again.next((m) => m.op === 'change' && homeOf(m, event) === '2.30');
    assert.ok(BigInt(since.clk) >= BigInt(delta.clk), 'clk goes on');
    await event.odds(market.oneXTwo('2.50'));
    await again.next((m) => m.op === 'change' && homeOf(m, event) === '2.50');
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
