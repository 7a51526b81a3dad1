// Bets above the threshold wait, request open, for a trader's yes, no or
// smaller stake.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { worldFor, openWorld, market, newKey, eventually } = require('./lib/world');

const SETTINGS = { rates: 'USD=0.5', 'hold-above': '100.00', 'hold-s': '20' };

// The desk's side: what waits, and a word on one of them.
const desk = (world) => ({
  async holds() {
    const { status, json, text } = await world().server.operate('GET', '/v1/desk/holds');
    assert.equal(status, 200, text);
    return json.holds;
  },
  of(customer) {
    return eventually(async () => {
      const held = (await this.holds()).filter((h) => h.customer === customer.id);
      assert.equal(held.length, 1, 'held');
      return held[0];
    });
  },
  say(held, json) {
    return world().server.operate('POST', `/v1/desk/holds/${held.id ?? held}`, { json });
  },
});

describe('held bets', () => {
  const world = worldFor({ before, after }, SETTINGS);
  const trader = desk(world);
  const big = async (stake = '250.00', more = {}) => {
    const customer = await world().customer({ balance: '1000.00', ...more });
    const event = await world().event(market.oneXTwo());
    const options = { stake, key: newKey('held') };
    return { customer, event, options, answer: customer.bet(event.home(), options) };
  };

  test('up to the threshold nobody is asked', async () => {
    const customer = await world().customer({ currency: 'USD', balance: '500.00' });
    const event = await world().event(market.oneXTwo());
    await customer.placed(event.home(), { stake: '200.00' }); // 100.00 EUR
    assert.deepEqual(await trader.holds(), []);
  });

  test('a trader sees it, and says yes', async () => {
    const { customer, event, answer } = await big('300.02', { currency: 'USD' });
    const held = await trader.of(customer);
    assert.equal(held.stake, '300.02');
    assert.equal(held.currency, 'USD');
    assert.equal(held.house_stake, '150.01');
    assert.equal(held.potential_payout, '600.04');
    assert.equal(held.type, 'single');
    assert.equal(held.legs[0].event, event.id);
    assert.equal(held.legs[0].odds, '2.00');
    assert.ok(Date.parse(held.until) - Date.parse(held.held_at) === 20000);
    assert.equal(await world().metric('overround_parked_requests', 'reason="held"'), 1);
    await customer.holds('1000.00'); // nothing has moved
    const said = await trader.say(held, { decision: 'accept', reason: 'a friend of the house' });
    assert.equal(said.status, 200, said.text);
    assert.deepEqual(said.json, { id: held.id, decision: 'accept' });
    await eventually(async () => {
      const { json } = await world().server.operate('GET', '/v1/desk/audit?limit=1');
      const [{ operator, act, note, reason }] = json.entries;
      assert.deepEqual([operator, act, reason], ['root', 'note', 'a friend of the house']);
      assert.match(note, new RegExp(`^hold ${held.id} of customer ${customer.id}, .* accept$`));
    });
    assert.equal((await answer).status, 201);
    assert.deepEqual(await trader.holds(), []);
    const again = await trader.say(held, { decision: 'accept' });
    assert.equal(again.status, 404);
  });

  test('no is a verdict', async () => {
    const { customer, event, options, answer } = await big();
    await trader.say(await trader.of(customer), { decision: 'decline', reason: 'not today' });
    const declined = await answer;
    assert.equal(declined.status, 409, declined.text);
    assert.equal(declined.code, 'declined');
    const again = await customer.bet(event.home(), options);
    assert.equal(again.text, declined.text);
    await customer.holds('1000.00');
  });

  // Of another process it is a wait of its own, with the same end.
  oneProcess(test)('copies of the key wait with it', async () => {
    const { customer, event, options, answer } = await big();
    const held = await trader.of(customer);
    const copies = [customer.bet(event.home(), options), customer.bet(event.home(), options)];
    assert.equal((await trader.holds()).length, 1);
    await trader.say(held, { decision: 'accept' });
    const first = await answer;
    for (const copy of await Promise.all(copies)) assert.equal(copy.text, first.text);
    await customer.holds('750.00');
  });

  test('a smaller stake is offered, and taken without another question', async () => {
    const { customer, event, answer } = await big();
    const held = await trader.of(customer);
    for (const stake of ['250.00', '0', '1.001', '-1', undefined]) {
      const wrong = await trader.say(held, { decision: 'offer', stake });
      assert.equal(wrong.status, 400, `offer ${stake}`);
      assert.match(wrong.json.detail, /stake/);
    }
    await trader.say(held, { decision: 'offer', stake: '120.00' });
    const offered = await answer;
    assert.equal(offered.code, 'stake_too_large');
    assert.equal(offered.json.maximum, '120.00');
    await customer.placed(event.home(), { stake: '120.00' });
    // Not more, not another outcome, not another customer.
    for (const [who, leg, stake] of [
      [customer, event.home(), '120.01'],
      [customer, event.away(), '120.00'],
      [await world().customer({ balance: '1000.00' }), event.home(), '120.00'],
    ]) {
      const waiting = who.bet(leg, { stake });
      await trader.say(await trader.of(who), { decision: 'decline' });
      assert.equal((await waiting).code, 'declined');
    }
  });

  test('an offer is good for one bet, and for none that is refused', async () => {
    const { customer, event, answer } = await big();
    await trader.say(await trader.of(customer), { decision: 'offer', stake: '120.00' });
    await answer;
    const refused = await customer.bet(event.home('2.10'), { stake: '120.00' });
    assert.equal(refused.code, 'odds_changed');
    await customer.placed(event.home(), { stake: '110.00' });
    const again = customer.bet(event.home(), { stake: '120.00' });
    await trader.say(await trader.of(customer), { decision: 'decline' });
    assert.equal((await again).code, 'declined');
  });

  test('after a yes the price is judged again', async () => {
    const { customer, event, answer } = await big();
    const held = await trader.of(customer);
    await event.odds(market.oneXTwo('1.80'));
    await trader.say(held, { decision: 'accept' });
    const moved = await answer;
    assert.equal(moved.code, 'odds_changed');
    assert.equal(moved.json.odds, '1.80');
  });

  test('what would be refused anyway is not held', async () => {
    const customer = await world().customer({ balance: '1000.00' });
    const event = await world().event(market.oneXTwo());
    const moved = await customer.bet(event.home('2.10'), { stake: '500.00' });
    assert.equal(moved.code, 'odds_changed');
    await event.stop();
    const stopped = await customer.bet(event.home(), { stake: '500.00' });
    assert.equal(stopped.code, 'market_suspended');
  });

  test('a customer has at most three waiting', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const event = await world().event(market.oneXTwo());
    const waiting = [1, 2, 3].map(() => customer.bet(event.home(), { stake: '200.00' }));
    await eventually(async () => assert.equal((await trader.holds()).length, 3));
    const fourth = await customer.bet(event.home(), { stake: '200.00' });
    assert.equal(fourth.status, 503);
    for (const held of await trader.holds()) await trader.say(held, { decision: 'decline' });
    for (const answer of await Promise.all(waiting)) assert.equal(answer.code, 'declined');
  });

  test('words that cannot be read change nothing', async () => {
    const { customer, answer } = await big();
    const held = await trader.of(customer);
    for (const [json, names] of [
      [{}, /decision/],
      [{ decision: 'perhaps' }, /decision/],
      [{ decision: 'accept', stake: '5.00' }, /stake/],
      [{ decision: 'accept', more: 1 }, /more/],
      [{ decision: 'decline', reason: 'x'.repeat(501) }, /reason/],
    ]) {
      const wrong = await trader.say(held, json);
      assert.equal(wrong.status, 400, JSON.stringify(json));
      assert.match(wrong.json.detail, names);
    }
    assert.equal((await trader.say('1', { decision: 'accept' })).status, 404);
    assert.equal((await trader.say('x', { decision: 'accept' })).status, 404);
    await trader.say(held, { decision: 'decline' });
    await answer;
  });
});

