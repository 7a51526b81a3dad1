// Refusals are clear, and one tap goes on; no answer is not a refusal.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { eventually, market, worldFor } = require('../api/lib/world');

describe('refusals in the browser', () => {
  const world = worldFor({ before, after }, { 'stake-max': '50.00' });

  const ready = async (home, amount) => {
    const event = await match(world(), home, 'Visitors', [market.oneXTwo()]);
    const fan = await customer(world(), { balance: '100' });
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake(amount);
    return { event, fan };
  };

  test('odds that change while the bet is on its way are accepted by one tap', async () => {
    const { event, fan } = await ready('Ida', '10');
    let sent = 0;
    await fan.page.route('**/v1/bets', async (route) => {
      if (route.request().method() === 'POST' && ++sent === 1)
        await event.odds([market.oneXTwo('1.85', '3.50', '4.20')]);
      await route.continue();
    });
    await fan.bet();
    await fan.slip.getByRole('alert').getByText('The odds have changed.').waitFor();
    assert.equal((await fan.bets()).length, 0);
    const accept = fan.page.getByRole('button', { name: 'Accept the new odds and place' });
    assert.ok(await accept.evaluate((button) => button === document.activeElement), 'focus');
    await accept.click();
    await fan.placed();
    assert.deepEqual(
      (await fan.bets()).map(({ odds }) => odds),
      ['1.85'],
    );
    await fan.close();
  });

  test('odds that change before it is sent must be accepted, unless chosen otherwise', async () => {
    const { event, fan } = await ready('Juno', '10');
    await event.odds([market.oneXTwo('1.70', '3.50', '4.20')]);
    await fan.place.getByText('Accept new odds and bet €10.00').waitFor();
    await fan.page.getByRole('button', { name: 'Take any' }).click();
    await fan.place.getByText('Place bet €10.00').waitFor();
    await fan.bet();
    await fan.placed();
    assert.equal((await fan.bets())[0].odds, '1.70');
    await fan.close();
  });

  test('a stake above the maximum is placed with it by one tap', async () => {
    const { fan } = await ready('Kilo', '60');
    await fan.bet();
    await fan.page.getByRole('button', { name: 'Stake €50.00 and place' }).click();
    await fan.placed();
    assert.equal((await fan.bets())[0].stake, '50.00');
    await fan.close();
  });

  test('a lost answer is asked for again with the same key: one bet', async () => {
    const { fan } = await ready('Lima', '10');
    const keys = [];
    await fan.page.route('**/v1/bets', async (route) => {
      const request = route.request();
      if (request.method() !== 'POST') return route.continue();
      keys.push(request.headers()['idempotency-key']);
      if (keys.length > 2) return route.continue();
      await route.fetch(); // it reaches the server; its answer is lost
      return route.abort();
    });
    await fan.bet();
    await fan.slip.getByText(/No answer yet/).waitFor();
    await fan.placed();
    assert.ok(keys.length >= 3);
    assert.equal(new Set(keys).size, 1);
    assert.equal((await fan.bets()).length, 1);
    await fan.close();
  });

  test('a page closed without its answer asks when it is opened again: one bet', async () => {
    const { fan } = await ready('Mike', '10');
    let reached = 0;
    await fan.page.route('**/v1/bets', async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch();
      reached += 1;
      return route.abort();
    });
    await fan.bet();
    await eventually(() => assert.ok(reached > 0));
    await fan.page.unrouteAll({ behavior: 'ignoreErrors' });
    await fan.goto('/bets');
    await fan.page.getByText('Your earlier bet has been confirmed.').waitFor();
    assert.equal((await fan.bets()).length, 1);
    await fan.close();
  });

  test('what one customer sent is never sent for another', async () => {
    const { fan } = await ready('Papaya', '10');
    await fan.page.route('**/v1/bets', (route) =>
      route.request().method() === 'POST' ? route.abort() : route.continue(),
    );
    await fan.bet();
    await fan.slip.getByText(/No answer yet/).waitFor();
    await fan.goto('/account');
    await fan.page.getByRole('button', { name: 'Log out everywhere' }).click();
    await fan.page.unrouteAll({ behavior: 'ignoreErrors' });
    const first = fan.email;
    await fan.register();
    await fan.deposit('20');
    await fan.page.waitForTimeout(1500);
    assert.equal((await fan.bets()).length, 0);
    await fan.goto('/account');
    await fan.page.getByRole('button', { name: 'Log out everywhere' }).click();
    await fan.page.getByLabel('Email').fill(first);
    await fan.page.getByLabel('Password').fill('correct horse battery');
    await fan.page.locator('form').getByRole('button', { name: 'Log in' }).click();
    await fan.page.getByText('Your earlier bet has been confirmed.').waitFor();
    assert.equal((await fan.bets()).length, 1, 'it waited for whose it is');
    await fan.close();
  });

  test('what is bet without a session, and a balance that is too small', async () => {
    const event = await match(world(), 'Nova', 'Oscar', [market.oneXTwo()]);
    const fan = await customer(world());
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    await fan.place.getByText('Log in to bet').click();
    await fan.page.getByRole('heading', { name: 'Log in' }).waitFor();
    await fan.register();
    await fan.place.getByText('Deposit to bet').waitFor(); // the slip is still there
    await fan.deposit('20');
    await fan.bet();
    await fan.placed();
    await fan.close();
  });
});
