// Cash-out offers against an oracle that lists every line and adds exact
// fractions: `overround grade` with open legs (rule 16).
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { describe, test } = require('node:test');
const mulberry32 = require('./mulberry32');
const oracle = require('./oracle.js');

const root = path.join(__dirname, '../..');
const binary = path.resolve(root, process.env.OVERROUND_BIN ??
  process.env.OVERROUND_TEST_BINARY ?? 'build/overround');
const SEED = Number(process.env.OVERROUND_SEED ?? 20240611);
const FULL = 10n ** 28n;
const SETTLED = {
  won: [1n, 0n], lost: [0n, 0n], void: [0n, oracle.ONE],
  half_won: [1n, oracle.ONE / 2n], half_lost: [0n, oracle.ONE / 2n],
};

function scaled(text, decimals) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

// What a leg counts: [numerator, denominator].
function worth(leg) {
  const odds = scaled(leg.odds, 4);
  if (leg.result === 'open') return [odds, scaled(leg.odds_now, 4)];
  const [result, voidE12] = SETTLED[leg.result];
  const deadHeat = oracle.e12(leg.dead_heat_factor, oracle.ONE);
  return [voidE12 * oracle.ONE * 10000n + (oracle.ONE - voidE12) * result * deadHeat * odds, FULL];
}

// The offer in minor units; a slip of which no line can win any more, or with
// nothing open, has none.
function offer(slip) {
  const legs = slip.legs.map(worth);
  const shape = {
    type: slip.type, sizes: slip.system ?? [],
    legs: slip.legs.map((leg) => ({ banker: leg.banker ?? false })),
  };
  let [num, den, lines] = [0n, 1n, 0n];
  for (const line of oracle.linesOf(shape)) {
    let [n, d] = [1n, 1n];
    for (const i of line) [n, d] = [n * legs[i][0], d * legs[i][1]];
    [num, den] = [num * d + n * den, den * d];
    lines += 1n;
    const common = gcd(num, den);
    [num, den] = [num / common, den / common];
  }
  const left = 10000n - scaled(slip.margin, 4);
  return (scaled(slip.stake, 2) * num * left) / (den * lines * 10000n);
}

function gcd(a, b) {
  while (b > 0n) [a, b] = [b, a % b];
  return a === 0n ? 1n : a;
}

function generator(seed) {
  const next = mulberry32(seed);
  return { below: (n) => next() % n, pick: (list) => list[next() % list.length] };
}

function randomOdds(random) {
  const whole = random.below(30) === 0 ? 1 + random.below(1000) : 1 + random.below(6);
  return `${whole}.${String(random.below(10000)).padStart(4, '0')}`;
}

function randomLeg(random) {
  const leg = { odds: randomOdds(random), result: 'open', odds_now: randomOdds(random) };
  if (random.below(3) > 0) return leg;
  leg.result = random.pick(['won', 'won', 'void', 'half_won', 'half_lost', 'lost']);
  if (leg.result === 'won' && random.below(3) === 0)
    leg.dead_heat_factor = random.pick(['0.5', '0.333333333333']);
  return leg;
}

function randomSlip(random) {
  const n = 1 + random.below(random.below(4) === 0 ? 9 : 5);
  const legs = Array.from({ length: n }, () => randomLeg(random));
  const slip = {
    stake: `${random.below(5000)}.${String(random.below(100)).padStart(2, '0')}`,
    currency: 'EUR', margin: random.pick(['0.05', '0', '0.0001', '0.5', '1']),
    type: n === 1 ? 'single' : random.pick(['multiple', 'system']), legs,
  };
  if (!legs.some((leg) => leg.result === 'open'))
    Object.assign(legs[0], { result: 'open', dead_heat_factor: undefined });
  if (slip.type !== 'system') return slip;
  const bankers = random.below(n);
  legs.forEach((leg, i) => Object.assign(leg, i < bankers ? { banker: true } : {}));
  const choices = n - bankers;
  slip.system = Array.from({ length: choices }, (_, i) => i + 1)
    .filter(() => random.below(2) === 0);
  if (slip.system.length === 0) slip.system = [1 + random.below(choices)];
  return slip;
}

function offers(slips) {
  const input = slips.map((slip) => `${JSON.stringify(slip)}\n`).join('');
  const run = spawnSync(binary, ['grade'],
    { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

describe('cash-out', () => {
  test('rule 16: offers are the oracle’s, to the last minor unit', () => {
    const random = generator(SEED);
    const slips = Array.from({ length: 4000 }, () => randomSlip(random));
    const answers = offers(slips);
    let above = 0;
    slips.forEach((slip, i) => {
      assert.equal(scaled(answers[i].offer ?? answers[i].error, 2), offer(slip),
        `seed ${SEED}, slip ${i}: ${JSON.stringify(slip)}`);
      above += answers[i].offer !== '0.00';
    });
    assert.ok(above > 1500, `${above} offers above 0`);
  });

  test('bets with names', () => {
    const leg = (odds, now) => ({ odds, result: 'open', odds_now: now });
    const single = { stake: '10.00', currency: 'EUR', type: 'single', legs: [leg('3.00', '1.70')] };
    const won = { odds: '2.00', result: 'won' };
    const [a, b, c, d, e] = offers([
      single,
      { ...single, margin: '0' },
      { ...single, type: 'multiple', legs: [won, leg('2.50', '1.25')] },
      { ...single, type: 'multiple', legs: [{ ...won, result: 'lost' }, leg('2.50', '1.25')] },
      { ...single, legs: [{ odds: '3.00', result: 'open' }] },
    ]);
    assert.equal(a.offer, '16.76');
    assert.equal(b.offer, '17.64');
    assert.equal(c.offer, '38.00');
    assert.equal(d.offer, '0.00');
    assert.match(e.error, /odds_now/);
  });
});
