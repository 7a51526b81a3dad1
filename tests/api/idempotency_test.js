// Rule 11: one key, one verdict, however often and whenever it is asked.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, makeAgent, newKey } = require('./lib/world');

describe('idempotency', () => {
  const world = worldFor({ before, after }, {});

  test('rule 11: 1,000 concurrent copies make one bet and get one answer', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const agent = makeAgent(1000);
    const key = newKey('copies');
    const slip = { stake: '10.00', type: 'single', accept: 'none', legs: [event.home()] };
    const answers = await Promise.all(
      Array.from({ length: 1000 }, () =>
        customer.call('POST', '/v1/bets', { json: slip, key, agent }),
      ),
    );
    agent.destroy();
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [201]);
    assert.equal(new Set(answers.map((a) => a.text)).size, 1, 'one answer, byte for byte');
    assert.equal((await customer.bets()).length, 1);
    await customer.holds('90.00');
  });

  test('rule 11: 1,000 concurrent deposits under one key are one', async () => {
    const customer = await world().customer({ balance: null });
    const agent = makeAgent(1000);
    const key = newKey('copies');
    const answers = await Promise.all(
      Array.from({ length: 1000 }, () =>
        customer.call('POST', '/v1/wallet/deposits', { json: { amount: '3.00' }, key, agent }),
      ),
    );
    agent.destroy();
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [201]);
    assert.equal(new Set(answers.map((a) => a.text)).size, 1);
    await customer.holds('3.00');
  });

  test('a copy after the odds moved gets the first verdict', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const key = newKey('moved');
    const first = await customer.bet(event.home('2.00'), { key });
    assert.equal(first.status, 201);
    await event.odds(market.oneXTwo('1.50'));
    const second = await customer.bet(event.home('2.00'), { key });
    assert.equal(second.text, first.text);
    await event.odds({ id: 1, status: -3 });
    assert.equal((await customer.bet(event.home('2.00'), { key })).text, first.text);
    assert.equal((await customer.bets()).length, 1);
  });

  test('a copy after the bet was settled still says what was accepted', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const key = newKey('settled');
    const first = await customer.bet(event.home(), { key });
    await event.result(1, 0, 0);
    await customer.becomes(first.json, { state: 'settled' });
    const second = await customer.bet(event.home(), { key });
    assert.equal(second.status, 201);
    assert.equal(second.text, first.text);
    await customer.holds('110.00');
  });

  test('a refusal is sticky: the same key hears it again', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.10'));
    const key = newKey('refused');
    const first = await customer.bet(event.home('2.00'), { key });
    assert.equal(first.code, 'odds_changed');
    await event.odds(market.oneXTwo('2.00'));
    const second = await customer.bet(event.home('2.00'), { key });
    assert.equal(second.text, first.text);
    assert.equal(second.status, 409);
    assert.equal((await customer.bet(event.home('2.00'))).status, 201, 'a new key is a new bet');
  });

  test('no money is a verdict, too, even when money comes', async () => {
    const customer = await world().customer({ balance: '1.00' });
    const event = await world().event(market.oneXTwo());
    const key = newKey('poor');
    const first = await customer.bet(event.home(), { key });
    assert.equal(first.code, 'insufficient_funds');
    await customer.deposit('100.00');
    assert.equal((await customer.bet(event.home(), { key })).text, first.text);
    assert.equal((await customer.bets()).length, 0);
  });

  test('malformed, unauthorized and a missing key are no verdicts', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const key = newKey('later');
    assert.equal((await customer.bet(event.home(), { key, stake: 'x' })).code, 'malformed');
    const slip = { stake: '10.00', type: 'single', accept: 'none', legs: [event.home()] };
    const nobody = await world().server.call('POST', '/v1/bets', { json: slip, key, token: 'no' });
    assert.equal(nobody.code, 'unauthorized');
    assert.equal((await customer.bet(event.home(), { key })).status, 201);
  });

  test('the fields are compared, not the bytes', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const key = newKey('fields');
    const post = (body) =>
      customer.call('POST', '/v1/bets', { body, type: 'application/json', key });
    const leg = `{"event":"${event}","market":"1","outcome":"1","odds":"2.00"}`;
    const first = await post(`{"stake":"10.00","type":"single","accept":"none","legs":[${leg}]}`);
    assert.equal(first.status, 201, first.text);
    const other = await post(
      `{ "legs": [ ${leg} ],\n "accept":"none", "type":"single", "stake":"10.0" }`,
    );
    assert.equal(other.text, first.text);
  });

  for (const [name, change] of Object.entries({
    stake: { stake: '11.00' },
    policy: { accept: 'any' },
    odds: { odds: '2.01' },
    outcome: { outcome: '2' },
  })) {
    test(`another ${name} under the same key is key_reused`, async () => {
      const customer = await world().customer();
      const event = await world().event(market.oneXTwo());
      const key = newKey('reused');
      assert.equal((await customer.bet(event.home(), { key })).status, 201);
      const { odds, outcome, ...slip } = change;
      const leg = { ...event.home(), ...(odds && { odds }), ...(outcome && { outcome }) };
      const answer = await customer.bet(leg, { key, ...slip });
      assert.equal(answer.status, 422);
      assert.equal(answer.code, 'key_reused');
      assert.equal((await customer.bets()).length, 1);
    });
  }

  test('two slips racing under one key: one verdict, the others are key_reused', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const key = newKey('race');
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        customer.bet(event.home(), { key, stake: i % 2 ? '1.00' : '2.00' }),
      ),
    );
    const accepted = answers.filter((a) => a.status === 201);
    assert.equal(new Set(accepted.map((a) => a.text)).size, 1);
    assert.equal(accepted.length, 20);
    assert.ok(answers.filter((a) => a.status !== 201).every((a) => a.code === 'key_reused'));
    assert.equal((await customer.bets()).length, 1);
  });

  test('verdicts survive a restart', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const [won, refused] = [newKey('kept'), newKey('kept')];
    const bet = await customer.bet(event.home(), { key: won });
    const no = await customer.bet(event.home('1.90'), { key: refused });
    await world().restart();
    assert.equal((await customer.bet(event.home(), { key: won })).text, bet.text);
    assert.equal((await customer.bet(event.home('1.90'), { key: refused })).text, no.text);
    await world().feed.up();
  });

  test('one balance cannot be spent twice, however many bets race for it', async () => {
    const customer = await world().customer({ balance: '50.00' });
    const event = await world().event(market.oneXTwo());
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => customer.bet(event.home(), { stake: '10.00' })),
    );
    assert.equal(answers.filter((a) => a.status === 201).length, 5);
    assert.equal(answers.filter((a) => a.code === 'insufficient_funds').length, 55);
    await customer.holds('0.00', '0.00');
  });
});
