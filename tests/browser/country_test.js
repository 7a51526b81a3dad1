// A customer abroad: told before the bet, and still master of what is there.
'use strict';

const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { SECRET, sign } = require('../api/lib/edge');
const { market, worldFor } = require('../api/lib/world');

describe('a customer who travels', () => {
  const world = worldFor({ before, after }, { 'edge-secret': SECRET, 'countries-refused': 'US' });

  test('no bets from abroad, said at the slip; withdrawal and time-out go on', async () => {
    const event = await match(world(), 'Yarrow', 'Zinnia', [market.oneXTwo()]);
    const fan = await customer(world());
    const { page } = fan;
    let country = 'MT';
    await fan.context.route('**/v1/**', (route) =>
      route.continue({ headers: { ...route.request().headers(), ...sign(country) } }));
    await fan.register();
    await fan.deposit('30');
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('5');
    country = 'US'; // on the way: the page does not know yet
    await fan.bet();
    await page.locator('.refusal').getByText(/no bets and no deposits from the country/).waitFor();
    await fan.goto('/'); // it asks with every visit
    await page.locator('.why').getByText(/no bets and no deposits from the country/).waitFor();
    await fan.goto('/wallet');
    await page.locator('#field-deposits').fill('5');
    await page.getByRole('button', { name: 'Deposit', exact: true }).click();
    await page.getByText(/no bets and no deposits from the country/).first().waitFor();
    await page.locator('#field-withdrawals').fill('5');
    await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
    await page.getByText('Withdraw: €5.00 done.').waitFor();
    country = 'MT'; // home again
    await fan.goto('/');
    await fan.bet();
    await fan.placed();
    country = 'US';
    await fan.goto('/account');
    await page.getByRole('button', { name: /Take a break/ }).click();
    await page.getByRole('button', { name: 'Start the time-out' }).click();
    await page.getByText(/You are excluded until/).waitFor();
    await fan.close();
  });
});
