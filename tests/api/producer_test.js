// Producers up and down: silence is not a price (rules 21 and 24).
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { openWorld, market, uof, eventually } = require('./lib/world');

describe('producers', () => {
  const status = async (event) => (await event.market(1)).status;

  test("before its first alive a producer's markets are suspended", async () => {
    const world = await openWorld();
    const event = await world.event(market.oneXTwo(), { product: 5 });
    assert.equal(await status(event), 'suspended');
    await world.feed.up(5);
    await event.odds(market.oneXTwo(), { product: 5 });
    assert.equal(await status(event), 'active');
    await world.close();
  });

  test('subscribed=0 is down: its markets, and only its, are suspended', async () => {
    const world = await openWorld();
    await world.feed.up(3);
    const mine = await world.event(market.oneXTwo(), { product: 3 });
    const others = await world.event(market.oneXTwo(), { product: 1 });
    const customer = await world.customer();
    await world.feed.send(uof.alive({ product: 3, subscribed: 0 }));
    assert.deepEqual([await status(mine), await status(others)], ['suspended', 'active']);
    assert.equal((await customer.bet(mine.home())).code, 'market_suspended');
    assert.equal(await world.metric('overround_producer_up', 'producer="3"'), 0);
    await world.feed.up(3);
    assert.equal(await status(mine), 'suspended', 'until it is listed again (rule 21)');
    await mine.odds(market.oneXTwo(), { product: 3 });
    assert.equal((await customer.bet(mine.home())).status, 201);
    await world.close();
  });

  test('a silent producer is down, and its markets stay suspended until listed', async () => {
    const world = await openWorld({ 'producer-silence-s': '6' });
    const stop = world.feed.beats(1);
    await world.feed.up(3);
    const mine = await world.event(market.oneXTwo(), { product: 3 });
    const others = await world.event(market.oneXTwo(), { product: 1 });
    await eventually(async () => assert.equal(await status(mine), 'suspended'));
    assert.equal(await status(others), 'active');
    await world.feed.up(3);
    assert.equal(await status(mine), 'suspended');
    await mine.odds(market.oneXTwo('2.30'), { product: 3 });
    assert.equal(await status(mine), 'active');
    await stop();
    await world.close();
  });

  test('odds are no alive: a producer that only prices falls silent, too', async () => {
    const world = await openWorld({ 'producer-silence-s': '2' });
    const event = await world.event(market.oneXTwo());
    const price = setInterval(() => event.odds(market.oneXTwo()).catch(() => {}), 200);
    price.unref();
    await eventually(async () => assert.equal(await status(event), 'suspended'));
    clearInterval(price);
    await world.close();
  });

  test('rule 24: up and down are in the log, so a restart ends in the same book', async () => {
    const world = await openWorld();
    const event = await world.event(market.oneXTwo('2.22'));
    await world.feed.send(uof.alive({ subscribed: 0 }));
    await world.restart({ kill: true });
    assert.equal(await status(event), 'suspended');
    assert.equal((await event.market(1)).outcomes[0].odds.slice(0, 4), '2.22');
    await world.feed.up();
    await event.odds(market.oneXTwo('2.22'));
    assert.equal(await status(event), 'active');
    await world.close();
  });
});
