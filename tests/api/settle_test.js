// Settlement: what results do to bets and to money.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market } = require('./lib/world');

describe('settlement', () => {
  const world = worldFor({ before, after }, {});
  const events = (n, odds = '2.00') =>
    Promise.all(Array.from({ length: n }, () => world().event(market.oneXTwo(odds))));

  // the outcome's result -> the leg's state and what 10.00 at 3.00 returns
  const results = [
    ['won', 1, 'won', '30.00'],
    ['lost', 0, 'lost', '0.00'],
    ['refund', { result: 0, void: 1 }, 'void', '10.00'],
    ['refund, however the result', { result: 1, void: '1.0' }, 'void', '10.00'],
    ['half won', { result: 1, void: 0.5 }, 'half_won', '20.00'],
    ['half lost', { result: 0, void: 0.5 }, 'half_lost', '5.00'],
    ['dead heat of two', { result: 1, deadHeat: 0.5 }, 'won', '15.00'],
    ['dead heat of three', { result: 1, deadHeat: '0.3333' }, 'won', '9.99'],
    ['absent factors', { result: 1, void: '0.0', deadHeat: '1.0' }, 'won', '30.00'],
  ];
  for (const [name, fact, state, payout] of results) {
    test(`a single: ${name} returns ${payout} of 10.00 at 3.00`, async () => {
      const customer = await world().customer();
      const event = await world().event(market.oneXTwo('3.00'));
      const bet = await customer.placed(event.home('3.00'));
      await event.result(fact, 0, 0);
      const now = await customer.becomes(bet, { state: 'settled', payout, legs: [state] });
      assert.equal(now.stake, '10.00');
      await customer.holds((90 + Number(payout)).toFixed(2), '0.00');
      assert.equal((await customer.wallet()).staked, '0.00');
    });
  }

  test('undecided (-1) and unlisted outcomes stay open (rule 04)', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const [home, away] = [await customer.placed(event.home()), await customer.placed(event.away())];
    await event.settle({ id: 1, outcomes: { 1: -1 } });
    await world().quiet();
    assert.equal((await customer.betById(home.id)).state, 'accepted');
    assert.equal((await customer.betById(away.id)).state, 'accepted');
    await event.settle({ id: 1, outcomes: { 1: 1, 3: 0 } });
    await customer.becomes(home, { state: 'settled', payout: '20.00' });
    await customer.becomes(away, { state: 'settled', payout: '0.00' });
  });

  test('a multiple settles when its last leg is known, and multiplies', async () => {
    const customer = await world().customer();
    const [a, b, c] = await events(3);
    const bet = await customer.placed([a.home(), b.home(), c.home()]);
    await a.result(1, 0, 0);
    await b.result({ result: 1, void: 0.5 }, 0, 0);
    await customer.becomes(bet, { state: 'accepted', legs: ['won', 'half_won', 'open'] });
    await c.result({ result: 0, void: 1 }, 0, 0);
    await customer.becomes(bet, {
      state: 'settled',
      payout: '30.00', // 10 x 2 x 1.5 x 1
      legs: ['won', 'half_won', 'void'],
    });
    await customer.holds('120.00');
  });

  test('rule 04: one lost leg ends a multiple early', async () => {
    const customer = await world().customer();
    const [a, b, c] = await events(3);
    const bet = await customer.placed([a.home(), b.home(), c.home()]);
    await b.result(0, 0, 1);
    await customer.becomes(bet, {
      state: 'settled',
      payout: '0.00',
      legs: ['open', 'lost', 'open'],
    });
    assert.equal((await customer.wallet()).staked, '0.00');
    await a.result(1, 0, 0);
    await customer.becomes(bet, { legs: ['won', 'lost', 'open'] });
    await customer.holds('90.00');
  });

  test('a lost leg that is corrected opens the multiple again', async () => {
    const customer = await world().customer();
    const [a, b] = await events(2);
    const bet = await customer.placed([a.home(), b.home()]);
    await a.result(0, 0, 1, { certainty: 1 });
    await customer.becomes(bet, { state: 'settled', payout: '0.00' });
    await a.result(1, 0, 0, { certainty: 2 });
    await customer.becomes(bet, { state: 'accepted', legs: ['won', 'open'] });
    assert.equal((await customer.wallet()).staked, '10.00');
    await b.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '40.00' });
    await customer.holds('130.00');
  });

  test('a system pays its winning lines, leg by leg', async () => {
    const customer = await world().customer();
    const [a, b, c] = await events(3);
    const bet = await customer.placed([a.home(), b.home(), c.home()], {
      type: 'system',
      system: [2, 3],
      stake: '8.00',
    });
    await a.result(1, 0, 0);
    await b.result(0, 1, 0);
    await customer.becomes(bet, { state: 'accepted', legs: ['won', 'lost', 'open'] });
    await c.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '8.00' }); // one double: 2 x 4
    await customer.holds('100.00');
  });

  test('rule 04: a system ends early when too few legs can still win', async () => {
    const customer = await world().customer();
    const [a, b, c] = await events(3);
    const bet = await customer.placed([a.home(), b.home(), c.home()], {
      type: 'system',
      system: [2],
      stake: '9.00',
    });
    await a.result(0, 1, 0);
    await world().quiet();
    assert.equal((await customer.betById(bet.id)).state, 'accepted');
    await b.result(0, 1, 0);
    await customer.becomes(bet, {
      state: 'settled',
      payout: '0.00',
      legs: ['lost', 'lost', 'open'],
    });
  });

  test('rule 04: a lost banker ends the system, a won one multiplies', async () => {
    const customer = await world().customer();
    const [banker, a, b] = await events(3);
    const legs = [banker.home('2.00', { banker: true }), a.home(), b.home()];
    const slip = { type: 'system', system: [1], stake: '10.00' };
    const bet = await customer.placed(legs, slip);
    await a.result(1, 0, 0);
    await b.result(0, 1, 0);
    await customer.becomes(bet, { legs: ['open', 'won', 'lost'] });
    await banker.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '20.00' }); // 5 x 2 x 2
    const [lost, c, d] = await events(3);
    const other = await customer.placed(
      [lost.home('2.00', { banker: true }), c.home(), d.home()],
      slip,
    );
    await lost.result(0, 1, 0);
    await customer.becomes(other, {
      state: 'settled',
      payout: '0.00',
      legs: ['lost', 'open', 'open'],
    });
  });

  test('one floor at the very end (rule 09)', async () => {
    const customer = await world().customer();
    const three = await events(3, '1.333');
    const bet = await customer.placed(
      three.map((e) => e.home('1.333')),
      { type: 'system', system: [1, 2, 3], stake: '10.00' },
    );
    for (const event of three) await event.result(1, 0, 0);
    // 10/7 x (3 x 1.333 + 3 x 1.333^2 + 1.333^3) = 16.71…
    await customer.becomes(bet, { state: 'settled', payout: '16.71' });
  });

  test('one message settles many markets and many bets', async () => {
    const event = await world().event([market.oneXTwo(), market.total()]);
    const fans = await Promise.all(Array.from({ length: 30 }, () => world().customer()));
    const bets = await Promise.all(
      fans.map((fan, i) =>
        fan.placed(i % 2 ? event.home() : event.leg(18, 12, '1.95', { specifiers: 'total=2.5' })),
      ),
    );
    await event.settle([
      { id: 1, outcomes: { 1: 1, 2: 0, 3: 0 } },
      { id: 18, specifiers: 'total=2.5', outcomes: { 12: 0, 13: 1 } },
    ]);
    await Promise.all(
      fans.map((fan, i) =>
        fan.becomes(bets[i], { state: 'settled', payout: i % 2 ? '20.00' : '0.00' }),
      ),
    );
  });

  test('rule 07: a bet on a market that has its result already is swept', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    await event.result(1, 0, 0);
    await world().quiet();
    await event.odds(market.oneXTwo());
    const answer = await customer.bet(event.home());
    if (answer.status !== 201) return assert.match(answer.code, /^market_/);
    await customer.becomes(answer.json, { state: 'settled', payout: '20.00' });
  });

  test("rule 07: a bet accepted after the producer's own stop is flagged", async () => {
    const flagged = await world().metric('overround_settle_past_posted_total');
    const customer = await world().customer();
    const now = Date.now();
    const event = await world().event(market.oneXTwo(), { timestamp: now - 60000 });
    const bet = await customer.placed(event.home());
    await event.stop({ timestamp: now - 30000 });
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled' });
    assert.equal(await world().metric('overround_settle_past_posted_total'), flagged + 1);
    assert.equal((await customer.betById(bet.id)).past_posted ?? true, true);
  });

  test('settlement goes on where a kill left it', async () => {
    const event = await world().event(market.oneXTwo());
    const fans = await Promise.all(Array.from({ length: 40 }, () => world().customer()));
    const bets = await Promise.all(fans.map((fan) => fan.placed(event.home(), { stake: '1.00' })));
    await event.result(1, 0, 0);
    await world().restart({ kill: true });
    await Promise.all(
      fans.map((fan, i) => fan.becomes(bets[i], { state: 'settled', payout: '2.00' })),
    );
    for (const fan of fans) await fan.holds('101.00', '0.00');
    world().audit();
    await world().feed.up();
  });
});
