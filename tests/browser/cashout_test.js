// Cash-out: the offer moves with the prices, and is sold once.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { eventually, market, worldFor } = require('../api/lib/world');

describe('cash-out in the browser', () => {
  const world = worldFor({ before, after }, {});

  // A bet of 10.00 at 3.00, looked at.
  const holding = async (home) => {
    const event = await match(world(), home, 'Guests', [market.oneXTwo('3.00')]);
    const fan = await customer(world(), { balance: '100' });
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    await fan.bet();
    await fan.placed();
    await fan.page.getByRole('link', { name: 'My bets' }).first().click();
    const offers = (amount) => fan.page.getByRole('button', { name: `Cash out €${amount}` });
    await offers('9.50').waitFor();
    return { event, fan, offers };
  };

  test('the offer follows the prices as the server computes it, and is paid', async () => {
    const { event, fan, offers } = await holding('Grove');
    for (const [odds, amount] of [
      ['1.70', '16.76'],
      ['7.77', '3.66'],
      ['2.34', '12.17'],
    ]) {
      await event.odds(market.oneXTwo(odds));
      await offers(amount).waitFor();
      assert.equal((await fan.bets())[0].cashout.offer, amount);
    }
    await event.stop();
    await fan.page.getByText('No cash-out right now.').waitFor();
    await event.odds(market.oneXTwo('1.70'));
    await offers('16.76').click();
    await fan.page.getByText('No open bets.').waitFor();
    await fan.page.locator('.top').getByText('€106.76').waitFor();
    await fan.page.getByRole('button', { name: 'Settled' }).click();
    await fan.page.locator('.verdict').getByText('Cashed out').waitFor();
    await fan.close();
  });

  test('a part of it, and the rest goes on', async () => {
    const { fan, offers } = await holding('Heath');
    await fan.page.getByRole('button', { name: 'Cash out a part' }).click();
    await fan.page.getByLabel(/^Stake to sell/).fill('3.33');
    await offers('3.16').click();
    await fan.page.getByText('Paid €3.16.').waitFor();
    await offers('6.33').waitFor();
    const [bet] = await fan.bets();
    assert.deepEqual([bet.remaining_stake, bet.cashed_out], ['6.67', '3.16']);
    await fan.close();
  });

  test('an offer that fell is taken by one tap; a lost answer sells once', async () => {
    const { event, fan, offers } = await holding('Iris');
    const keys = [];
    await fan.page.route('**/cashout', async (route) => {
      keys.push(route.request().headers()['idempotency-key']);
      if (keys.length === 1) await event.odds(market.oneXTwo('6.00'));
      if (keys.length !== 2) return route.continue();
      await route.fetch();
      return route.abort();
    });
    await offers('9.50').click();
    await fan.page.getByText('The offer is now €4.75.').waitFor();
    await fan.page.getByRole('button', { name: 'Take €4.75' }).click();
    await fan.page.getByText('No open bets.').waitFor();
    await eventually(() => assert.equal(keys.length, 3));
    assert.equal(keys[1], keys[2]);
    await fan.page.locator('.top').getByText('€94.75').waitFor();
    await fan.close();
  });
});
