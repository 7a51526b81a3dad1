// Limits in the house's currency: stakes by market, and the liability of an
// outcome, which no number of bets at once may pass (RULES.md 14).
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, openWorld, market, run, eventually } = require('./lib/world');
const { oneProcess } = require('./lib/shape'); // it has the whole room; of two, each a lease

const RATES = { 'house-currency': 'EUR', rates: 'USD=0.92,JPY=0.0061,KWD=3.03' };

describe('stakes of a market', () => {
  const world = worldFor({ before, after }, { ...RATES, 'market-stake-max': '50.00' });

  test('the maximum is told in the customer’s currency, and it fits', async () => {
    for (const [currency, stake, maximum] of [
      ['EUR', '50.01', '50.00'],
      ['USD', '54.35', '54.34'],
      ['JPY', '8197', '8196'],
      ['KWD', '16.502', '16.501'],
    ]) {
      const customer = await world().customer({ currency, balance: '20000' });
      const event = await world().event(market.oneXTwo());
      const refused = await customer.bet(event.home(), { stake });
      assert.equal(refused.status, 422, refused.text);
      assert.equal(refused.code, 'stake_too_large');
      assert.equal(refused.json.maximum, maximum, currency);
      await customer.placed(event.home(), { stake: maximum });
    }
  });

  test('without a rate nothing can be compared, so nothing fits', async () => {
    const customer = await world().customer({ currency: 'CHF' });
    const event = await world().event(market.oneXTwo());
    const refused = await customer.bet(event.home(), { stake: '1.00' });
    assert.equal(refused.code, 'stake_too_large');
    assert.equal(refused.json.maximum, '0.00');
  });

  test('the order of the ladder stands', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    assert.equal((await customer.bet(event.home(), { stake: '0.01' })).code, 'stake_too_small');
    const unknown = { ...event.home(), outcome: '99' };
    // The market is known: its limit comes before the outcome.
    assert.equal((await customer.bet(unknown, { stake: '60.00' })).code, 'stake_too_large');
    assert.equal((await customer.bet(unknown, { stake: '40.00' })).code, 'unknown_selection');
  });
});

test('settings that cannot be read are named', () => {
  for (const [name, value, says] of [
    ['rates', 'USD', /rates/],
    ['rates', 'USD=1,USD=2', /USD/],
    ['house-currency', 'EURO', /house-currency/],
  ]) {
    const done = run(['serve', '--check', `--${name}`, value]);
    assert.equal(done.status, 2);
    assert.match(done.stderr, says);
  }
});

// Many customers at once on one outcome at 3.00: each bet adds 2 x stake.
async function storm(world, { customers = 60, each = 6, stake = '10.00' } = {}) {
  const all = await Promise.all(
    Array.from({ length: customers }, () => world.customer({ balance: '1000.00' })),
  );
  const event = await world.event(market.oneXTwo('3.00', '3.40', '2.40'));
  const answers = await Promise.all(
    all.flatMap((customer) =>
      Array.from({ length: each }, () => customer.bet(event.home('3.00'), { stake })),
    ),
  );
  const accepted = answers.filter((a) => a.status === 201);
  const refused = answers.filter((a) => a.code === 'stake_too_large');
  assert.equal(accepted.length + refused.length, answers.length, 'nothing else happens');
  const costs = (bet) => 2 * Math.round(100 * Number(bet.stake));
  const liability = accepted.reduce((sum, a) => sum + costs(a.json), 0);
  return { event, all, accepted, refused, liability };
}

