// The traders' page beside a customer's: what one does, the other sees.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { openBrowser } = require('./lib/browser');
const { customer, match } = require('./lib/customer');
const { eventually, market, run, worldFor } = require('../api/lib/world');

let operators = 0;

// Somebody of the trading room, made on the command line.
async function operator(world, role) {
  const name = `${role}${++operators}`;
  const added = run(['operator', 'add', name, '--role', role, '--store', world.store.url]);
  const token = /token (\S+)$/m.exec(added.stdout)[1];
  await eventually(async () => {
    const { status } = await world.server.operate('GET', '/v1/desk/me', { token });
    assert.equal(status, 200);
  });
  const context = await openBrowser({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const errors = [];
  page.on('pageerror', (error) => errors.push(error));
  page.setDefaultTimeout(15000);
  await page.goto(`${world.server.operatorUrl}/desk`);
  await page.getByLabel("Operator's token").fill(token);
  await page.getByRole('button', { name: 'Open the desk' }).click();
  await page.locator('.who').getByText(name).waitFor();
  return {
    name,
    page,
    async choose(team) {
      await page.locator('.events .row').filter({ hasText: team }).click();
      await page.locator('.head h2').getByText(team).waitFor();
    },
    dialog: page.getByRole('dialog'),
    async close() {
      assert.deepEqual(errors, []);
      await context.close();
    },
  };
}

describe('the desk in the browser', () => {
  const world = worldFor({ before, after }, {});

  test('a wrong token is told', async () => {
    const context = await openBrowser();
    const page = await context.newPage();
    await page.goto(`${world().server.operatorUrl}/desk`);
    await page.getByLabel("Operator's token").fill('nobody');
    await page.getByRole('button', { name: 'Open the desk' }).click();
    await page.getByRole('alert').waitFor();
    await context.close();
  });

  test('one key suspends and resumes at each level', async () => {
    const event = await match(world(), 'Kappa', 'Lambda', [market.oneXTwo(), market.total()]);
    const trader = await operator(world(), 'trader');
    const fan = await customer(world());
    await fan.goto(`/event/${event}`);
    await trader.choose('Kappa');
    const price = fan.price(event, 1, 1);
    const other = fan.price(event, 18, 12, 'total=2.5');
    const locked = (where, is, why) =>
      eventually(async () =>
        assert.equal(await where.getAttribute('aria-disabled'), String(is), why));
    await locked(price, false, 'at first');
    const said = trader.page.locator('.tabs [role=status]');
    for (const key of ['m', 'e', 'p', 'a']) {
      await trader.page.keyboard.press(key);
      await locked(price, true, `${key}: ${await said.textContent()}`);
      await locked(other, key !== 'm', `${key}, the other market`);
      await trader.page.locator('.market').first().getByText('desk:').waitFor();
      await trader.page.keyboard.press(key);
      await locked(price, false, `${key} again`);
      const first = trader.page.locator('.market').first();
      await first.getByText('desk:').waitFor({ state: 'detached' });
    }
    await trader.page.keyboard.press('3');
    const rows = trader.page.locator('tbody tr').filter({ hasText: trader.name });
    await eventually(async () => assert.ok((await rows.count()) >= 8));
    await trader.close();
    await fan.close();
  });

  test('a price of our own is what customers see', async () => {
    const event = await match(world(), 'Moon', 'North', [market.oneXTwo('2.00', '3.40', '4.00')]);
    const trader = await operator(world(), 'trader');
    const fan = await customer(world());
    await fan.goto(`/event/${event}`);
    await trader.choose('Moon');
    await trader.page.keyboard.press('o');
    await trader.dialog.getByLabel('Odds').fill('0.50');
    await trader.dialog.getByLabel('Reason').fill('too low on purpose');
    await trader.dialog.getByRole('button', { name: 'Set price' }).click();
    await trader.dialog.getByRole('alert').waitFor();
    await trader.dialog.getByLabel('Odds').fill('1.77');
    await trader.dialog.getByRole('button', { name: 'Set price' }).click();
    const price = fan.price(event, 1, 1);
    await eventually(async () => assert.match(await price.textContent(), /1\.77$/));
    await trader.close();
    await fan.close();
  });

  test('a result is proposed by one, confirmed by another, and paid', async () => {
    const event = await match(world(), 'Orion', 'Perseus', [market.oneXTwo('2.00')]);
    const fan = await customer(world(), { balance: '100' });
    const bettor = await fan.bets();
    assert.equal(bettor.length, 0);
    await fan.goto(`/event/${event}`);
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    await fan.bet();
    await fan.placed();
    const trader = await operator(world(), 'trader');
    const senior = await operator(world(), 'senior');
    await trader.choose('Orion');
    await trader.page.keyboard.press('r');
    await trader.dialog.getByRole('combobox').first().selectOption('won');
    await trader.dialog.getByLabel('Reason').fill('the feed is late');
    await trader.dialog.getByRole('button', { name: 'Propose result' }).click();
    const proposal = (who) =>
      who.page.locator('.activity .item').filter({ hasText: String(event) });
    await proposal(trader).waitFor();
    const confirm = proposal(trader).getByRole('button', { name: 'Confirm' });
    assert.equal(await confirm.isDisabled(), true);
    await proposal(senior).getByRole('button', { name: 'Confirm' }).click();
    await senior.dialog.getByLabel('Reason').fill('seen on the screen');
    await senior.dialog.getByRole('button', { name: 'Confirm' }).click();
    await fan.page.locator('.top').getByText('€110.00').waitFor();
    await trader.close();
    await senior.close();
    await fan.close();
  });

  test('a held bet waits for a yes', async () => {
    const event = await match(world(), 'Quasar', 'Rigel', [market.oneXTwo('2.00')]);
    const senior = await operator(world(), 'senior');
    await senior.choose('Quasar');
    await senior.page.locator('.head').getByRole('button', { name: 'Limits' }).click();
    await senior.dialog.getByLabel('Hold stakes above').fill('20.00');
    await senior.dialog.getByLabel('Reason').fill('a derby');
    await senior.dialog.getByRole('button', { name: 'Set limits' }).click();
    await senior.dialog.waitFor({ state: 'detached' });
    const fan = await customer(world(), { balance: '100' });
    await fan.goto(`/event/${event}`);
    await fan.pick(event, 1, 1);
    await fan.stake('50');
    await fan.bet();
    const held = senior.page.locator('.item.held');
    await held.getByText('50.00 EUR').waitFor();
    assert.equal((await fan.bets()).length, 0, 'nothing is placed while it waits');
    await held.getByRole('button', { name: 'Accept' }).click();
    await fan.placed();
    assert.equal((await fan.bets()).length, 1);
    await senior.page.keyboard.press('2');
    await senior.page.locator('.tree').getByText('Quasar').waitFor();
    await senior.close();
    await fan.close();
  });
});