test('nobody says anything: declined', async () => {
  const world = await openWorld({ ...SETTINGS, 'hold-s': '1' });
  try {
    const customer = await world.customer({ balance: '1000.00' });
    const event = await world.event(market.oneXTwo());
    const answer = await customer.bet(event.home(), { stake: '200.00' });
    assert.equal(answer.code, 'declined');
    assert.equal(await world.metric('overround_holds_total', 'decision="timeout"'), 1);
  } finally {
    await world.close();
  }
});

test('a drain refuses what waits, without a verdict', async () => {
  const world = await openWorld(SETTINGS);
  try {
    const customer = await world.customer({ balance: '1000.00' });
    const event = await world.event(market.oneXTwo());
    const options = { stake: '200.00', key: 'before-and-after' };
    const answer = customer.bet(event.home(), options);
    await desk(() => world).of(customer);
    await world.server.stop();
    assert.equal((await answer).status, 503);
    await world.start();
    await world.feed.up();
    await event.odds(market.oneXTwo());
    const again = customer.bet(event.home(), options);
    const held = await desk(() => world).of(customer);
    await desk(() => world).say(held, { decision: 'accept' });
    assert.equal((await again).status, 201);
  } finally {
    await world.close();
  }
});

// The only lane waits for company: the market opens again while the bet is queued.
oneProcess(test)('what was suspended as it came does not pass the trader', async () => {
  const slow = { lanes: '1', 'pace-us': '2000000', 'queue-delay-ms': '9000' };
  const world = await openWorld({ ...SETTINGS, ...slow });
  const customer = await world.customer({ balance: '1000.00' });
  const other = await world.customer({ balance: '1000.00' });
  const event = await world.event(market.oneXTwo());
  await other.placed(event.home(), { stake: '1.00' });
  await event.stop();
  const answer = customer.bet(event.home(), { stake: '250.00' });
  await eventually(async () => assert.equal(await world.metric('overround_lane_queue'), 1));
  await event.odds(market.oneXTwo());
  assert.equal((await answer).code, 'declined');
  await customer.holds('1000.00');
  await customer.placed(event.home(), { stake: '100.00' });
  await world.close();
});
