// What traders see of the money: the tree of exposure, large bets as they
// come, one customer.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { worldFor, openWorld, market, eventually, uof } = require('./lib/world');

const SETTINGS = { rates: 'USD=0.5', 'large-bet': '100.00' };

const reader = (world) => ({
  async get(path) {
    const { status, json, text } = await world().server.operate('GET', path);
    assert.equal(status, 200, `${path}: ${text}`);
    return json;
  },
  async event(event) {
    const tree = await this.get(`/v1/desk/exposure?event=${event}`);
    return tree.sports[0]?.events[0];
  },
  async market(event, id) {
    return (await this.event(event))?.markets.find((m) => m.market === String(id));
  },
});

describe('exposure', () => {
  const world = worldFor({ before, after }, SETTINGS);
  const desk = reader(world);

  test('a market adds up, its worst case is one outcome winning', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const event = await world().event([market.oneXTwo('2.00', '3.40', '4.00'), market.total()]);
    await customer.placed(event.home(), { stake: '100.00' }); // home costs 100
    await customer.placed(event.home(), { stake: '20.00' }); //  and 20
    await customer.placed(event.away('4.00'), { stake: '50.00' }); // away costs 150
    const one = await desk.market(event, 1);
    assert.deepEqual(
      { ...one, outcomes: undefined, name: undefined },
      {
        market: '1',
        specifiers: '',
        bets: 3,
        stakes: '170.00',
        liability: '270.00',
        worst_case: '70.00', // home: 120 - 50; away: 150 - 120 = 30
        outcomes: undefined,
        name: undefined,
      },
    );
    const home = one.outcomes.find((o) => o.outcome === '1');
    assert.equal(home.bets, 2);
    assert.equal(home.stakes, '120.00');
    assert.equal(home.liability, '120.00');
    const { bets, stakes, liability, worst_case: worst } = await desk.event(event);
    assert.deepEqual([bets, stakes, liability, worst], [3, '170.00', '270.00', '70.00']);
  });

  test('a multiple counts at each of its legs, a system offsets nothing', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const events = [];
    for (let i = 0; i < 3; i += 1) events.push(await world().event(market.oneXTwo()));
    const [a, b, c] = events;
    await customer.placed([a.home(), b.home()], { stake: '10.00' }); // pays 40
    assert.equal((await desk.market(a, 1)).worst_case, '30.00');
    assert.equal((await desk.market(b, 1)).worst_case, '30.00');
    await customer.placed(a.away('4.00'), { stake: '5.00' });
    assert.equal((await desk.market(a, 1)).worst_case, '25.00');
    const legs = [a.away('4.00'), b.home(), c.home()];
    await customer.placed(legs, { stake: '3.00', type: 'system', system: [2] });
    // Lines of 1.00: 8 + 8 + 4 = 20, so 17 beyond the stake.
    const one = await desk.market(a, 1);
    assert.equal(one.outcomes.find((o) => o.outcome === '3').liability, '32.00');
    assert.equal(one.worst_case, '25.00', 'home: 30 less 5; the system may survive');
  });

  test('other currencies are converted, unknown ones only counted', async () => {
    const dollars = await world().customer({ currency: 'USD', balance: '100.00' });
    const francs = await world().customer({ currency: 'CHF', balance: '100.00' });
    const event = await world().event(market.oneXTwo());
    await dollars.placed(event.home(), { stake: '10.00' });
    const { unrated } = await desk.get('/v1/desk/exposure');
    await francs.placed(event.home(), { stake: '10.00' });
    const one = await desk.market(event, 1);
    assert.equal(one.bets, 2);
    assert.equal(one.stakes, '5.00');
    assert.equal((await desk.get('/v1/desk/exposure')).unrated, unrated + 1);
  });

  test('what is settled is gone, what is rolled back is there again', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const event = await world().event(market.oneXTwo());
    const bet = await customer.placed(event.home(), { stake: '10.00' });
    assert.equal((await desk.market(event, 1)).bets, 1);
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled' });
    await eventually(async () => assert.equal(await desk.event(event), undefined));
    await event.rollbackSettle({ id: 1 });
    await customer.becomes(bet, { state: 'accepted' });
    await eventually(async () => assert.equal((await desk.market(event, 1))?.liability, '10.00'));
    await event.result(0, 1, 0, { certainty: 2 });
    await customer.becomes(bet, { state: 'settled', payout: '0.00' });
    await eventually(async () => assert.equal(await desk.event(event), undefined));
  });

  const cash = (customer, bet, stake) =>
    customer.call('POST', `/v1/bets/${bet.id}/cashout`, {
      json: { minimum: '0.01', ...(stake && { stake }) },
      key: `cash-${bet.id}-${stake}`,
    });

  test('a cash-out takes its part out', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const event = await world().event(market.oneXTwo());
    const bet = await customer.placed(event.home(), { stake: '100.00' });
    for (const [stake, left] of [
      ['30.00', '70.00'],
      ['50.00', '20.00'],
    ]) {
      const paid = await cash(customer, bet, stake);
      assert.equal(paid.status, 200, paid.text);
      const one = await desk.market(event, 1);
      assert.deepEqual([one.bets, one.stakes, one.liability], [1, left, left]);
    }
    assert.equal((await cash(customer, bet)).status, 200);
    assert.equal(await desk.event(event), undefined);
  });

  // Of several processes each knows its own part of what is free.
  oneProcess(test)('a cash-out frees as much of a limit', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const event = await world().event(market.oneXTwo());
    const scope = { event: event.id };
    const limits = { stake_max: null, liability_max: '100.00', hold_above: null };
    const said = await world().server.operate('POST', '/v1/desk/limits', {
      json: { scope, ...limits, reason: 'a story' },
    });
    assert.equal(said.status, 200, said.text);
    const bet = await customer.placed(event.home(), { stake: '100.00' });
    const maximum = async (stake) => (await customer.bet(event.home(), { stake })).json.maximum;
    assert.equal(await maximum('50.00'), '0.00');
    for (const stake of ['30.00', '50.00']) await cash(customer, bet, stake);
    assert.equal(await maximum('90.00'), '80.00');
    assert.equal((await cash(customer, bet)).status, 200);
    await customer.placed(event.home(), { stake: '100.00' });
  });

  test('by sport, with names, the most at risk first', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const [small, large] = [
      await world().event(market.oneXTwo()),
      await world().event(market.oneXTwo()),
    ];
    for (const event of [small, large])
      await world().feed.send(
        uof.fixture(event.id, { home: 'Alpha', away: 'Beta', sport: ['sr:sport:5', 'Tennis'] }),
      );
    await customer.placed(small.home(), { stake: '1.00' });
    await customer.placed(large.home(), { stake: '2.00' });
    const { sports, currency } = await desk.get('/v1/desk/exposure?sport=sr:sport:5');
    assert.equal(currency, 'EUR');
    assert.equal(sports.length, 1);
    assert.equal(sports[0].sport, 'sr:sport:5');
    assert.equal(sports[0].stakes, '3.00');
    assert.deepEqual(
      sports[0].events.map((e) => e.event),
      [large.id, small.id],
    );
    assert.equal(sports[0].events[0].home, 'Alpha');
    assert.equal(sports[0].events[0].markets, undefined, 'only when one event is asked for');
    assert.deepEqual((await desk.get('/v1/desk/exposure?sport=none')).sports, []);
  });

  test('the tree, the gauges and the report say the same, also after a restart', async () => {
    await world().quiet();
    const shown = async () => {
      const tree = await desk.get('/v1/desk/exposure');
      return { bets: tree.bets, stakes: tree.stakes, liability: tree.liability, all: tree.sports };
    };
    const seen = await shown();
    assert.equal(await world().metric('overround_open_bets'), seen.bets);
    assert.equal(
      await world().metric('overround_open_liability_minor', 'currency="EUR"'),
      Math.round(100 * Number(seen.liability)),
    );
    const report = (await desk.get('/v1/reports/daily')).open.filter((r) => r.currency === 'EUR');
    const open = report.reduce((sum, r) => sum + Math.round(100 * Number(r.stakes)), 0);
    const dollars = 500; // one bet of 10.00 USD above
    assert.equal(Math.round(100 * Number(seen.stakes)), open + dollars);
    await world().restart();
    assert.deepEqual(await shown(), seen);
  });
});

