// For everyone: the keyboard, small screens, names for what is read aloud.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { market, worldFor } = require('../api/lib/world');

const VIEWS = ['/', '/bets', '/wallet', '/account'];

describe('for everyone', () => {
  const world = worldFor({ before, after }, {});
  const long = 'Borussia Mönchengladbach von 1900';

  test('a bet with the keyboard alone', async () => {
    const event = await match(world(), 'Zulu', 'Amber', [market.oneXTwo()]);
    const fan = await customer(world(), { balance: '30' });
    const { page } = fan;
    const press = (key) => page.keyboard.press(key);
    const focused = () => page.evaluate(() => document.activeElement.dataset.leg ?? '');
    await fan.goto('/');
    await fan.price(event, 1, 1).waitFor();
    for (let i = 0; i < 40 && (await focused()) !== '1//1'; i += 1) await press('Tab');
    assert.equal(await focused(), '1//1', 'Tab reaches a price');
    const style = await page.evaluate(() => ({ ...getComputedStyle(document.activeElement) }));
    assert.equal(style.outlineStyle, 'solid', 'the focus is seen');
    await press('Enter');
    await page.locator('#stake').waitFor();
    const at = () => page.evaluate(() => document.activeElement.id);
    for (let i = 0; i < 60 && (await at()) !== 'stake'; i += 1) await press('Tab');
    await page.keyboard.type('5');
    await press('Enter');
    await fan.placed();
    assert.equal((await fan.bets())[0].stake, '5.00');
    await fan.close();
  });

  test('360 pixels: nothing is wider than the screen, and the slip is a sheet', async () => {
    const event = await match(world(), long, `${long} II`, [market.oneXTwo(), market.total()]);
    const fan = await customer(world(), {
      balance: '12345.67',
      viewport: { width: 360, height: 740 },
    });
    const { page } = fan;
    for (const view of [...VIEWS, `/event/${event}`]) {
      await fan.goto(view);
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() =>
        [...document.querySelectorAll('body *')]
          .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
          .filter((e) => !e.closest('.filters, .skip, .hidden'))
          .map((e) => `${e.tagName}.${e.className}`),
      );
      assert.deepEqual(wide, [], view);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, view);
    }
    await fan.pick(event, 1, 1);
    await page.getByRole('button', { name: /Slip/ }).click();
    await fan.stake('10');
    await fan.bet();
    await fan.placed();
    await page.keyboard.press('Escape');
    assert.equal(await fan.slip.isVisible(), false);
    await fan.close();
  });

  test('every control has a name, every view a heading', async () => {
    const event = await match(world(), 'Cyan', 'Denim', [market.oneXTwo(), market.total()]);
    const fan = await customer(world(), { balance: '10' });
    const { page } = fan;
    for (const view of [...VIEWS, `/event/${event}`]) {
      await fan.goto(view);
      await page.locator('h1').waitFor({ state: 'attached' });
      const nameless = await page.evaluate(() =>
        [...document.querySelectorAll('button, a, input, select')]
          .filter((e) => {
            const label = e.labels?.[0]?.textContent ?? '';
            return !`${e.getAttribute('aria-label') ?? ''}${e.textContent}${label}`.trim();
          })
          .map((e) => e.outerHTML.slice(0, 100)),
      );
      assert.deepEqual(nameless, [], view);
      assert.match(await page.title(), /\S+ · Overround/, view);
    }
    const said = await fan.price(event, 1, 1).getAttribute('aria-label');
    assert.equal(said, 'Cyan, 2.00. 1x2, Cyan against Denim');
    await fan.close();
  });

  test('odds as fractions and American; dark and light, kept over a reload', async () => {
    const event = await match(world(), 'Ebony', 'Flax', [market.oneXTwo('2.50', '3.40', '1.50')]);
    const fan = await customer(world(), { colorScheme: 'light' });
    const { page } = fan;
    const shown = (outcome) => fan.price(event, 1, outcome).textContent();
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    for (const [name, home, away] of [
      ['Fractional', '3/2', '1/2'],
      ['American', '+150', '−200'],
    ]) {
      await fan.goto('/account');
      await page.getByRole('button', { name }).click();
      await fan.goto('/');
      await fan.price(event, 1, 1).waitFor();
      assert.deepEqual([await shown(1), await shown(3)], [home, away]);
    }
    const light = await ground();
    await fan.goto('/account');
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.reload();
    assert.notEqual(await ground(), light);
    await fan.close();
  });
});
