// A match as a customer lives it in the browser.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { customer, goal, match } = require('./lib/customer');
const { eventually, market, worldFor } = require('../api/lib/world');

describe('a match in the browser', () => {
  const world = worldFor({ before, after }, {});

  test('register, deposit, bet, goal, suspended, resumed, settled', async () => {
    const alpha = await match(world(), 'Alpha', 'Beta', [market.oneXTwo('2.00', '3.40', '4.00')]);
    const fan = await customer(world(), { balance: '100' });
    const { page } = fan;
    await page.getByRole('link', { name: 'Board' }).first().click();
    const home = fan.price(alpha, 1, 1);
    await page.getByText('Alpha', { exact: true }).waitFor();
    assert.equal(await home.textContent(), '2.00');

    await fan.pick(alpha, 1, 1);
    await fan.stake('10');
    assert.equal(await page.getByTestId('payout').textContent(), '€20.00');
    await fan.bet();
    await fan.placed();
    await page.locator('.top').getByText('€90.00').waitFor();

    await goal(alpha);
    await page.locator(`[data-event="${alpha}"] .price.locked`).first().waitFor();
    assert.equal(await home.getAttribute('aria-disabled'), 'true');
    await home.click({ force: true });
    assert.equal(await home.getAttribute('aria-pressed'), 'false', 'locked: not on the slip');

    await alpha.odds([market.oneXTwo('1.30', '5.00', '9.00')], { status: alpha.status });
    await page.locator(`[data-event="${alpha}"]`).getByText('1.30').waitFor();
    assert.equal(await home.getAttribute('aria-disabled'), 'false');
    assert.equal(await page.locator(`[data-event="${alpha}"] .score`).first().textContent(), '1');

    await page.getByRole('link', { name: 'My bets' }).first().click();
    await page.locator('.bet').getByText('Single').waitFor();
    await alpha.result(1, 0, 0);
    await page.getByText('No open bets.').waitFor();
    await page.getByRole('button', { name: 'Settled' }).click();
    await page.locator('.bet .verdict').getByText('Won').waitFor();
    await page.locator('.top').getByText('€110.00').waitFor();
    await fan.close();
  });

  test('a system with a banker: lines, payout and bet agree with the server', async () => {
    const events = [];
    for (const name of ['Castor', 'Delta', 'Echo', 'Fox'])
      events.push(await match(world(), name, `${name} B`, [market.oneXTwo()]));
    const fan = await customer(world(), { balance: '100' });
    const { page } = fan;
    await page.getByRole('link', { name: 'Board' }).first().click();
    for (const event of events) await fan.pick(event, 1, 1);
    await page.getByRole('button', { name: 'System' }).click();
    await page.getByRole('button', { name: /^Banker: Castor/ }).click();
    await page.getByRole('button', { name: /^Trebles/ }).click();
    await fan.stake('12');
    // 2.00 each; banker x (3 doubles + 1 treble): 12 / 4 x 2 x (3 x 4 + 8) = 120.
    assert.equal(await page.getByTestId('payout').textContent(), '€120.00');
    await fan.bet();
    await fan.placed();
    const [bet] = await fan.bets();
    assert.equal(bet.potential_payout, '120.00');
    assert.deepEqual(bet.system, [2, 3]);
    assert.deepEqual(
      bet.legs.map(({ banker }) => banker),
      [true, false, false, false],
    );
    await fan.close();
  });

  test('singles are a bet each', async () => {
    const golf = await match(world(), 'Golf', 'Hotel', [market.oneXTwo(), market.total()]);
    const fan = await customer(world(), { balance: '50' });
    await fan.goto(`/event/${golf}`);
    await fan.pick(golf, 1, 1);
    await fan.pick(golf, 18, 12, 'total=2.5');
    await fan.stake('5');
    await fan.bet();
    await fan.placed();
    await eventually(async () => assert.equal((await fan.bets()).length, 2));
    await fan.page.locator('.top').getByText('€40.00').waitFor();
    await fan.close();
  });
});
