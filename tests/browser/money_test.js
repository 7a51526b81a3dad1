// The page's arithmetic, without a browser: against `overround grade`, and
// against vectors worked out by hand.
'use strict';

const assert = require('node:assert/strict');
const Module = require('node:module');
const path = require('node:path');
const { describe, test } = require('node:test');
const { root } = require('../api/lib/store');
const { run } = require('../api/lib/server');

// A TypeScript module as node can load it.
function load(name) {
  const { buildSync } = require(path.join(root, 'web/node_modules/esbuild'));
  const file = path.join(root, 'web/src', name);
  const options = { entryPoints: [file], bundle: true, format: 'cjs', target: 'node20' };
  const [{ text }] = buildSync({ ...options, write: false }).outputFiles;
  const module = new Module(file);
  module._compile(text, `${file}.cjs`);
  return module.exports;
}

const { cashoutOffer } = load('board/cashout.ts');
const { payout } = load('board/betmath.ts');
const { parseDecimal } = load('shared/rational.ts');
const { showOdds } = load('shared/odds.ts');
const { parseMoney, moneyText, showMoney } = load('shared/money.ts');

// A generator of its own, so that a failure can be repeated.
function generator(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
}

function randomSlip(next) {
  const n = 1 + next(8);
  const legs = Array.from({ length: n }, () => ({
    odds: (1.01 + next(900) / 100).toFixed(2),
    result: 'won',
    banker: false,
  }));
  const stake = moneyText(BigInt(10 + next(100000)), 'EUR');
  if (n === 1) return { stake, currency: 'EUR', type: 'single', legs };
  if (n === 2 || next(2)) return { stake, currency: 'EUR', type: 'multiple', legs };
  legs[0].banker = next(2) === 1;
  const free = n - Number(legs[0].banker);
  const system = [1 + next(free)];
  if (next(2) && system[0] < free) system.push(system[0] + 1);
  return { stake, currency: 'EUR', type: 'system', system, legs };
}

describe('arithmetic of the page', () => {
  test('what a slip could pay is what the server would pay', () => {
    const next = generator(2022);
    const slips = Array.from({ length: 400 }, () => randomSlip(next));
    const done = run(['grade'], { input: `${slips.map((s) => JSON.stringify(s)).join('\n')}\n` });
    assert.equal(done.status, 0, done.stderr);
    const graded = done.stdout.trim().split('\n').map((line) => JSON.parse(line));
    slips.forEach((slip, i) => {
      const factors = slip.legs.map(({ odds, banker }) => ({ value: parseDecimal(odds), banker }));
      const terms = { type: slip.type, sizes: slip.system ?? [] };
      const mine = moneyText(payout(terms, factors, parseMoney(slip.stake, 'EUR')), 'EUR');
      assert.equal(mine, graded[i].payout, JSON.stringify(slip));
    });
  });

  const open = (odds, now, banker = false) => ({ odds, now, banker, factor: null });
  const settled = (odds, factor) => ({ odds, now: null, banker: false, factor });
  const single = { type: 'single', sizes: [] };
  const multiple = { type: 'multiple', sizes: [] };

  test('a cash-out offer, by hand', () => {
    const vectors = [
      // 10.00 x 2.00 / 1.60 x 0.95 = 11.875
      [single, [open('2.00', '1.60')], 1000n, '0.05', 1187n],
      // 10.00 x 2.00 / 4.00 x 0.95 = 4.75
      [single, [open('2.00', '4.00')], 1000n, '0.05', 475n],
      // a won leg counts its odds: 10 x 1.5 x 3 / 2.5 x 0.9 = 16.2
      [multiple, [settled('1.50', '1.5'), open('3.00', '2.50')], 1000n, '0.1', 1620n],
      // a void leg counts 1, a half-won one its factor
      [multiple, [settled('9.00', '1'), open('2.00', '2.00')], 1000n, '0', 1000n],
      [multiple, [settled('3.00', '2'), open('2.00', '2.00')], 1000n, '0', 2000n],
      // a lost leg leaves nothing to sell
      [multiple, [settled('1.50', '0'), open('3.00', '2.50')], 1000n, '0.05', null],
      // 3 doubles of 2/1, 3/2, 1/1: (2x1.5 + 2x1 + 1.5x1) / 3 x 12 x 0.95 = 24.7
      [
        { type: 'system', sizes: [2] },
        [open('2.00', '1.00'), open('3.00', '2.00'), open('4.00', '4.00')],
        1200n,
        '0.05',
        2470n,
      ],
      // the first is a banker: 2 x (1.5 + 1) / 2 x 12 x 1 = 30
      [
        { type: 'system', sizes: [1] },
        [open('2.00', '1.00', true), open('3.00', '2.00'), open('4.00', '4.00')],
        1200n,
        '0',
        3000n,
      ],
      // one that cannot be bought now: no offer
      [multiple, [open('2.00', null), open('3.00', '2.50')], 1000n, '0.05', null],
    ];
    for (const [terms, legs, stake, margin, want] of vectors)
      assert.equal(cashoutOffer(terms, legs, stake, margin), want, JSON.stringify(legs));
  });

  test('odds in three formats', () => {
    const shown = [
      ['2', '2.00', '1/1', '+100'],
      ['1.5', '1.50', '1/2', '−200'],
      ['2.375', '2.375', '11/8', '+138'],
      ['1.01', '1.01', '1/100', '−10000'],
      ['101', '101.00', '100/1', '+10000'],
      ['3.4', '3.40', '12/5', '+240'],
    ];
    for (const [odds, ...want] of shown)
      assert.deepEqual(
        ['decimal', 'fractional', 'american'].map((format) => showOdds(odds, format)),
        want,
      );
  });

  test('amounts as people write and read them', () => {
    assert.equal(parseMoney('12,5', 'EUR'), 1250n);
    assert.equal(parseMoney('12.345', 'EUR'), null);
    assert.equal(parseMoney('12.345', 'KWD'), 12345n);
    assert.equal(parseMoney('1.5', 'JPY'), null);
    for (const text of ['', '-1', '1e3', 'ten', '1.2.3'])
      assert.equal(parseMoney(text, 'EUR'), null);
    assert.equal(showMoney('-1234567.80', 'EUR'), '−€1,234,567.80');
    assert.equal(showMoney(5n, 'GBP'), '£0.05');
  });
});
