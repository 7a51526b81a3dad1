// Rule 10: what a customer says about odds that move.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market } = require('./lib/world');

describe('acceptance policy', () => {
  const world = worldFor({ before, after }, {});

  // submitted odds, policy -> accepted or not, when the odds are 2.00 now
  const table = [
    ['2.00', 'none', true],
    ['2.0', 'none', true],
    ['2', 'none', true],
    ['1.99', 'none', false],
    ['2.01', 'none', false],
    ['2.00', 'higher', true],
    ['1.99', 'higher', true],
    ['2.01', 'higher', false],
    ['2.00', 'any', true],
    ['1.01', 'any', true],
    ['900.00', 'any', true],
  ];
  for (const [odds, accept, accepted] of table) {
    const verdict = accepted ? 'yes' : 'no';
    test(`rule 10: 2.00 now, ${odds} submitted, ${accept}: ${verdict}`, async () => {
      const customer = await world().customer();
      const event = await world().event(market.oneXTwo('2.00'));
      const answer = await customer.bet(event.home(odds), { accept, stake: '10.00' });
      if (accepted) {
        assert.equal(answer.status, 201, answer.text);
        assert.equal(answer.json.potential_payout, '20.00', 'the odds now');
        assert.equal(Number(answer.json.legs[0].odds), 2);
      } else {
        assert.equal(answer.status, 409);
        assert.equal(answer.code, 'odds_changed');
        assert.ok(/"2(\.0+)?"/.test(answer.text), `tells the odds now: ${answer.text}`);
        await customer.holds('100.00');
      }
    });
  }

  test('without a policy it is none', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const answer = await customer.bet(event.home('1.90'), { accept: undefined });
    assert.equal(answer.code, 'odds_changed');
  });

  test('every leg is asked: one that moved refuses the multiple', async () => {
    const customer = await world().customer();
    const still = await world().event(market.oneXTwo('2.00'));
    const moved = await world().event(market.oneXTwo('2.00'));
    await moved.odds(market.oneXTwo('2.20'));
    const answer = await customer.bet([still.home(), moved.home('2.00')]);
    assert.equal(answer.code, 'odds_changed');
    assert.ok(answer.text.includes('2.2'), answer.text);
    const bet = await customer.placed([still.home(), moved.home('2.00')], { accept: 'higher' });
    assert.equal(bet.potential_payout, '44.00');
  });
});
