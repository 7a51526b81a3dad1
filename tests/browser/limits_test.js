// Limits and time-outs: set by the customer, kept by the server, said clearly.
'use strict';

const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { market, worldFor } = require('../api/lib/world');

describe('limits in the browser', () => {
  const world = worldFor({ before, after }, {});

  test('a limit on deposits and one on stakes', async () => {
    const event = await match(world(), 'Rowan', 'Sage', [market.oneXTwo()]);
    const fan = await customer(world(), { balance: '30' });
    const { page } = fan;
    await fan.goto('/account');
    for (const [what, amount] of [
      ['Deposits', '50'],
      ['Stakes', '8'],
    ]) {
      await page.getByRole('button', { name: `${what} a day: none. Change` }).click();
      await page.getByLabel(`${what} a day, at most (EUR)`).fill(amount);
      await page.getByRole('button', { name: 'Set', exact: true }).click();
      await page.getByRole('button', { name: `${what} a day: €${amount}.00. Change` }).waitFor();
    }
    await fan.goto('/wallet');
    await page.locator('#field-deposits').fill('30');
    await page.getByRole('button', { name: 'Deposit', exact: true }).click();
    await page.getByText('Your limit leaves €20.00.').waitFor();
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    await fan.bet();
    await page.getByRole('button', { name: 'Stake €8.00 and place' }).click();
    await fan.placed();
    await fan.close();
  });

  test('a time-out: no bets and no deposits, but withdrawals', async () => {
    const event = await match(world(), 'Thyme', 'Umber', [market.oneXTwo()]);
    const fan = await customer(world(), { balance: '30' });
    const { page } = fan;
    await fan.goto('/account');
    await page.getByRole('button', { name: /Take a break/ }).click();
    await page.getByText('You cannot shorten or cancel it.').waitFor();
    await page.getByRole('button', { name: 'Start the time-out' }).click();
    await page.getByText(/You are excluded until/).waitFor();
    await fan.goto('/');
    await fan.pick(event, 1, 1);
    await fan.stake('5');
    await fan.bet();
    await page.getByText(/in a time-out or excluded: no bets for now/).waitFor();
    await fan.goto('/wallet');
    await page.locator('#field-deposits').fill('5');
    await page.getByRole('button', { name: 'Deposit', exact: true }).click();
    await page.getByText(/in a time-out: no deposits for now/).waitFor();
    await page.locator('#field-withdrawals').fill('5');
    await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
    await page.getByText('Withdraw: €5.00 done.').waitFor();
    await fan.close();
  });
});
