// The store is away: who takes bets leaves the load balancer, and pages, prices and streams
// stay in it.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { World, market, eventually } = require('../api/lib/world');
const { makeStore, Postgres } = require('../api/lib/store');
const { connect } = require('../api/lib/ws');
const { Fleet } = require('./lib/fleet');

test('web stays ready without a store, bets does not, and both are again with it', async () => {
  const postgres = new Postgres();
  const store = makeStore({ kind: 'postgres', server: postgres.url });
  const world = new World(store, {});
  world.server = new Fleet({ store: store.url });
  try {
    await world.server.start();
    await world.feed.up();
    const event = await world.event(market.oneXTwo());
    await eventually(() => event.read());
    const [web, bets] = ['web', 'bets'].map((role) => world.server.of(role)[0].server);
    const ready = async (server) => (await server.operate('GET', '/readyz')).status;
    postgres.kill();
    try {
      await eventually(async () => assert.equal(await ready(bets), 503));
      assert.equal(await ready(web), 200);
      assert.equal((await web.call('GET', `/v1/events/${event.id}`)).status, 200);
      const client = await connect(web.public);
      await client.subscribe({ events: [event.id] });
      await client.end();
    } finally {
      postgres.restart();
    }
    await eventually(async () => assert.equal(await ready(bets), 200), { timeout: 30000 });
    assert.equal(await ready(web), 200);
  } finally {
    await world.server.kill();
    postgres.stop();
  }
});
