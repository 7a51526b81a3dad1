// `overround grade` against the oracle: thousands of random slips, and the
// bets that have names.
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
const EXPONENTS = { EUR: 2, JPY: 0, KWD: 3 };
const WORDS = {
  won: [1, 0n], lost: [0, 0n], void: [0, oracle.ONE],
  half_won: [1, oracle.ONE / 2n], half_lost: [0, oracle.ONE / 2n],
};

function gradeText(text) {
  const run = spawnSync(binary, ['grade'],
    { input: text, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
  assert.ifError(run.error);
  assert.equal(run.status, 0, run.stderr);
  return run.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
}

function gradeAll(slips) {
  const answers = gradeText(slips.map((slip) => JSON.stringify(slip) + '\n').join(''));
  assert.equal(answers.length, slips.length);
  return answers;
}

// ---- decimals as the contract writes them ----------------------------------

function decimal(scaled, decimals, least = decimals) {
  const digits = String(scaled).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  let fraction = digits.slice(digits.length - decimals);
  while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

function scaled(text, decimals) {
  const [whole, fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

// The oracle's answer to a slip as `grade` reads it.
function expected(slip) {
  const exponent = EXPONENTS[slip.currency];
  const answer = oracle.grade({
    stakeMinor: scaled(slip.stake, exponent),
    type: slip.type,
    sizes: slip.system ?? [],
    legs: slip.legs.map((leg) => ({ oddsE4: scaled(leg.odds, 4), banker: leg.banker ?? false })),
  }, slip.legs.map(({ result, dead_heat_factor: deadHeat }) => ({
    result: WORDS[result][0],
    voidE12: WORDS[result][1],
    deadHeatE12: oracle.e12(deadHeat, oracle.ONE),
  })));
  return {
    lines: Number(answer.lines),
    odds: decimal(answer.oddsE4, 4, 2),
    payout: decimal(answer.payout, exponent),
  };
}

// ---- random slips -----------------------------------------------------------

function generator(seed) {
  const next = mulberry32(seed);
  return {
    below: (n) => next() % n,
    pick: (list) => list[next() % list.length],
    digits: (n) => Array.from({ length: n }, () => next() % 10).join(''),
  };
}

function randomOdds(random) {
  const decimals = random.below(5);
  const fraction = decimals === 0 ? '' : `.${random.digits(decimals)}`;
  const whole = random.below(50) === 0 ? 1 + random.below(99999999) : 1 + random.below(30);
  return `${whole}${fraction}`;
}

function randomLeg(random, happy) {
  const results = happy ? ['won', 'void', 'half_won', 'half_lost'] : Object.keys(WORDS);
  const leg = { odds: randomOdds(random), result: random.pick(results) };
  if (random.below(6) === 0) {
    leg.dead_heat_factor = random.pick(['0.5', '0.25', '1', '0.333333333333', '0.000000000001',
      `0.${random.digits(6)}`, '1.0', '0']);
  }
  return leg;
}

function randomStake(random, currency) {
  const whole = random.below(20) === 0 ? `9${random.digits(40)}` : `${random.below(100000)}`;
  return EXPONENTS[currency] === 0 ? whole : `${whole}.${random.digits(EXPONENTS[currency])}`;
}

function randomSystem(random, slip) {
  const bankers = random.below(4) === 0 ? 1 + random.below(3) : 0;
  const choices = 2 + random.below(7);
  const happy = random.below(3) > 0;
  slip.legs = Array.from({ length: choices + bankers }, () => randomLeg(random, happy));
  for (let left = bankers; left > 0;) {
    const leg = random.pick(slip.legs);
    if (leg.banker) continue;
    leg.banker = true;
    left--;
  }
  slip.system = Array.from({ length: choices }, (_, i) => i + 1)
    .filter(() => random.below(2) === 0);
  if (slip.system.length === 0) slip.system = [1 + random.below(choices)];
}

function randomSlip(random) {
  const currency = random.pick(Object.keys(EXPONENTS));
  const type = random.pick(['single', 'multiple', 'system']);
  const slip = { stake: randomStake(random, currency), currency, type };
  if (type === 'system') {
    randomSystem(random, slip);
  } else {
    const legs = type === 'single' ? 1 : 2 + random.below(19);
    const happy = random.below(4) > 0;
    slip.legs = Array.from({ length: legs }, () => randomLeg(random, happy));
  }
  return slip;
}

// ---- bets with names --------------------------------------------------------

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const legs = (n, leg) => Array.from({ length: n }, () => ({ ...leg }));
const won = (odds) => ({ odds, result: 'won' });

const named = {
  'a single': {
    slip: { stake: '10.00', currency: 'EUR', type: 'single', legs: [won('1.95')] },
    answer: { lines: 1, odds: '1.95', payout: '19.50' },
  },
  'a Trixie': {
    slip: { stake: '4.00', currency: 'EUR', type: 'system', system: [2, 3],
      legs: [won('2.00'), won('3.00'), won('4.00')] },
    answer: { lines: 4, odds: '12.50', payout: '50.00' }, // (6+8+12+24) / 4
  },
  'a Yankee with one leg lost': {
    slip: { stake: '11.00', currency: 'EUR', type: 'system', system: [2, 3, 4],
      legs: [won('2'), won('2'), won('2'), { odds: '2', result: 'lost' }] },
    answer: { lines: 11, odds: '6.5454', payout: '20.00' }, // 3 doubles, 1 treble; 72 / 11
  },
  'a Goliath': {
    slip: { stake: '247.00', currency: 'EUR', type: 'system', system: range(2, 8),
      legs: legs(8, won('2.00')) },
    answer: { lines: 247, odds: '26.4939', payout: '6544.00' }, // 3^8 - 1 - 16 = 6544
  },
  '10 of 20': {
    slip: { stake: '184756.00', currency: 'EUR', type: 'system', system: [10],
      legs: legs(20, won('2.00')) },
    answer: { lines: 184756, odds: '1024.00', payout: '189190144.00' },
  },
  '10 of 20 with mixed results': {
    slip: { stake: '1000.00', currency: 'EUR', type: 'system', system: [10],
      legs: range(0, 19).map((i) => ({ odds: `1.${11 + i}`,
        result: ['won', 'lost', 'void', 'half_won', 'half_lost'][i % 5] })) },
  },
  'twenty legs at 1.0001': {
    slip: { stake: '1000000.00', currency: 'EUR', type: 'multiple',
      legs: legs(20, won('1.0001')) },
    answer: { lines: 1, odds: '1.002', payout: '1002001.90' }, // 1.0020019011404846…
  },
  'twenty legs at the largest odds': {
    slip: { stake: '1', currency: 'JPY', type: 'multiple',
      legs: legs(20, won('100000000')) },
    answer: { lines: 1, odds: `1${'0'.repeat(160)}.00`, payout: `1${'0'.repeat(160)}` },
  },
  'yen have no decimals': {
    slip: { stake: '1001', currency: 'JPY', type: 'single', legs: [won('1.999')] },
    answer: { lines: 1, odds: '1.999', payout: '2000' }, // 2000.999
  },
  'dinars have three decimals': {
    slip: { stake: '1.001', currency: 'KWD', type: 'single', legs: [won('1.9999')] },
    answer: { lines: 1, odds: '1.9999', payout: '2.001' }, // 2.0018999
  },
  'a quarter line half won': {
    slip: { stake: '10.00', currency: 'EUR', type: 'single',
      legs: [{ odds: '1.93', result: 'half_won' }] },
    answer: { lines: 1, odds: '1.93', payout: '14.65' },
  },
  'a quarter line half lost': {
    slip: { stake: '10.01', currency: 'EUR', type: 'single',
      legs: [{ odds: '1.93', result: 'half_lost' }] },
    answer: { lines: 1, odds: '1.93', payout: '5.00' },
  },
  'a dead heat of three': {
    slip: { stake: '9.00', currency: 'EUR', type: 'single',
      legs: [{ odds: '4.00', result: 'won', dead_heat_factor: '0.333333333333' }] },
    answer: { lines: 1, odds: '4.00', payout: '11.99' },
  },
  'a void leg of a multiple returns one': {
    slip: { stake: '10.00', currency: 'EUR', type: 'multiple',
      legs: [won('2.50'), { odds: '8.00', result: 'void' }] },
    answer: { lines: 1, odds: '20.00', payout: '25.00' },
  },
  'a banker in every line': { // RULES.md 8: sizes count the others
    slip: { stake: '3.00', currency: 'EUR', type: 'system', system: [2],
      legs: [{ ...won('3.00'), banker: true }, won('2.00'), won('2.00'),
        { odds: '2.00', result: 'lost' }] },
    answer: { lines: 3, odds: '12.00', payout: '12.00' },
  },
  'a lost banker': {
    slip: { stake: '3.00', currency: 'EUR', type: 'system', system: [1],
      legs: [{ odds: '3.00', result: 'lost', banker: true }, won('2.00'), won('2.00')] },
    answer: { lines: 2, odds: '6.00', payout: '0.00' },
  },
};

describe('grade', () => {
  for (const [name, { slip, answer }] of Object.entries(named)) {
    test(name, () => {
      assert.deepEqual(gradeAll([slip])[0], expected(slip));
      if (answer) assert.deepEqual(expected(slip), answer);
    });
  }

  test(`rule 9: random slips are exact (seed ${SEED})`, () => {
    const random = generator(SEED);
    const slips = Array.from({ length: 5000 }, () => randomSlip(random));
    const answers = gradeAll(slips);
    slips.forEach((slip, i) => {
      assert.deepEqual(answers[i], expected(slip), JSON.stringify(slip));
    });
  });

  test('the type of one leg may be left out, and a size may stand alone', () => {
    const [single, system] = gradeAll([
      { stake: '10.00', currency: 'EUR', legs: [won('2.00')] },
      { stake: '3.00', currency: 'EUR', type: 'system', system: 2, legs: legs(3, won('2.00')) },
    ]);
    assert.deepEqual(single, { lines: 1, odds: '2.00', payout: '20.00' });
    assert.deepEqual(system, { lines: 3, odds: '4.00', payout: '12.00' });
  });

  test('JSON numbers are read digit by digit', () => {
    const [answer] = gradeText('{"stake":90071992547409931234.57,"currency":"EUR",' +
      '"legs":[{"odds":1.0001,"result":"won"}]}\n');
    assert.deepEqual(answer,
      { lines: 1, odds: '1.0001', payout: '90080999746664672227.69' });
  });

  test('a bad line names what is wrong, and the rest goes on', () => {
    const good = { stake: '10.00', currency: 'EUR', type: 'single', legs: [won('2.00')] };
    const bad = [
      ['{"stake":', /JSON/], ['[]', /object/], ['7', /JSON/],
      [{ ...good, stake: undefined }, /stake/], [{ ...good, stake: '-1.00' }, /stake/],
      [{ ...good, stake: '1.001' }, /stake.*EUR/], [{ ...good, stake: '' }, /stake/],
      [{ ...good, stake: '1.' }, /stake/], [{ ...good, stake: '1e3' }, /stake/],
      [{ ...good, currency: 'XAU' }, /currency/], [{ ...good, currency: 'eur' }, /currency/],
      [{ ...good, type: 'double' }, /type/], [{ ...good, color: 'red' }, /color/],
      [{ ...good, legs: [] }, /legs/], [{ ...good, legs: legs(21, won('2.00')) }, /legs/],
      [{ ...good, legs: legs(2, won('2.00')) }, /single/],
      [{ ...good, type: undefined, legs: legs(2, won('2.00')) }, /type/],
      [{ ...good, type: 'multiple' }, /multiple/], [{ ...good, system: [1] }, /system/],
      [{ ...good, type: 'system' }, /system/], [{ ...good, type: 'system', system: [2] }, /system/],
      [{ ...good, type: 'system', system: [0] }, /system/],
      [{ ...good, type: 'system', system: [1, 1], legs: legs(2, won('2')) }, /system/],
      [{ ...good, type: 'system', system: [1], legs: legs(2, { ...won('2'), banker: true }) },
        /banker/],
      [{ ...good, legs: [{ ...won('2.00'), banker: true }] }, /banker/],
      [{ ...good, legs: [won('0.99')] }, /legs\[0\]\.odds/],
      [{ ...good, legs: [won('1.00001')] }, /legs\[0\]\.odds/],
      [{ ...good, legs: [{ odds: '2.00' }] }, /legs\[0\]\.result/],
      [{ ...good, legs: [{ odds: '2.00', result: 'maybe' }] }, /legs\[0\]\.result/],
      [{ ...good, legs: [{ ...won('2.00'), dead_heat_factor: '1.5' }] }, /dead_heat_factor/],
    ];
    const lines = bad.map(([line]) => (typeof line === 'string' ? line : JSON.stringify(line)));
    const answers = gradeText(lines.map((line) => `${line}\n${JSON.stringify(good)}\n`).join(''));
    assert.equal(answers.length, 2 * bad.length);
    bad.forEach(([, reason], i) => {
      assert.match(answers[2 * i].error ?? 'no error', reason, lines[i]);
      assert.deepEqual(Object.keys(answers[2 * i]), ['error']);
      assert.equal(answers[2 * i + 1].payout, '20.00');
    });
  });

  test('bytes that are no text and a line without end', () => {
    const run = spawnSync(binary, ['grade'], { input: Buffer.concat([
      Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x00, 0x0a]), Buffer.alloc(3 << 20, 'x'),
      Buffer.from('\n{"stake":"1.00","currency":"EUR","legs":[{"odds":"2","result":"won"}]}'),
    ]) });
    const answers = run.stdout.toString().trimEnd().split('\n').map((line) => JSON.parse(line));
    assert.equal(run.status, 0);
    assert.match(answers[0].error, /JSON/);
    assert.match(answers[1].error, /1 MiB/);
    assert.equal(answers[2].payout, '2.00');
  });
});
