// Facts that change their mind: certainty, corrections, cancels, rollbacks,
// and what is taken back (rules 1, 2, 5 and 6).
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, uof, eventually } = require('./lib/world');

describe('resettlement', () => {
  const world = worldFor({ before, after }, {});

  async function betOnHome({ balance = '100.00', stake = '10.00' } = {}) {
    const customer = await world().customer({ balance });
    const event = await world().event(market.oneXTwo('2.00'));
    const bet = await customer.placed(event.home(), { stake });
    return { customer, event, bet, at: Date.parse(bet.placed_at) };
  }
  const kinds = async (customer) =>
    (await customer.transfers()).map((t) => `${t.kind} ${t.amount}`);

  test('rule 02: certainty 1 pays, 2 with the same result moves nothing', async () => {
    const { customer, event, bet } = await betOnHome();
    await event.result(1, 0, 0, { certainty: 1 });
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
    await event.result(1, 0, 0, { certainty: 2 });
    await world().quiet();
    await customer.holds('110.00', '0.00');
    assert.deepEqual(await kinds(customer), ['payout 20.00', 'stake -10.00', 'deposit 100.00']);
  });

  test('rule 02: with another result the difference moves', async () => {
    const { customer, event, bet } = await betOnHome();
    await event.result(1, 0, 0, { certainty: 1 });
    await customer.becomes(bet, { payout: '20.00' });
    await event.result({ result: 1, void: 0.5 }, 0, 0, { certainty: 2 });
    await customer.becomes(bet, { payout: '15.00', state: 'settled' });
    await customer.holds('105.00', '0.00');
    assert.equal((await kinds(customer))[0], 'reversal -5.00');
  });

  test('rule 01: certainty beats the later timestamp', async () => {
    const { customer, event, bet } = await betOnHome();
    await event.result(1, 0, 0, { certainty: 2 });
    await customer.becomes(bet, { payout: '20.00' });
    await event.result(0, 1, 0, { certainty: 1 });
    await world().quiet();
    await customer.holds('110.00');
  });

  test('rule 01: of equal certainty the latest timestamp, not the last to come', async () => {
    const { customer, event, bet } = await betOnHome();
    const [early, late] = [uof.tick(), uof.tick()];
    await event.result(1, 0, 0, { timestamp: late });
    await event.result(0, 1, 0, { timestamp: early });
    await customer.becomes(bet, { payout: '20.00' });
    await world().quiet();
    await customer.holds('110.00');
  });

  test('rule 01: the same fact told three times pays once', async () => {
    const { customer, event, bet } = await betOnHome();
    const xml = uof.betSettlement(event.id, [{ id: 1, outcomes: { 1: 1, 2: 0, 3: 0 } }]);
    for (let i = 0; i < 3; i++) await world().feed.send(xml);
    await customer.becomes(bet, { payout: '20.00' });
    await world().quiet();
    await customer.holds('110.00');
    assert.equal((await customer.transfers()).length, 3);
  });

  test('rule 02: a rollback removes every earlier settlement', async () => {
    const { customer, event, bet } = await betOnHome();
    await event.result(1, 0, 0, { certainty: 1 });
    await event.result(1, 0, 0, { certainty: 2 });
    await customer.becomes(bet, { state: 'settled' });
    await event.rollbackSettle({ id: 1 });
    await customer.becomes(bet, { state: 'accepted', legs: ['open'] });
    await customer.holds('90.00', '0.00');
    assert.equal((await customer.wallet()).staked, '10.00');
    await event.result(0, 1, 0);
    await customer.becomes(bet, { state: 'settled', payout: '0.00' });
  });

  test('rule 01: a rollback that comes late does not touch later settlements', async () => {
    const { customer, event, bet } = await betOnHome();
    const [first, rollback, second] = [uof.tick(), uof.tick(), uof.tick()];
    await event.result(0, 1, 0, { timestamp: first });
    await event.result(1, 0, 0, { timestamp: second });
    await event.rollbackSettle({ id: 1 }, { timestamp: rollback });
    await world().quiet();
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
  });

  test('a cancel without a window voids, before or after settlement', async () => {
    for (const settledFirst of [false, true]) {
      const { customer, event, bet } = await betOnHome();
      if (settledFirst) {
        await event.result(1, 0, 0);
        await customer.becomes(bet, { payout: '20.00' });
      }
      await event.cancel({ id: 1 });
      await customer.becomes(bet, { state: 'settled', payout: '10.00', legs: ['void'] });
      await customer.holds('100.00', '0.00');
      if (!settledFirst) await event.result(1, 0, 0); // rule 01: the cancel beats it
      await world().quiet();
      await customer.holds('100.00', '0.00');
    }
  });

  // window relative to the bet's moment -> covered or not
  const windows = [
    ['from it', { start: 0, end: 1 }, true],
    ['to it', { start: -1000, end: 0 }, false],
    ['around it', { start: -1000, end: 1000 }, true],
    ['after it', { start: 1, end: 1000 }, false],
    ['only an end after it', { end: 1 }, true],
    ['only an end at it', { end: 0 }, false],
    ['only a start at it', { start: 0 }, true],
    ['only a start after it', { start: 1 }, false],
  ];
  for (const [name, window, covered] of windows) {
    test(`rule 05: a window ${name} ${covered ? 'covers' : 'does not cover'} the bet`, async () => {
      const { customer, event, bet, at } = await betOnHome();
      await event.cancel(
        { id: 1 },
        {
          start: window.start === undefined ? undefined : at + window.start,
          end: window.end === undefined ? undefined : at + window.end,
        },
      );
      assert.equal((await event.market(1)).status, 'active', 'a cancel leaves the status');
      await event.result(0, 1, 0);
      const leg = covered ? 'void' : 'lost';
      await customer.becomes(bet, {
        state: 'settled',
        payout: covered ? '10.00' : '0.00',
        legs: [leg],
      });
    });
  }

  test('rule 05: only the covered leg of a multiple becomes void', async () => {
    const { customer, event } = await betOnHome();
    const other = await world().event(market.oneXTwo('3.00'));
    const bet = await customer.placed([event.home(), other.home('3.00')]);
    await event.cancel({ id: 1 });
    await customer.becomes(bet, { state: 'accepted', legs: ['void', 'open'] });
    await other.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '30.00' });
  });

  test('a rolled back cancel lets the settlement stand again', async () => {
    const { customer, event, bet, at } = await betOnHome();
    const window = { start: at - 1000, end: at + 1000 };
    await event.result(1, 0, 0);
    await event.cancel({ id: 1 }, window);
    await customer.becomes(bet, { payout: '10.00', legs: ['void'] });
    await event.rollbackCancel({ id: 1 }, { start: at - 1000, end: at + 2000 });
    await world().quiet();
    await customer.becomes(bet, { payout: '10.00' }); // another window: nothing
    await event.rollbackCancel({ id: 1 }, window);
    await customer.becomes(bet, { payout: '20.00', legs: ['won'] });
    await customer.holds('110.00', '0.00');
  });

  test('rule 06: what cannot be taken back becomes debt, and a deposit repays it', async () => {
    const { customer, event, bet } = await betOnHome({ balance: '10.00' });
    await event.result(1, 0, 0);
    await customer.becomes(bet, { payout: '20.00' });
    assert.equal((await customer.withdraw('15.00')).status, 201);
    await event.result(0, 1, 0);
    await customer.becomes(bet, { payout: '0.00' });
    await customer.holds('0.00', '15.00');
    assert.equal((await customer.withdraw('0.01')).code, 'insufficient_funds');
    const open = await world().event(market.oneXTwo());
    assert.equal((await customer.bet(open.home(), { stake: '1.00' })).code, 'insufficient_funds');
    assert.equal((await customer.deposit('4.00')).json.balance, '0.00');
    await customer.holds('0.00', '11.00');
    await customer.deposit('20.00');
    await customer.holds('9.00', '0.00');
    world().audit();
  });

  test('rule 06: winnings repay debt first', async () => {
    const { customer, event, bet } = await betOnHome({ balance: '20.00' });
    const second = await world().event(market.oneXTwo('2.00'));
    const other = await customer.placed(second.home());
    await event.result(1, 0, 0);
    await customer.becomes(bet, { payout: '20.00' });
    await customer.withdraw('20.00');
    await event.rollbackSettle({ id: 1 });
    await customer.becomes(bet, { state: 'accepted' });
    await customer.holds('0.00', '20.00');
    const debts = () => world().metric('overround_ledger_debt_minor', 'currency="EUR"');
    await eventually(async () => assert.ok((await debts()) >= 2000));
    await second.result(1, 0, 0);
    await customer.becomes(other, { payout: '20.00' });
    await customer.holds('0.00', '0.00');
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
    await customer.holds('20.00', '0.00');
  });

  test('the sum of transfers is balance less debt', async () => {
    const { customer, event, bet } = await betOnHome({ balance: '10.00' });
    await event.result(1, 0, 0);
    await customer.becomes(bet, { payout: '20.00' });
    await customer.withdraw('12.34');
    await event.result(0, 1, 0);
    await customer.becomes(bet, { payout: '0.00' });
    const sum = (await customer.transfers()).reduce(
      (total, t) => total + BigInt(t.amount.replace('.', '')),
      0n,
    );
    assert.equal(sum, -1234n);
    await customer.holds('0.00', '12.34');
  });
});
