// Customers' own limits, enforced where the money moves (rule 15).
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, newKey } = require('./lib/world');

const DAY = 86400000;

describe('limits', () => {
  const world = worldFor({ before, after }, {});

  const put = (customer, kind, period, amount) =>
    customer.call('PUT', '/v1/limits', { json: { kind, period, amount } });
  async function set(customer, kind, period, amount) {
    const answer = await put(customer, kind, period, amount);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.limits.find((l) => l.kind === kind && l.period === period);
  }
  async function limit(customer, kind, period) {
    const { limits } = await customer.read('/v1/limits');
    return limits.find((l) => l.kind === kind && l.period === period);
  }
  // As if that many milliseconds had gone by since the limits were written.
  async function later(customer, ms) {
    await world().server.stop();
    world().store.sql(
      `UPDATE limits SET next_from_ms = next_from_ms - ${ms}
       WHERE account = ${customer.id} AND next_from_ms <> 0`,
    );
    await world().start();
    await world().feed.up();
  }

  test('nine of them, none at first, with what was used', async () => {
    const customer = await world().customer({ balance: '50.00' });
    const event = await world().event(market.oneXTwo());
    await customer.placed(event.home(), { stake: '4.00' });
    const { limits, excluded_until: until } = await customer.read('/v1/limits');
    assert.equal(until, null);
    assert.equal(limits.length, 9);
    assert.equal(new Set(limits.map((l) => `${l.kind} ${l.period}`)).size, 9);
    for (const l of limits) {
      assert.equal(l.amount, null);
      assert.equal(l.pending, null);
      assert.equal(l.used, { deposit: '50.00', stake: '4.00', loss: '4.00' }[l.kind]);
    }
  });

  test('rule 15: a deposit limit holds back what is above it', async () => {
    const customer = await world().customer({ balance: '30.00' });
    const now = await set(customer, 'deposit', 'day', '50.00');
    assert.deepEqual(now, {
      kind: 'deposit', period: 'day', amount: '50.00', used: '30.00', pending: null,
    });
    const key = newKey();
    const refused = await customer.deposit('20.01', key);
    assert.equal(refused.status, 422);
    assert.equal(refused.code, 'limit_reached');
    assert.equal(refused.json.maximum, '20.00');
    assert.equal(refused.json.kind, 'deposit');
    assert.equal(refused.json.period, 'day');
    assert.equal((await customer.deposit('20.00')).status, 201);
    assert.equal((await customer.deposit('0.01')).code, 'limit_reached');
    assert.equal((await customer.withdraw('10.00')).status, 201);
    await world().restart();
    await world().feed.up();
    assert.equal((await customer.deposit('20.01', key)).text, refused.text); // rule 11
  });

  test('rule 15: a stake limit counts stakes, whatever comes back', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    await set(customer, 'stake', 'week', '15.00');
    const bet = await customer.placed(event.home(), { stake: '10.00' });
    await event.result({ result: 0, void: 1 }, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '10.00' });
    const other = await world().event(market.oneXTwo());
    const refused = await customer.bet(other.home(), { stake: '6.00' });
    assert.equal(refused.code, 'limit_reached');
    assert.equal(refused.json.maximum, '5.00');
    assert.equal(refused.json.kind, 'stake');
    assert.equal(refused.json.period, 'week');
    await customer.placed(other.home(), { stake: '5.00' });
  });

  test('rule 15: a loss is stakes less payouts, cash-outs and what is taken back', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('3.00'));
    const other = await world().event(market.oneXTwo());
    await set(customer, 'loss', 'month', '20.00');
    const used = async () => (await limit(customer, 'loss', 'month')).used;
    const bet = await customer.placed(event.home('3.00'), { stake: '20.00' });
    assert.equal((await customer.bet(other.home(), { stake: '0.10' })).json.maximum, '0.00');
    const part = await customer.call('POST', `/v1/bets/${bet.id}/cashout`, {
      json: { minimum: '0', stake: '10.00' }, key: newKey(),
    });
    assert.equal(part.json.paid, '9.50');
    assert.equal(await used(), '10.50');
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '30.00' });
    assert.equal(await used(), '-19.50');
    await event.rollbackSettle({ id: 1 });
    await customer.becomes(bet, { state: 'accepted' });
    assert.equal(await used(), '10.50');
    assert.equal((await customer.bet(other.home(), { stake: '9.51' })).code, 'limit_reached');
    await customer.placed(other.home(), { stake: '9.50' });
    world().audit();
  });

  test('lower at once, higher after 24 hours', async () => {
    const customer = await world().customer({ balance: '10.00' });
    await set(customer, 'deposit', 'day', '20.00');
    const raised = await set(customer, 'deposit', 'day', '40.00');
    assert.equal(raised.amount, '20.00');
    assert.equal(raised.pending.amount, '40.00');
    const wait = Date.parse(raised.pending.from) - Date.now();
    assert.ok(wait > DAY - 60000 && wait <= DAY, `${wait}`);
    const again = await set(customer, 'deposit', 'day', '40.00');
    assert.deepEqual(again.pending, raised.pending); // asking twice does not wait longer
    assert.equal((await customer.deposit('10.01')).code, 'limit_reached');
    await later(customer, DAY - 60000);
    assert.equal((await customer.deposit('10.01')).code, 'limit_reached');
    await later(customer, 60000);
    assert.equal((await limit(customer, 'deposit', 'day')).amount, '40.00');
    assert.equal((await limit(customer, 'deposit', 'day')).pending, null);
    assert.equal((await customer.deposit('10.01')).status, 201);
    const removed = await set(customer, 'deposit', 'day', null);
    assert.equal(removed.amount, '40.00');
    assert.equal(removed.pending.amount, null);
    const lower = await set(customer, 'deposit', 'day', '25.00'); // takes the removal back
    assert.equal(lower.amount, '25.00');
    assert.equal(lower.pending, null);
    await set(customer, 'deposit', 'day', null);
    await later(customer, DAY);
    assert.equal((await customer.deposit('500.00')).status, 201);
    assert.equal((await limit(customer, 'deposit', 'day')).amount, null);
  });

  test('a new period starts from nothing', async () => {
    const customer = await world().customer({ balance: '30.00' });
    await set(customer, 'deposit', 'day', '30.00');
    assert.equal((await customer.deposit('1.00')).code, 'limit_reached');
    await world().server.stop();
    // All that was deposited is yesterday's now.
    const { id } = customer;
    world().store.sql(`UPDATE limits SET since_ms = since_ms - ${DAY} WHERE account = ${id}
      AND period = 1`);
    world().store.sql(`UPDATE transfers SET at_ms = at_ms - ${DAY} WHERE account = ${id}`);
    world().store.sql(`UPDATE limits SET used = (SELECT COALESCE(SUM(amount), 0)
      FROM transfers t WHERE t.account = ${id} AND t.at_ms >= since_ms)
      WHERE account = ${id} AND kind = 1`);
    await world().start();
    await world().feed.up();
    assert.equal((await limit(customer, 'deposit', 'day')).used, '0.00');
    assert.equal((await customer.deposit('30.00')).status, 201);
    assert.equal((await customer.deposit('0.01')).code, 'limit_reached');
  });

  test('rule 15: concurrent bets never overshoot', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    await set(customer, 'stake', 'day', '10.00');
    await set(customer, 'loss', 'day', '50.00');
    const bets = await Promise.all(
      Array.from({ length: 40 }, () => customer.bet(event.home(), { stake: '0.70' })),
    );
    assert.equal(bets.filter((b) => b.status === 201).length, 14); // 9.80
    const others = bets.filter((b) => b.status !== 201);
    for (const refused of others) assert.equal(refused.code, 'limit_reached', refused.text);
    assert.equal((await limit(customer, 'stake', 'day')).used, '9.80');
    assert.equal((await customer.wallet()).staked, '9.80');
  });

  test('a limit set while bets come in counts every one of them', async () => {
    for (let n = 0; n < 5; n++) {
      const customer = await world().customer();
      const event = await world().event(market.oneXTwo());
      const bets = Array.from({ length: 20 }, () => customer.bet(event.home(), { stake: '1.00' }));
      const now = set(customer, 'stake', 'day', '7.00');
      const more = Array.from({ length: 20 }, () => customer.bet(event.home(), { stake: '1.00' }));
      await now;
      const placed = (await Promise.all([...bets, ...more])).filter((b) => b.status === 201);
      const { used } = await limit(customer, 'stake', 'day');
      assert.equal(used, `${placed.length}.00`);
      assert.ok(placed.length >= 7);
      assert.equal((await customer.bet(event.home(), { stake: '1.00' })).code, 'limit_reached');
    }
    world().audit();
  });

  test('bad bodies name their field', async () => {
    const customer = await world().customer();
    const bad = [
      [{ period: 'day', amount: '1' }, 'kind'],
      [{ kind: 'win', period: 'day', amount: '1' }, 'kind'],
      [{ kind: 'loss', period: 'year', amount: '1' }, 'period'],
      [{ kind: 'loss', period: 'day' }, 'amount'],
      [{ kind: 'loss', period: 'day', amount: 5 }, 'amount'],
      [{ kind: 'loss', period: 'day', amount: '-5' }, 'amount'],
      [{ kind: 'loss', period: 'day', amount: '5', until: 1 }, 'until'],
    ];
    for (const [json, field] of bad) {
      const answer = await customer.call('PUT', '/v1/limits', { json });
      assert.equal(answer.status, 400, JSON.stringify(json));
      assert.match(answer.json.detail, new RegExp(field));
    }
    assert.equal((await world().server.call('GET', '/v1/limits')).code, 'unauthorized');
  });
});