oneProcess(describe)('liability of an outcome', () => {
  const CAP = 123456; // 1234.56: no multiple of a bet's 20.00
  const world = worldFor({ before, after }, { ...RATES, 'liability-max': '1234.56' });

  test('rule 14: many bets at once come close to the cap and never pass it', async () => {
    const { liability, accepted, refused, event, all } = await storm(world());
    assert.ok(refused.length > 0);
    assert.ok(liability <= CAP, `${liability} passes ${CAP}`);
    assert.equal(accepted.length, 61, 'as many as fit');
    // What is left is told, and fits: once.
    const { maximum } = refused.at(-1).json;
    const last = await all[0].bet(event.home('3.00'), { stake: '10.00' });
    assert.equal(last.code, 'stake_too_large');
    assert.equal(last.json.maximum, '7.28', maximum);
    await all[1].placed(event.home('3.00'), { stake: '7.28' });
    const full = await all[2].bet(event.home('3.00'), { stake: '0.10' });
    assert.equal(full.code, 'stake_too_large');
    assert.equal(full.json.maximum, '0.00');
  });

  test('the same key gets the same verdict, and copies do not charge twice', async () => {
    const customer = await world().customer({ balance: '5000.00' });
    const event = await world().event(market.oneXTwo('3.00'));
    const copies = await Promise.all(
      Array.from({ length: 20 }, () =>
        customer.bet(event.home('3.00'), { stake: '400.00', key: `copies-${event}` }),
      ),
    );
    for (const copy of copies) assert.equal(copy.text, copies[0].text);
    assert.equal(copies[0].status, 201);
    await customer.placed(event.home('3.00'), { stake: '217.28' });
  });

  test('other outcomes do not offset, other markets do not count', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const event = await world().event([market.oneXTwo('3.00', '3.40', '4.00'), market.total()]);
    await customer.placed(event.away('4.00'), { stake: '400.00' });
    await customer.placed(event.home('3.00'), { stake: '617.28' });
    const refused = await customer.bet(event.away('4.00'), { stake: '100.00' });
    assert.equal(refused.json.maximum, '11.52');
    const over = event.leg(18, 12, '1.95', { specifiers: 'total=2.5' });
    await customer.placed(over, { stake: '1000.00' });
  });

  test('a multiple charges each of its legs', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const [a, b, c] = [
      await world().event(market.oneXTwo('3.00')),
      await world().event(market.oneXTwo('2.00')),
      await world().event(market.oneXTwo('2.00')),
    ];
    await customer.placed([a.home('3.00'), b.home()], { stake: '200.00' }); // 1000.00 on each
    const one = await customer.bet(a.home('3.00'), { stake: '200.00' });
    assert.equal(one.json.maximum, '117.28');
    const other = await customer.bet([b.home(), c.home()], { stake: '100.00' });
    assert.equal(other.json.maximum, '78.18');
    // What was refused on its first leg gave back what the second had taken.
    await customer.placed(c.home(), { stake: '1234.56' });
  });

  test('a bet that fails otherwise gives its charge back', async () => {
    const poor = await world().customer({ balance: '1.00' });
    const rich = await world().customer({ balance: '5000.00' });
    const event = await world().event(market.oneXTwo('3.00'));
    const refused = await poor.bet(event.home('3.00'), { stake: '600.00' });
    assert.equal(refused.code, 'insufficient_funds');
    await rich.placed(event.home('3.00'), { stake: '617.28' });
  });

  test('currencies are counted in the house’s, rounded up', async () => {
    const customer = await world().customer({ currency: 'USD', balance: '5000.00' });
    const event = await world().event(market.oneXTwo('3.00'));
    const refused = await customer.bet(event.home('3.00'), { stake: '1000.00' });
    assert.equal(refused.json.maximum, '670.95'); // 1341.90 x 0.92 = 1234.548
    await customer.placed(event.home('3.00'), { stake: '670.95' });
  });

  test('what was settled is free again, and a restart counts what is open', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const [a, b] = [
      await world().event(market.oneXTwo('3.00')),
      await world().event(market.oneXTwo('2.00')),
    ];
    const bet = await customer.placed([a.home('3.00'), b.home()], { stake: '200.00' });
    await customer.placed(a.home('3.00'), { stake: '100.00' });
    assert.equal((await customer.bet(a.home('3.00'), { stake: '50.00' })).code, 'stake_too_large');
    await world().restart();
    await world().feed.up();
    await a.odds(market.oneXTwo('3.00'));
    await b.odds(market.oneXTwo('2.00'));
    const still = await customer.bet(a.home('3.00'), { stake: '50.00' });
    assert.equal(still.json.maximum, '17.28');
    await b.result(0, 1, 0); // the multiple is lost: its 1000.00 is free
    await customer.becomes(bet, { state: 'settled' });
    const free = await eventually(async () => {
      const answer = await customer.bet(a.home('3.00'), { stake: '600.00' });
      assert.equal(answer.json.maximum, '517.28');
      return answer;
    });
    assert.equal(free.code, 'stake_too_large');
    await customer.placed(a.home('3.00'), { stake: '517.28' });
  });

  test('no limit is passed when the odds rise in between', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const event = await world().event(market.oneXTwo('2.00'));
    await customer.placed(event.home('2.00'), { stake: '1000.00' });
    await event.odds(market.oneXTwo('9.00'));
    const higher = await customer.bet(event.home('2.00'), { stake: '100.00', accept: 'higher' });
    assert.equal(higher.code, 'stake_too_large');
    assert.equal(higher.json.maximum, '29.32');
  });
});

