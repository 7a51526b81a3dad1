// Experiments: arms that stay, an A/A run without an effect, a planted one found.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { eventually, market, worldFor } = require('./lib/world');

const CUSTOMERS = 80;

describe('experiments', () => {
  const world = worldFor({ before, after }, {
    experiments: 'same=a:50/b:50,slip=control:50/quick:50',
    rates: 'USD=0.50',
  });
  const report = async (name) => {
    const { status, json, text } = await world().server.operate(
      'GET', `/v1/reports/experiments?experiment=${name}`);
    assert.equal(status, 200, text);
    return json;
  };
  const armsOf = async (customer) => (await customer.read('/v1/sessions')).experiments;

  test('the arms go with the session, the same at every visit', async () => {
    const fan = await world().customer({ balance: null });
    const told = await armsOf(fan);
    assert.deepEqual(Object.keys(told).sort(), ['same', 'slip']);
    const { email, password } = fan.fields;
    const login = await world().server.call('POST', '/v1/sessions', { json: { email, password } });
    assert.deepEqual(login.json.experiments, told);
    assert.deepEqual(await armsOf(fan), told);
    await eventually(async () => {
      const { arms } = await report('same');
      assert.equal(arms.reduce((sum, { customers }) => sum + customers, 0), 1);
    });
    const [mine] = (await report('same')).arms.filter(({ customers }) => customers === 1);
    assert.equal(mine.arm, told.same);
    assert.equal((await world().server.call('GET', '/v1/sessions')).status, 401);
  });

  // In `same` every other customer of each arm bets; in `slip` those of quick
  // are planted to bet more often, and to lose more.
  test('an A/A run shows no effect, a planted one is found', async () => {
    const event = await world().event(market.oneXTwo('2.00'));
    const seen = {};
    const bettors = {};
    for (let i = 0; i < CUSTOMERS; i++) {
      const fan = await world().customer({ currency: i % 10 === 9 ? 'USD' : 'EUR' });
      const { same, slip } = await armsOf(fan);
      const n = (seen[same + slip] = (seen[same + slip] ?? -1) + 1);
      const usd = i % 10 === 9 ? 2 : 1;
      if (slip === 'quick' ? n % 10 === 9 : n % 4 !== 0) continue;
      bettors[slip] = (bettors[slip] ?? 0) + 1;
      const stake = slip === 'quick' ? 20 : 2;
      await fan.placed(event.home(), { stake: (stake * usd).toFixed(2) });
    }
    const open = await report('slip');
    assert.deepEqual(open.arms.map(({ ggr }) => ggr), ['0.00', '0.00'], 'open bets have no GGR');
    await event.result(0, 1, 0);
    await world().quiet();
    const { arms, comparisons, balance_p: balance, currency } = await report('slip');
    assert.equal(currency, 'EUR');
    assert.ok(Number(balance) > 1e-5, `balance ${balance}`);
    assert.deepEqual(arms.map(({ arm }) => arm), ['control', 'quick']);
    for (const { arm, customers, bettors: bet, conversion, turnover, ggr } of arms) {
      const sentry = 1; // quiet()'s own customer bets, and is in some arm
      assert.ok(bet === bettors[arm] || bet === bettors[arm] + sentry, `${arm}: ${bet}`);
      assert.ok(Math.abs(Number(conversion) - bet / customers) < 1e-6);
      const stakes = bettors[arm] * (arm === 'quick' ? 20 : 2);
      assert.ok([0, 0.1].some((more) => Math.abs(Number(turnover) - stakes - more) < 0.001));
      assert.equal(ggr, turnover, 'all of them lost');
    }
    const [planted] = comparisons;
    assert.equal(planted.control, 'control');
    assert.ok(Number(planted.conversion.low) > 0 && planted.conversion.significant, 'conversion');
    assert.ok(Number(planted.conversion.p) < 0.05);
    assert.ok(Number(planted.ggr_per_customer.low) > 5, JSON.stringify(planted.ggr_per_customer));
    assert.ok(planted.ggr_per_customer.significant);
    const [aa] = (await report('same')).comparisons;
    assert.equal(aa.conversion.significant, false, JSON.stringify(aa));
    assert.equal(aa.ggr_per_customer.significant, false, JSON.stringify(aa));
  });

  test('what a report refuses, and one that nobody saw', async () => {
    const bad = ['', '?experiment=', "?experiment=a'b", '?experiment=slip&from=2026-13-01'];
    for (const query of bad) {
      const { status } = await world().server.operate('GET', `/v1/reports/experiments${query}`);
      assert.equal(status, 400, query);
    }
    const none = await report('nobody');
    assert.deepEqual([none.arms, none.comparisons, none.balance_p], [[], [], null]);
    const old = '?experiment=slip&from=2020-01-01&to=2020-01-31';
    const { json } = await world().server.operate('GET', `/v1/reports/experiments${old}`);
    assert.deepEqual(json.arms.map(({ customers }) => customers), [0, 0]);
    assert.equal(json.comparisons[0].conversion, null);
  });

  test('minute by minute is the day', async () => {
    const get = async (path) => (await world().server.operate('GET', path)).json;
    const today = (rows) => rows.filter(({ currency }) => currency === 'EUR');
    const sum = (rows, name) =>
      today(rows).reduce((all, row) => all + Math.round(100 * Number(row[name])), 0);
    const { minutes } = await get('/v1/reports/series?minutes=60');
    const { days } = await get('/v1/reports/daily');

    // A run over midnight has some of it yesterday.
    assert.ok(minutes.length > 0);
    for (const name of ['turnover', 'payouts', 'ggr'])
      assert.equal(sum(minutes, name), sum(days, name), name);
  });
});