describe('large bets and customers', () => {
  const world = worldFor({ before, after }, SETTINGS);
  const desk = reader(world);

  test('large bets come newest first, by pages', async () => {
    const customer = await world().customer({ currency: 'USD', balance: '9000.00' });
    const event = await world().event(market.oneXTwo());
    const placed = [];
    for (const stake of ['199.90', '200.00', '300.00', '400.00'])
      placed.push(await customer.placed(event.home(), { stake }));
    const { bets, next, currency } = await desk.get('/v1/desk/bets?limit=2');
    assert.equal(currency, 'EUR');
    assert.deepEqual(
      bets.map((b) => b.id),
      [placed[3].id, placed[2].id],
    );
    assert.equal(bets[0].stake, '400.00');
    assert.equal(bets[0].house_stake, '200.00');
    assert.equal(bets[0].customer, customer.id);
    assert.equal(bets[0].legs[0].event, event.id);
    const rest = await desk.get(`/v1/desk/bets?after=${next}`);
    assert.deepEqual(
      rest.bets.map((b) => b.id),
      [placed[1].id],
    );
    assert.equal(rest.next, null);
    for (const query of ['limit=0', 'limit=201', 'after=x'])
      assert.equal((await world().server.operate('GET', `/v1/desk/bets?${query}`)).status, 400);
  });

  test('a customer: money, open stakes, what the house has won', async () => {
    const customer = await world().customer({ balance: '100.00' });
    const event = await world().event(market.oneXTwo());
    const lost = await customer.placed(event.home(), { stake: '30.00' });
    const won = await customer.placed(event.away('4.00'), { stake: '5.00' });
    await event.result(0, 0, 1);
    await customer.becomes(lost, { state: 'settled' });
    await customer.becomes(won, { state: 'settled', payout: '20.00' });
    await customer.placed((await world().event(market.oneXTwo())).home(), { stake: '7.00' });
    const { registered_at: at, ...seen } = await desk.get(`/v1/desk/customers/${customer.id}`);
    assert.ok(Date.parse(at) > Date.now() - 600000);
    assert.deepEqual(seen, {
      customer: customer.id,
      currency: 'EUR',
      balance: '78.00',
      debt: '0.00',
      open_stakes: '7.00',
      open_bets: 1,
      bets: 3,
      turnover: '42.00',
      ggr: '15.00', // 35 staked, 20 paid
      factor: '1.0000',
      may_bet: true,
      country: 'GB', // as he said himself: nobody signs here
      countries: 0,
      registered_from: null,
      last_login_from: null,
      last_login_from_at: null,
    });
    for (const id of ['999', 'x', '0'])
      assert.equal((await world().server.operate('GET', `/v1/desk/customers/${id}`)).status, 404);
  });
});

test('the house’s winnings move with bets and payouts', async () => {
  const world = await openWorld(SETTINGS);
  try {
    const ggr = () => world.metric('overround_ggr_minor', 'currency="EUR"');
    const customer = await world.customer({ balance: '100.00' });
    const event = await world.event(market.oneXTwo());
    const bet = await customer.placed(event.home(), { stake: '10.00' });
    assert.equal(await ggr(), 1000);
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled' });
    await eventually(async () => assert.equal(await ggr(), -1000));
  } finally {
    await world.close();
  }
});
