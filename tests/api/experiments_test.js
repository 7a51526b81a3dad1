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

  // First every other customer of each pair of arms bets, so that no experiment
  // has an effect; then those of quick are planted to bet, most of them and more.
  test('an A/A run shows no effect, a planted one is found', async () => {
    const arms = ['a', 'b'].flatMap((same) => ['control', 'quick'].map((slip) => same + slip));
    const cells = Object.fromEntries(arms.map((arm) => [arm, []]));
    for (let i = 0; i < CUSTOMERS; i++) {
      const fan = await world().customer({ currency: i % 10 === 9 ? 'USD' : 'EUR' });
      const { same, slip } = await armsOf(fan);
      cells[same + slip].push(fan);
    }
    const staked = new Map(); // by customer, in EUR
    const bets = async (event, fan, stake) => {
      const rate = fan.fields.currency === 'USD' ? 2 : 1;
      await fan.placed(event.home(), { stake: (stake * rate).toFixed(2) });
      staked.set(fan, (staked.get(fan) ?? 0) + stake);
    };
    const lost = async (event) => {
      await event.result(0, 1, 0);
      await world().quiet();
    };

    const first = await world().event(market.oneXTwo('2.00'));
    for (const fans of Object.values(cells))
      for (const [n, fan] of fans.entries()) if (n % 2 === 0) await bets(first, fan, 2);
    const open = await report('slip');
    assert.deepEqual(open.arms.map(({ ggr }) => ggr), ['0.00', '0.00'], 'open bets have no GGR');
    await lost(first);
    for (const name of ['same', 'slip']) {
      const [aa] = (await report(name)).comparisons;
      for (const of of [aa.conversion, aa.ggr_per_customer])
        assert.equal(of.significant, false, `${name}: ${JSON.stringify(aa)}`);
    }

    const second = await world().event(market.oneXTwo('2.00'));
    for (const fan of [...cells.aquick, ...cells.bquick].filter((_, n) => n % 10 !== 9))
      await bets(second, fan, 20);
    await lost(second);
    const planted = await report('slip');
    assert.equal(planted.currency, 'EUR');
    assert.ok(Number(planted.balance_p) > 1e-5, `balance ${planted.balance_p}`);
    assert.deepEqual(planted.arms.map(({ arm }) => arm), ['control', 'quick']);
    for (const { arm, customers, bettors, conversion, turnover, ggr } of planted.arms) {
      const stakes = [...cells[`a${arm}`], ...cells[`b${arm}`]]
        .flatMap((fan) => staked.get(fan) ?? []);
      const sentry = 1; // quiet()'s own customer bets, and is in some arm
      assert.ok([0, sentry].includes(bettors - stakes.length), `${arm}: ${bettors}`);
      assert.ok(Math.abs(Number(conversion) - bettors / customers) < 1e-6);
      const more = Number(turnover) - stakes.reduce((sum, stake) => sum + stake, 0);
      const most = 0.1 * 2 * world().server.partitions; // the sentry's, if it is in this arm
      assert.ok([0, most].some((of) => Math.abs(more - of) < 0.001), `${arm}: ${turnover}`);
      assert.equal(ggr, turnover, 'all of them lost');
    }
    const [{ control, conversion, ggr_per_customer: won }] = planted.comparisons;
    assert.equal(control, 'control');
    assert.ok(Number(conversion.low) > 0 && conversion.significant, JSON.stringify(conversion));
    assert.ok(Number(conversion.p) < 0.05);
    assert.ok(Number(won.low) > 5 && won.significant, JSON.stringify(won));
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
