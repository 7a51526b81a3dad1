// Placement: singles, multiples and systems that are accepted, and what the
// answer says.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market } = require('./lib/world');

describe('placement', () => {
  const world = worldFor({ before, after }, {});
  const events = (n, ...markets) =>
    Promise.all(Array.from({ length: n }, () => world().event(markets)));

  test('a single is accepted, and the stake is gone from the balance', async () => {
    const customer = await world().customer();
    const event = await world().event(market.total('1.95', '1.85'));
    const leg = event.leg(18, 12, '1.95', { specifiers: 'total=2.5' });
    const answer = await customer.bet(leg, { stake: '10.00' });
    assert.equal(answer.status, 201, answer.text);
    const bet = answer.json;
    assert.equal(bet.state, 'accepted');
    assert.equal(bet.stake, '10.00');
    assert.equal(Number(bet.odds), 1.95);
    assert.equal(bet.potential_payout, '19.50');
    assert.ok(Math.abs(Date.parse(bet.placed_at) - Date.now()) < 10000);
    assert.equal(bet.legs[0].event, event.id);
    assert.equal(bet.legs[0].outcome, '12');
    await customer.holds('90.00');
    assert.equal((await customer.wallet()).staked, '10.00');
  });

  test('a multiple multiplies its odds and floors once', async () => {
    const customer = await world().customer();
    const three = await events(3, market.oneXTwo('1.333', '3.00', '5.00'));
    const bet = await customer.placed(
      three.map((e) => e.home('1.333')),
      { stake: '10.00' },
    );
    assert.equal(bet.potential_payout, '23.68'); // 10 x 2.368593037
  });

  test('twenty legs are a bet, twenty-one are not', async () => {
    const customer = await world().customer();
    const many = await events(21, market.oneXTwo('1.0001', '3.00', '5.00'));
    const legs = many.map((e) => e.home('1.0001'));
    const bet = await customer.placed(legs.slice(0, 20), { stake: '10.00' });
    assert.equal(bet.potential_payout, '10.02');
    assert.equal((await customer.bet(legs)).code, 'malformed');
  });

  test('rule 08: a system spreads its stake over its lines, bankers aside', async () => {
    const customer = await world().customer();
    const four = await events(4, market.oneXTwo('2.00', '3.00', '5.00'));
    const legs = four.map((e, i) => e.home('2.00', { banker: i === 0 }));
    const bet = await customer.placed(legs, { type: 'system', system: [2], stake: '10.00' });
    // Three doubles of three, each with the banker: 10/3 x 8 a line.
    assert.equal(bet.potential_payout, '80.00');
    const trixie = await customer.placed(
      four.slice(1).map((e) => e.home('2.00')),
      { type: 'system', system: [2, 3], stake: '10.00' },
    );
    assert.equal(trixie.potential_payout, '50.00'); // 10/4 x (3 x 4 + 8)
  });

  test('specifiers in any order name the same market (rule 22)', async () => {
    const customer = await world().customer();
    const event = await world().event({
      id: 123,
      specifiers: 'set=2|game=3|point=1',
      outcomes: { 1: '1.30', 2: '1.70' },
    });
    await customer.placed(event.leg(123, 1, '1.30', { specifiers: 'point=1|set=2|game=3' }));
  });

  const slips = {
    'a single with two legs': [2, { type: 'single' }],
    'a multiple with one leg': [1, { type: 'multiple' }],
    'a system without sizes': [3, { type: 'system' }],
    'a system with a size above its legs': [3, { type: 'system', system: [4] }],
    'a system with a size twice': [3, { type: 'system', system: [2, 2] }],
    'sizes on a multiple': [2, { type: 'multiple', system: [2] }],
    'a type we do not know': [1, { type: 'accumulator' }],
    'a policy we do not know': [1, { accept: 'sometimes' }],
    'no legs': [0, { type: 'single' }],
    'a stake that is a number': [1, { stake: 10 }],
    'a stake with three decimals': [1, { stake: '1.005' }],
    'a field we do not know': [1, { bonus: true }],
  };
  for (const [name, [n, more]] of Object.entries(slips)) {
    test(`malformed: ${name}`, async () => {
      const customer = await world().customer();
      const legs = (await events(n, market.oneXTwo())).map((e) => e.home());
      const answer = await customer.bet(legs, more);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.code, 'malformed');
      assert.ok(answer.json.detail.length > 5);
      await customer.holds('100.00');
    });
  }

  const legFaults = {
    'odds below one': { odds: '0.99' },
    'odds with five decimals': { odds: '1.23456' },
    'odds that are a number': { odds: 2 },
    'no odds': { odds: undefined },
    'no event': { event: undefined },
    'a market that is no number': { market: 'one' },
    'specifiers that are none': { specifiers: 'total' },
    'a banker that is a text': { banker: 'yes' },
    'a banker outside a system': { banker: true },
    'a field we do not know': { note: 'x' },
  };
  for (const [name, more] of Object.entries(legFaults)) {
    test(`malformed leg: ${name}`, async () => {
      const customer = await world().customer();
      const event = await world().event(market.oneXTwo());
      const answer = await customer.bet({ ...event.home(), ...more });
      assert.equal(answer.status, 400, answer.text);
      assert.equal(answer.code, 'malformed');
      await customer.holds('100.00');
    });
  }

  test('bodies that are not JSON, too deep, or too large', async () => {
    const customer = await world().customer();
    const post = (body) =>
      customer.call('POST', '/v1/bets', { body, type: 'application/json', key: 'k' });
    for (const body of ['', '{', '[]', '"bet"', 'null', '{"stake":"1.00"}x', '['.repeat(5000)]) {
      const answer = await post(body);
      assert.equal(answer.status, 400, body.slice(0, 20));
      assert.equal(answer.code, 'malformed');
    }
    const large = await post(`{"stake":"${'1'.repeat(70000)}"}`);
    assert.equal(large.status, 413);
    assert.equal(large.code, 'too_large');
    await customer.holds('100.00');
  });

  test('what is not there is 404, and the wrong method 405', async () => {
    const customer = await world().customer();
    assert.equal((await customer.call('GET', '/v1/nothing')).code, 'not_found');
    assert.equal((await customer.call('GET', '/v1/bets/12345')).code, 'not_found');
    const wrong = await customer.call('PATCH', '/v1/bets');
    assert.equal(wrong.status, 405);
    assert.ok(wrong.headers.allow?.includes('POST'));
  });
});
