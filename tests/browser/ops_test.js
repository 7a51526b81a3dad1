// The operators' page draws what /metrics says, and says when it is old.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { openBrowser } = require('./lib/browser');
const { eventually, leg, market, worldFor } = require('../api/lib/world');

describe("the operators' page", () => {
  const world = worldFor({ before, after }, { experiments: 'slip=control:50/quick:50' });

  test('bets, refusals and money, and a server that goes away', async () => {
    const event = await world().event();
    await event.odds([market.oneXTwo('2.00')]);
    const fan = await world().customer({ balance: '100' });
    const context = await openBrowser({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error));
    page.setDefaultTimeout(15000);
    await page.goto(`${world().server.operatorUrl}/ops`);
    const card = (name) => page.getByRole('region', { name, exact: true });
    await page.getByRole('status').getByText('Taking bets').waitFor();
    await card('Bets a second').locator('canvas').waitFor();
    for (let i = 0; i < 5; i++) await fan.bet([leg(event, 1, 1, '2.00')], { stake: '1.00' });
    await fan.bet([leg(event, 1, 1, '9.00')], { stake: '1.00' });
    await card('Bets a second').getByText('5 since start').waitFor();
    await card('Refusals by cause, a second').getByText('odds_changed').waitFor();
    await eventually(async () =>
      assert.equal(await card('GGR').locator('output').textContent(), '5'));
    await page.getByLabel("Operator's token").fill('nobody');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('Log in first').waitFor();
    await page.getByLabel("Operator's token").fill(world().server.token);
    await page.getByRole('button', { name: 'Show' }).click();
    const turnover = card('Turnover a minute');
    await turnover.locator('canvas').waitFor();
    assert.equal(await turnover.locator('output').textContent(), '5 EUR');
    const arms = page.getByRole('region', { name: 'Experiment slip' });
    await arms.getByRole('cell', { name: 'too few to say' }).first().waitFor();
    await world().server.stop();
    await page.getByRole('status').getByText(/^No answer since/).waitFor();
    assert.deepEqual(errors, []);
    await context.close();
  });

  test('behind a load balancer nobody has the numbers; reports are there', async () => {
    await world().start();
    const context = await openBrowser({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(15000);
    await page.route('**/metrics', (route) => route.fulfill({ status: 404, body: 'Not found' }));
    await page.goto(`${world().server.operatorUrl}/ops`);
    await page.getByText("open /ops on a process's own address").waitFor();
    assert.equal(await page.locator('canvas').count(), 0);
    await page.getByLabel("Operator's token").fill(world().server.token);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByRole('region', { name: 'Turnover a minute' }).waitFor();
    await context.close();
  });
});