test('without the guard the same storm overshoots', async () => {
  const world = await openWorld({ ...RATES });
  try {
    const { liability } = await storm(world);
    assert.ok(liability > 123456, `${liability} does not even reach the cap`);
  } finally {
    await world.close();
  }
});

oneProcess(test)('rule 14: the cap holds across a process that is killed', async () => {
  const world = await openWorld({ ...RATES, 'liability-max': '1234.56' });
  try {
    const customers = [];
    for (let i = 0; i < 20; i += 1) customers.push(await world.customer({ balance: '1000.00' }));
    const event = await world.event(market.oneXTwo('3.00'));
    const all = (stake) =>
      Promise.allSettled(
        customers.flatMap((who) => [1, 2, 3].map(() => who.bet(event.home('3.00'), { stake }))),
      );
    const storm = all('7.00');
    await eventually(async () => assert.ok((await customers[0].bets()).length > 0));
    await world.server.kill();
    await storm;
    await world.start();
    await world.feed.up();
    await event.odds(market.oneXTwo('3.00'));
    await all('11.00');
    let liability = 0;
    for (const who of customers)
      for (const bet of await who.bets('?limit=200')) liability += 200 * Number(bet.stake);
    assert.ok(liability <= 123456, `${liability} passes the cap`);
    assert.ok(liability > 100000, `${liability} is far from the cap`);
  } finally {
    await world.close();
  }
});

