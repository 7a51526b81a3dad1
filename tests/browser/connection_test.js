// Old odds are never shown as new ones, and never bet on.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { customer, match } = require('./lib/customer');
const { market, openWorld, uof } = require('../api/lib/world');

// A world whose ports stay the same when its server restarts.
async function steadyWorld(options) {
  const world = await openWorld(options);
  Object.assign(world.options, {
    listen: world.server.public,
    'operator-listen': world.server.operator,
  });
  return world;
}

describe('connections', () => {
  test('the server restarts under an open page', async () => {
    const world = await steadyWorld({});
    const event = await match(world, 'Papa', 'Quebec', [market.oneXTwo()]);
    const fan = await customer(world, { balance: '100' });
    const { page } = fan;
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    await page.locator('#place:not([aria-disabled="true"])').waitFor();

    await world.server.kill();
    await page.getByText(/No connection: the odds below may be old/).waitFor();
    assert.equal(await fan.price(event, 1, 1).getAttribute('data-leg'), '1//1');
    assert.equal(await page.locator('.price:not(.locked)').count(), 0, 'all are locked');
    assert.equal(await fan.place.getAttribute('aria-disabled'), 'true');

    await world.start();
    await world.feed.up();
    await event.odds([market.oneXTwo('2.00', '3.40', '4.00')], { status: event.status });
    await fan.bet();
    await fan.placed();
    await page.getByText(/No connection/).waitFor({ state: 'hidden' });
    assert.equal((await fan.bets()).length, 1);
    await fan.close();
    await world.close();
  });

  test('a phone without a network shows no odds as live', async () => {
    const world = await openWorld();
    const event = await match(world, 'Oscar', 'Papaya', [market.oneXTwo()]);
    const fan = await customer(world);
    await fan.goto('/');
    await fan.page.locator('.price:not(.locked)').first().waitFor();
    await fan.context.setOffline(true);
    const warning = fan.page.getByText(/No connection: the odds below may be old/);
    await warning.waitFor({ timeout: 6000 }); // by silence alone it takes 12 s
    await event.odds([market.oneXTwo('2.40')]);
    await fan.context.setOffline(false);
    await fan.price(event, 1, 1).getByText('2.40').waitFor();
    await fan.page.getByText(/No connection/).waitFor({ state: 'hidden' });
    await fan.close();
    await world.close();
  });

  test('a bet in flight while the server is killed is placed once', async () => {
    const world = await steadyWorld({});
    const event = await match(world, 'Romeo', 'Sierra', [market.oneXTwo()]);
    const fan = await customer(world, { balance: '100' });
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    let killed = false;
    await fan.page.route('**/v1/bets', async (route) => {
      if (route.request().method() !== 'POST' || killed) return route.continue();
      killed = true;
      await route.fetch();
      await world.server.kill();
      return route.abort();
    });
    await fan.bet();
    await fan.slip.getByText(/No answer yet/).waitFor();
    await world.start();
    await fan.placed();
    assert.equal((await fan.bets()).length, 1);
    await fan.close();
    await world.close();
  });

  test('a silent feed locks the odds, and the page says so', async () => {
    const world = await openWorld({ 'producer-silence-s': 5 });
    const alive = setInterval(() => void world.feed.post(uof.alive({ product: 1 })), 500);
    const tango = await match(world, 'Tango', 'Uniform', [market.oneXTwo()]);
    await match(world, 'Victor', 'Whisky', [market.oneXTwo()]);
    const fan = await customer(world);
    await fan.goto('/');
    await fan.page.locator('.price:not(.locked)').first().waitFor();
    clearInterval(alive);
    await fan.page.getByText(/no odds are coming in at the moment/).waitFor();
    assert.equal(await fan.page.locator('.price:not(.locked)').count(), 0);
    await fan.goto(`/event/${tango}`);
    await fan.page.getByText('Betting on this match is suspended.').waitFor();
    await fan.close();
    await world.close();
  });

  test('without WebSocket the page asks for snapshots', async () => {
    const world = await openWorld({});
    const event = await match(world, 'Xray', 'Yankee', [market.oneXTwo()]);
    const fan = await customer(world);
    await fan.page.addInitScript(() => {
      window.WebSocket = class {
        static OPEN = 1;
        readyState = 3;
        constructor() {
          setTimeout(() => this.onclose?.(), 0);
        }
        close() {}
      };
    });
    await fan.goto('/');
    await fan.price(event, 1, 1).getByText('2.00').waitFor();
    await event.odds([market.oneXTwo('2.60', '3.10', '3.00')]);
    await fan.price(event, 1, 1).getByText('2.60').waitFor();
    assert.equal(await fan.price(event, 1, 1).getAttribute('aria-disabled'), 'false');
    // An edge gives what it has when the origin does not answer, and says how old it is.
    let age = '3';
    await fan.page.route(/\/v1\/events/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), age } });
    });
    await fan.page.getByText(/No connection: the odds below may be old/).waitFor();
    assert.equal(await fan.page.locator('.price:not(.locked)').count(), 0, 'all are locked');
    age = '2';
    await fan.page.getByText(/No connection/).waitFor({ state: 'hidden' });
    await fan.page.locator('.price:not(.locked)').first().waitFor();
    await fan.close();
    await world.close();
  });
});
