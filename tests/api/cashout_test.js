// Cash-out: what is offered, what is paid, and that it is paid once (rule 16).
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, newKey, eventually } = require('./lib/world');

describe('cash-out', () => {
  const world = worldFor({ before, after }, {});

  async function betOnHome(options = {}) {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('3.00'));
    const key = newKey();
    const answer = await customer.bet(event.home('3.00'), { stake: '10.00', key, ...options });
    assert.equal(answer.status, 201, answer.text);
    return { customer, event, bet: answer.json, answer, key };
  }
  const cashout = (customer, bet, json = { minimum: '0.00' }, key = newKey('cashout')) =>
    customer.call('POST', `/v1/bets/${bet.id}/cashout`, { json, key });
  const kinds = async (customer) =>
    (await customer.transfers()).map((t) => `${t.kind} ${t.amount}`);

  test('rule 16: placed odds over odds now, less the margin', async () => {
    const { customer, event, bet } = await betOnHome();
    assert.equal('cashout' in bet, false); // the answer to a placement is as it was
    const before = await customer.betById(bet.id);
    assert.deepEqual(before.cashout, { offer: '9.50', margin: '0.05' });
    await event.odds(market.oneXTwo('1.7'));
    // 10.00 * 3.00 / 1.70 * 0.95 = 16.7647…
    assert.equal((await customer.betById(bet.id)).cashout.offer, '16.76');
    const answer = await cashout(customer, bet, { minimum: '16.76' });
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.json, { paid: '16.76', remaining_stake: '0.00' });
    const wallet = await customer.wallet();
    assert.equal(wallet.balance, '106.76');
    assert.equal(wallet.staked, '0.00');
    const now = await customer.betById(bet.id);
    assert.equal(now.state, 'cashed_out');
    assert.equal(now.cashout, null);
    assert.equal(now.stake, '10.00');
    assert.equal(now.remaining_stake, '0.00');
    assert.equal(now.cashed_out, '16.76');
    assert.equal(now.potential_payout, '0.00');
    assert.deepEqual(await kinds(customer), ['cashout 16.76', 'stake -10.00', 'deposit 100.00']);
    assert.equal((await customer.bets('?state=settled')).length, 1);
  });

  test('rule 16: the whole is final, whatever is heard later', async () => {
    const { customer, event, bet } = await betOnHome();
    assert.equal((await cashout(customer, bet)).status, 200);
    await event.result(1, 0, 0);
    await world().quiet();
    await event.rollbackSettle({ id: 1 });
    await world().quiet();
    const now = await customer.betById(bet.id);
    assert.equal(now.state, 'cashed_out');
    assert.equal(now.payout, '0.00');
    await customer.holds('99.50', '0.00');
    world().audit();
  });

  test('rule 16: of a part, the rest is settled', async () => {
    const { customer, event, bet, answer: placed, key } = await betOnHome();
    const part = await cashout(customer, bet, { minimum: '3.00', stake: '3.33' });
    assert.deepEqual(part.json, { paid: '3.16', remaining_stake: '6.67' }); // 3.1635
    const now = await customer.betById(bet.id);
    assert.equal(now.state, 'accepted');
    assert.equal(now.remaining_stake, '6.67');
    assert.equal(now.cashed_out, '3.16');
    assert.equal(now.potential_payout, '20.01');
    assert.equal(now.cashout.offer, '6.33');
    assert.equal((await customer.wallet()).staked, '6.67');
    await world().restart();
    await world().feed.up();
    const again = await customer.bet(event.home('3.00'), { stake: '10.00', key });
    assert.equal(again.text, placed.text); // as it was placed
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '20.01' });
    await customer.holds('113.17', '0.00'); // 90 + 3.16 + 20.01
    await event.rollbackSettle({ id: 1 });
    await customer.becomes(bet, { state: 'accepted', payout: '0.00' });
    assert.equal((await customer.wallet()).staked, '6.67');
    world().audit();
  });

  test('rule 16: the offer that fell below the minimum is told', async () => {
    const { customer, event, bet } = await betOnHome();
    await event.odds(market.oneXTwo('6.00'));
    const key = newKey();
    const moved = await cashout(customer, bet, { minimum: '9.50' }, key);
    assert.equal(moved.status, 409);
    assert.equal(moved.code, 'cashout_moved');
    assert.equal(moved.json.offer, '4.75');
    await event.odds(market.oneXTwo('1.50'));
    const same = await cashout(customer, bet, { minimum: '9.50' }, key);
    assert.equal(same.text, moved.text); // rule 11: a verdict
    const better = await cashout(customer, bet, { minimum: '9.50' });
    assert.equal(better.json.paid, '19.00'); // more than was asked for
  });

  test('rule 16: none while an open leg is suspended', async () => {
    const { customer, event, bet } = await betOnHome();
    await event.stop();
    assert.equal((await customer.betById(bet.id)).cashout.offer, null);
    const refused = await cashout(customer, bet);
    assert.equal(refused.code, 'market_suspended');
    assert.equal(refused.json.leg, 0);
    const inactive = { id: 1, outcomes: { 1: { odds: '3.00', active: 0 }, 2: '3', 3: '4' } };
    await event.odds(inactive);
    assert.equal((await cashout(customer, bet)).code, 'market_suspended');
    await event.odds(market.oneXTwo('3.00'));
    assert.equal((await cashout(customer, bet)).status, 200);
  });

  test('a settled leg counts its factor, a lost one ends the offers', async () => {
    const customer = await world().customer();
    const one = await world().event(market.oneXTwo('2.00'));
    const two = await world().event(market.oneXTwo('2.50'));
    const three = await world().event(market.oneXTwo('4.00'));
    const legs = [one.home('2.00'), two.home('2.50'), three.home('4.00')];
    const bet = await customer.placed(legs, { stake: '10.00' });
    await one.result({ result: 1, void: 0.5 }, 0, 0); // factor 1.5
    await two.odds(market.oneXTwo('1.25'));
    await eventually(async () =>
      // 10 * 1.5 * 2.5/1.25 * 1 * 0.95
      assert.equal((await customer.betById(bet.id)).cashout.offer, '28.50'),
    );
    const system = await customer.placed(legs.slice(1).map((l, i) => ({
      ...l, odds: i === 0 ? '1.25' : '4.00',
    })), { stake: '10.00', type: 'system', system: [1, 2] });
    await three.odds(market.oneXTwo('2.00'));
    // (1 + 2 + 1 * 2) / 3 * 10 * 0.95
    assert.equal((await customer.betById(system.id)).cashout.offer, '15.83');
    await two.result(0, 1, 0);
    await customer.becomes(bet, { state: 'settled', payout: '0.00' });
    const closed = await cashout(customer, bet);
    assert.equal(closed.code, 'bet_closed');
    assert.equal(closed.json.state, 'settled');
    const still = await cashout(customer, system); // (0 + 2 + 0) / 3 * 10 * 0.95
    assert.equal(still.json.paid, '6.33');
  });

  test('a key pays once: twice sent, in flight and after a restart', async () => {
    const { customer, bet } = await betOnHome();
    const key = newKey();
    const json = { minimum: '1.00' };
    const answers = await Promise.all([1, 2, 3].map(() => cashout(customer, bet, json, key)));
    for (const answer of answers) assert.equal(answer.text, answers[0].text);
    assert.equal(answers[0].status, 200);
    await world().restart();
    assert.equal((await cashout(customer, bet, json, key)).text, answers[0].text);
    assert.equal((await cashout(customer, bet, { minimum: '2.00' }, key)).code, 'key_reused');
    await customer.holds('99.50');
    await world().feed.up();
  });

  test('rule 16: of two keys exactly one pays', async () => {
    const { customer, event, bet } = await betOnHome();
    const answers = await Promise.all(Array.from({ length: 6 }, () => cashout(customer, bet)));
    const paid = answers.filter((a) => a.status === 200);
    assert.equal(paid.length, 1);
    for (const other of answers.filter((a) => a.status !== 200))
      assert.equal(other.code, 'bet_closed');
    await customer.holds('99.50');
    await event.result(0, 1, 0);
  });

  test('against settlement: cashed out or settled, never both', async () => {
    for (let n = 0; n < 10; n++) {
      const { customer, event, bet } = await betOnHome();
      const [answer] = await Promise.all([cashout(customer, bet), event.result(1, 0, 0)]);
      const cashed = answer.status === 200;
      if (!cashed) assert.ok(['bet_closed', 'market_suspended'].includes(answer.code), answer.text);
      await customer.becomes(bet, { state: cashed ? 'cashed_out' : 'settled' });
      await customer.holds(cashed ? '99.50' : '120.00', '0.00');
    }
    world().audit();
  });

  test('parts: not more than there is, and no crumbs', async () => {
    const { customer, bet } = await betOnHome();
    const more = await cashout(customer, bet, { minimum: '0', stake: '10.01' });
    assert.equal(more.code, 'stake_too_large');
    assert.equal(more.json.maximum, '10.00');
    for (const stake of ['0.05', '9.95']) {
      const crumb = await cashout(customer, bet, { minimum: '0', stake });
      assert.equal(crumb.code, 'stake_too_small', stake);
      assert.equal(crumb.json.minimum, '0.10');
    }
    const whole = await cashout(customer, bet, { minimum: '0', stake: '10.00' });
    assert.equal(whole.json.remaining_stake, '0.00');
  });

  test('somebody else’s bet is not there, and bad bodies name their field', async () => {
    const { customer, bet } = await betOnHome();
    const other = await world().customer();
    assert.equal((await cashout(other, bet)).code, 'not_found');
    assert.equal((await cashout(other, { id: 'x' })).code, 'not_found');
    const bad = [
      [{}, 'minimum'],
      [{ minimum: 1 }, 'minimum'],
      [{ minimum: '-1' }, 'minimum'],
      [{ minimum: '1.001' }, 'minimum'],
      [{ minimum: '1', stake: '0' }, 'stake'],
      [{ minimum: '1', stakes: '1' }, 'stakes'],
    ];
    for (const [json, field] of bad) {
      const answer = await cashout(customer, bet, json);
      assert.equal(answer.status, 400, JSON.stringify(json));
      assert.match(answer.json.detail, new RegExp(field));
    }
    const path = `/v1/bets/${bet.id}/cashout`;
    const keyless = await customer.call('POST', path, { json: { minimum: '1' } });
    assert.equal(keyless.code, 'key_missing');
    const nobody = await world().server.call('POST', path, { json: { minimum: '1' }, key: 'k' });
    assert.equal(nobody.code, 'unauthorized');
  });

  test('the report counts stakes as placed, and cash-outs as payouts', async () => {
    const customer = await world().customer({ currency: 'SEK', balance: '100.00' });
    const event = await world().event(market.oneXTwo('3.00'));
    const bet = await customer.placed(event.home('3.00'), { stake: '10.00' });
    await cashout(customer, bet, { minimum: '0', stake: '4.00' });
    const today = new Date().toISOString().slice(0, 10);
    const { json } = await world().server.operate(
      'GET', `/v1/reports/daily?from=${today}&to=${today}`);
    const day = json.days.find((d) => d.currency === 'SEK');
    assert.equal(day.turnover, '10.00');
    assert.equal(day.payouts, '3.80');
    assert.equal(day.ggr, '6.20');
    const open = json.open.find((d) => d.currency === 'SEK');
    assert.equal(open.stakes, '6.00');
    assert.equal(open.liability, '18.00');
  });
});