describe('limits of the desk', () => {
  const world = worldFor({ before, after }, { ...RATES, 'stake-max': '500.00' });
  const say = async (what, json) => {
    const answer = await world().server.operate('POST', `/v1/desk/${what}`, {
      json: { ...json, reason: 'a story' },
    });
    assert.equal(answer.status, 200, answer.text);
  };
  const limits = (event, values) => say('limits', { scope: { event: event.id }, ...values });
  const refused = async (customer, leg, stake) => {
    const answer = await customer.bet(leg, { stake });
    assert.equal(answer.code, 'stake_too_large', answer.text);
    return answer.json.maximum;
  };

  test('the nearest holds, until it is taken back', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const event = await world().event([market.oneXTwo(), market.total('2.00', '1.80')]);
    const over = event.leg(18, 12, '2.00', { specifiers: 'total=2.5' });
    await limits(event, { stake_max: '100.00', liability_max: null, hold_above: null });
    const scope = { event: event.id, market: '18', specifiers: 'total=2.5' };
    await say('limits', { scope, stake_max: '20.00', liability_max: null, hold_above: null });
    assert.equal(await refused(customer, event.home(), '100.01'), '100.00');
    assert.equal(await refused(customer, over, '20.01'), '20.00');
    const other = await world().event(market.oneXTwo());
    assert.equal(await refused(customer, [other.home(), over], '30.00'), '20.00');
    await say('limits', { scope, stake_max: null, liability_max: null, hold_above: null });
    await customer.placed(over, { stake: '100.00' });
  });

  test('a liability that is limited later counts what was there, and may be raised', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const event = await world().event(market.oneXTwo());
    await customer.placed(event.home(), { stake: '60.00' });
    await limits(event, { stake_max: null, liability_max: '100.00', hold_above: null });
    assert.equal(await refused(customer, event.home(), '50.00'), '40.00');
    await customer.placed(event.home(), { stake: '40.00' });
    await limits(event, { stake_max: null, liability_max: '130.00', hold_above: null });
    assert.equal(await refused(customer, event.home(), '50.00'), '30.00');
    await limits(event, { stake_max: null, liability_max: null, hold_above: null });
    await customer.placed(event.home(), { stake: '200.00' });
    await limits(event, { stake_max: null, liability_max: '350.00', hold_above: null });
    assert.equal(await refused(customer, event.home(), '60.00'), '50.00');
    await limits(event, { stake_max: null, liability_max: '10.00', hold_above: null });
    assert.equal(await refused(customer, event.home(), '1.00'), '0.00');
  });

  test('a factor lowers what a customer may stake, never the minimum', async () => {
    const [shrewd, other] = [await world().customer(), await world().customer()];
    const event = await world().event(market.oneXTwo());
    await limits(event, { stake_max: '40.00', liability_max: null, hold_above: null });
    await say('factors', { customer: shrewd.id, factor: '0.25' });
    assert.equal(await refused(shrewd, event.home(), '40.00'), '10.00');
    await other.placed(event.home(), { stake: '40.00' });
    const free = await world().event(market.oneXTwo());
    assert.equal(await refused(shrewd, free.home(), '200.00'), '125.00');
    const { json } = await world().server.operate('GET', `/v1/desk/customers/${shrewd.id}`);
    assert.equal(json.factor, '0.2500');
    await say('factors', { customer: shrewd.id, factor: '0.001' });
    assert.equal(await refused(shrewd, event.home(), '0.10'), '0.04');
    assert.equal((await shrewd.bet(event.home(), { stake: '0.04' })).code, 'stake_too_small');
  });

  test('a held bet’s end is in the audit log', async () => {
    const customer = await world().customer({ balance: '900.00' });
    const event = await world().event(market.oneXTwo());
    await limits(event, { stake_max: null, liability_max: null, hold_above: '50.00' });
    const answer = customer.bet(event.home(), { stake: '60.00' });
    const held = await eventually(async () => {
      const { json } = await world().server.operate('GET', '/v1/desk/holds');
      assert.equal(json.holds.length, 1);
      return json.holds[0];
    });
    await world().server.operate('POST', `/v1/desk/holds/${held.id}`, {
      json: { decision: 'offer', stake: '55.00', reason: 'enough on this one' },
    });
    assert.equal((await answer).json.maximum, '55.00');
    await eventually(async () => {
      const { json } = await world().server.operate('GET', '/v1/desk/audit?limit=1');
      const [entry] = json.entries;
      assert.equal(entry.act, 'note');
      assert.equal(entry.reason, 'enough on this one');
      assert.match(entry.note, new RegExp(`${customer.id}.*60\\.00 EUR: offer 55\\.00`));
    });
  });
});

test('a leg that no limit held counts when one does again', async () => {
  const world = await openWorld({ ...RATES });
  const customer = await world.customer({ balance: '2000.00' });
  const one = await world.event(market.oneXTwo('3.00'));
  const two = await world.event(market.oneXTwo('3.00'));
  const limit = async (event, liability) => {
    const json = { scope: { event: `${event}` }, liability_max: liability, stake_max: null,
      hold_above: null, reason: 'as agreed' };
    const answer = await world.server.operate('POST', '/v1/desk/limits', { json });
    assert.equal(answer.status, 200, answer.text);
  };
  await limit(one, '1000.00');
  await limit(two, '1000.00');
  await customer.placed(two.home('3.00'), { stake: '50.00' }); // 100.00
  await limit(two, null);
  await customer.placed([one.home('3.00'), two.home('3.00')], { stake: '100.00' }); // 800.00
  await limit(two, '1000.00');
  const refused = await customer.bet(two.home('3.00'), { stake: '60.00' });
  assert.equal(refused.code, 'stake_too_large');
  assert.equal(refused.json.maximum, '50.00');
  await world.close();
});
