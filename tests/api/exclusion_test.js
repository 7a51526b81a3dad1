// Self-exclusion: no new bets and no deposits; what is the customer's stays.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, newKey } = require('./lib/world');

describe('exclusion', () => {
  const world = worldFor({ before, after }, {});

  const inHours = (hours) => new Date(Date.now() + hours * 3600000).toISOString();
  const exclude = (customer, until) =>
    customer.call('PUT', '/v1/exclusion', { json: { until } });

  test('rule 15: no new bets, no deposits; open bets stand, money comes out', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const other = await world().event(market.oneXTwo('2.00'));
    const bet = await customer.placed(event.home(), { stake: '10.00' });
    const sold = await customer.placed(other.home(), { stake: '10.00' });
    const until = inHours(24);
    const answer = await exclude(customer, until);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.json.excluded_until, until);
    assert.equal(answer.json.limits.length, 9);

    assert.equal((await customer.bet(other.home(), { stake: '1.00' })).code, 'excluded');
    const deposit = await customer.deposit('5.00');
    assert.equal(deposit.status, 403);
    assert.equal(deposit.code, 'excluded');
    const cashout = await customer.call('POST', `/v1/bets/${sold.id}/cashout`, {
      json: { minimum: '1.00' }, key: newKey(),
    });
    assert.equal(cashout.json.paid, '9.50');
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
    assert.equal((await customer.withdraw('50.00')).status, 201);
    await customer.holds('59.50');
  });

  test('logging in and reading go on', async () => {
    const customer = await world().customer();
    await exclude(customer, inHours(1));
    const { email, password } = customer.fields;
    const login = await world().server.call('POST', '/v1/sessions', { json: { email, password } });
    assert.equal(login.status, 201, login.text);
    assert.notEqual((await customer.read('/v1/limits')).excluded_until, null);
    assert.equal((await customer.wallet()).balance, '100.00');
  });

  test('it may only be made longer', async () => {
    const customer = await world().customer();
    const until = inHours(48);
    assert.equal((await exclude(customer, until)).status, 200);
    const shorter = await exclude(customer, inHours(24));
    assert.equal(shorter.status, 409);
    assert.equal(shorter.code, 'exclusion_stands');
    assert.equal(shorter.json.excluded_until, until);
    assert.equal((await exclude(customer, until)).status, 200); // said again
    const longer = inHours(72);
    assert.equal((await exclude(customer, longer)).json.excluded_until, longer);
    assert.equal((await customer.read('/v1/limits')).excluded_until, longer);
  });

  test('it ends', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    await exclude(customer, inHours(24));
    await world().server.stop();
    const past = Date.now() - 1;
    world().store.sql(`UPDATE accounts SET excluded_until_ms = ${past} WHERE id = ${customer.id}`);
    await world().start();
    await world().feed.up();
    await event.odds(market.oneXTwo('2.00'));
    await customer.placed(event.home(), { stake: '1.00' });
    assert.equal((await customer.read('/v1/limits')).excluded_until, null);
  });

  test('a time to come, and nothing else', async () => {
    const customer = await world().customer();
    for (const json of [{}, { until: 'soon' }, { until: 1 }, { until: inHours(-1) }]) {
      const answer = await customer.call('PUT', '/v1/exclusion', { json });
      assert.equal(answer.status, 400, JSON.stringify(json));
      assert.match(answer.json.detail, /until/);
    }
  });
});
