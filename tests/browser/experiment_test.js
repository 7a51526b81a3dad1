// An experiment's arm reaches the page, and stays with the customer.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { eventually, market, worldFor } = require('../api/lib/world');

describe('an experiment on the board', () => {
  const world = worldFor({ before, after }, { experiments: 'slip=control:50/quick:50' });

  test('each arm has its own buttons, and is counted', async () => {
    await match(world(), 'Ajax', 'Feyenoord', [market.oneXTwo()]);
    const seen = new Map();
    for (let i = 0; i < 20 && seen.size < 2; i++) {
      const fan = await customer(world(), { balance: '10.00' });
      const { experiments } = await fan.page.evaluate(() => JSON.parse(localStorage.session));
      await fan.goto('/');
      await fan.page.getByRole('button', { name: /Ajax/ }).first().click();
      const buttons = fan.page.getByRole('button', { name: /^Add \d+ to the stake$/ });
      await buttons.first().waitFor();
      const texts = await buttons.allTextContents();
      seen.set(experiments.slip, texts.join(' '));
      await fan.close();
    }
    assert.equal(seen.get('control'), '+5 +10 +50');
    assert.equal(seen.get('quick'), '+10 +25 +100');
    await eventually(async () => {
      const { json } = await world().server.operate('GET', '/v1/reports/experiments');
      assert.ok(json.arms.every(({ customers }) => customers > 0));
    });
  });
});
