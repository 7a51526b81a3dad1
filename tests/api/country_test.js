// The country that the edge saw: signed, looked at where money comes in, and
// kept with the bet (docs/EDGE.md, "The country").
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { SECRET, sign, from } = require('./lib/edge');
const { oneProcess } = require('./lib/shape');
const {
  worldFor, openWorld, Customer, market, newKey, run, eventually,
} = require('./lib/world');

let people = 0;
const fieldsOf = (more = {}) => ({
  email: `traveller-${process.pid}-${++people}@example.com`,
  password: 'correct horse battery',
  currency: 'EUR',
  country: 'MT',
  date_of_birth: '1990-05-17',
  ...more,
});

const register = (place, fields = fieldsOf()) =>
  place.server.call('POST', '/v1/accounts', { json: fields });

async function customerFrom(place, { balance = '100.00' } = {}) {
  const fields = fieldsOf();
  const answer = await register(place, fields);
  assert.equal(answer.status, 201, answer.text);
  const customer = new Customer(place, fields, answer.json);
  if (balance) assert.equal((await customer.deposit(balance)).status, 201);
  return customer;
}

function refused(answer, status, code, country) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.code, code);
  assert.equal(answer.json.country, country);
}

describe('the country of a request', () => {
  const world = worldFor({ before, after }, {
    'edge-secret': SECRET,
    'countries-refused': 'US,FR',
  });
  const at = (country, options) => from(world(), country, options);

  test('a bet keeps the country it was placed from; the customer is not told', async () => {
    const customer = await customerFrom(at('MT'));
    const event = await world().event(market.oneXTwo('2.00'));
    const bet = await customer.placed(event.home());
    customer.world = at('XX');
    const other = await customer.placed(event.home());
    const rows = world().store.sql(
      `SELECT country FROM bets WHERE account = ${customer.id} ORDER BY id`);
    assert.deepEqual(rows.split('\n'), ['MT', 'XX']);
    assert.equal('country' in bet, false);
    assert.equal('country' in (await customer.betById(other.id)), false);
    customer.world = at('US'); // what stands is settled, wherever the customer is
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
  });

  test('registration: 451 from a refused country, 403 without a signature', async () => {
    refused(await register(at('US')), 451, 'country_refused', 'US');
    refused(await register(at(null)), 403, 'country_unsigned', undefined);
    const bad = await register(at(null), fieldsOf({ country: 'XX' }));
    assert.equal(bad.code, 'malformed'); // the ladder's order
    assert.equal((await register(at('US'), fieldsOf({ date_of_birth: '2020-01-01' }))).status, 451);
    assert.equal((await register(at('DE'))).status, 201); // says MT: both are kept
  });

  test('what a customer said and what the edge saw is on the desk', async () => {
    const customer = await customerFrom(at('DE'), { balance: null });
    const { email, password } = customer.fields;
    const login = await at('US').server.call('POST', '/v1/sessions', { json: { email, password } });
    assert.equal(login.status, 201);
    const seen = await eventually(async () => {
      const { json } = await world().server.operate('GET', `/v1/desk/customers/${customer.id}`);
      assert.equal(json.countries, 2);
      return json;
    });
    assert.equal(seen.country, 'MT');
    assert.equal(seen.registered_from, 'DE');
    assert.equal(seen.last_login_from, 'US');
    assert.notEqual(seen.last_login_from_at, null);
  });

  test('a session says whether bets are taken, and why not', async () => {
    const customer = await customerFrom(at('MT'), { balance: null });
    const { email, password } = customer.fields;
    const cases = [
      ['MT', { country: 'MT', betting: true, reason: undefined }],
      ['XX', { country: 'XX', betting: true, reason: undefined }],
      ['FR', { country: 'FR', betting: false, reason: 'country_refused' }],
      [null, { country: null, betting: false, reason: 'country_unsigned' }],
    ];
    for (const [country, want] of cases) {
      const place = at(country);
      const login = await place.server.call('POST', '/v1/sessions', { json: { email, password } });
      assert.equal(login.status, 201, login.text);
      customer.world = place;
      const session = await customer.read('/v1/sessions');
      for (const { country: seen, betting, reason } of [login.json, session])
        assert.deepEqual({ country: seen, betting, reason }, want);
    }
  });

  test('abroad: no bets and no deposits; all that is the customer’s goes on', async () => {
    const customer = await customerFrom(at('MT'));
    const event = await world().event(market.oneXTwo('2.00'));
    const open = await customer.placed(event.home(), { stake: '10.00' });
    customer.world = at('US');
    refused(await customer.bet(event.home()), 451, 'country_refused', 'US');
    refused(await customer.deposit('5.00'), 451, 'country_refused', 'US');
    await customer.holds('90.00');
    const cashout = await customer.call('POST', `/v1/bets/${open.id}/cashout`, {
      json: { minimum: '1.00' }, key: newKey(),
    });
    assert.equal(cashout.json.paid, '9.50', cashout.text);
    assert.equal((await customer.withdraw('50.00')).status, 201);
    await customer.holds('49.50');
    const limit = await customer.call('PUT', '/v1/limits', {
      json: { kind: 'deposit', period: 'day', amount: '1.00' },
    });
    assert.equal(limit.status, 200, limit.text);
    const until = new Date(Date.now() + 3600000).toISOString();
    const excluded = await customer.call('PUT', '/v1/exclusion', { json: { until } });
    assert.equal(excluded.status, 200, excluded.text);
    // Standing is before the country, and a customer's limits are behind it.
    assert.equal((await customer.bet(event.home())).code, 'excluded');
    assert.equal((await customer.call('DELETE', '/v1/sessions')).status, 204);
  });

  test('the rung: below standing, above everything that is judged', async () => {
    const customer = await customerFrom(at('MT'));
    const limit = { kind: 'stake', period: 'day', amount: '1.00' };
    assert.equal((await customer.call('PUT', '/v1/limits', { json: limit })).status, 200);
    const event = await world().event(market.oneXTwo('2.00'));
    assert.equal((await customer.bet(event.home())).code, 'limit_reached');
    for (const [country, code] of [['US', 'country_refused'], [null, 'country_unsigned']]) {
      customer.world = at(country);
      assert.equal((await customer.bet(event.home(), { stake: '5.00' })).code, code);
      assert.equal((await customer.bet(event.home(), { stake: '0.01' })).code, code);
      assert.equal((await customer.bet(event.leg(1, 99, '2.00'))).code, code);
      assert.equal((await customer.bet(event.home(), { accept: 'often' })).code, 'malformed');
    }
  });

  test('a signature is of one client, one secret, one minute', async () => {
    const customer = await customerFrom(at('MT'));
    const event = await world().event(market.oneXTwo('2.00'));
    const now = Math.floor(Date.now() / 1000);
    const wrong = {
      wrong: [[{ secret: `${SECRET}s` }, { address: '203.0.113.7' }], 403, 'country_unsigned'],
      stale: [[{ at: now - 3600 }, { at: now + 3600 }], 503, 'busy'],
    };
    for (const [result, [ways, status, code]] of Object.entries(wrong)) {
      const before = await world().metric('overround_edge_country_total', `result="${result}"`);
      for (const way of ways) {
        customer.world = at('MT', way);
        refused(await customer.bet(event.home()), status, code, undefined);
        refused(await customer.deposit('1.00'), status, code, undefined);
      }
      const count = await world().metric('overround_edge_country_total', `result="${result}"`);
      // 503 is no word of the house's: before a cluster nginx asks another process as well.
      const asked = (count - before) / (2 * ways.length);
      assert.ok(asked === 1 || (status === 503 && asked === 2), `${result}: ${asked}`);
    }
    const good = sign('MT')['x-edge-country'];
    for (const header of [good.replace('MT', 'DE'), `${good} `.toUpperCase(), 'MT', '']) {
      const answer = await customer.call('POST', '/v1/wallet/deposits', {
        json: { amount: '1.00' }, key: newKey(),
        headers: { 'x-edge-country': header },
      });
      refused(answer, 403, 'country_unsigned', undefined);
    }
    await customer.holds('100.00');
  });

  test('CloudFront has a name of its own for it, which the other goes before', async () => {
    const customer = await customerFrom(at('MT'));
    const deposit = (headers) => world().server.call('POST', '/v1/wallet/deposits', {
      token: customer.token, json: { amount: '1.00' }, key: newKey(), headers });
    const of = (country) => sign(country)['x-edge-country'];
    const good = await deposit({ 'x-overround-country': of('MT') });
    assert.equal(good.status, 201, good.text);
    refused(await deposit({ 'x-overround-country': of('US') }), 451, 'country_refused', 'US');
    refused(await deposit({ 'x-overround-country': of('MT'), 'x-edge-country': 'MT' }), 403,
      'country_unsigned', undefined);
  });

  test('an edge whose clock is off decides nothing', async () => {
    const customer = await customerFrom(at('MT'));
    const event = await world().event(market.oneXTwo('2.00'));
    const again = (answer) => {
      refused(answer, 503, 'busy', undefined);
      assert.equal(answer.headers['retry-after'], '1');
    };
    for (const off of [-3600, 3600]) {
      const [bet, deposit, fields] = [newKey(), newKey(), fieldsOf()];
      const stale = { at: Math.floor(Date.now() / 1000) + off };
      for (const country of ['MT', 'US']) { // who is refused is not told by such a word either
        customer.world = at(country, stale);
        again(await customer.bet(event.home(), { key: bet }));
        again(await customer.deposit('1.00', deposit));
        again(await register(at(country, stale), fields));
        const session = await customer.read('/v1/sessions');
        assert.deepEqual([session.betting, session.reason, session.country],
          [false, 'country_unsigned', null]);
      }
      customer.world = at('MT'); // the clock is right again: the same keys
      assert.equal((await customer.bet(event.home(), { key: bet })).status, 201);
      assert.equal((await customer.deposit('1.00', deposit)).status, 201);
      assert.equal((await register(at('MT'), fields)).status, 201);
    }
    const bad = await register(at('MT', { at: 1 }), fieldsOf({ country: 'XX' }));
    assert.equal(bad.code, 'malformed'); // the ladder's order
  });

  test('a key keeps its answer, whatever the country is by then', async () => {
    const customer = await customerFrom(at('MT'));
    const event = await world().event(market.oneXTwo('2.00'));
    const good = newKey(), bad = newKey(), paid = newKey();
    const first = await customer.bet(event.home(), { key: good });
    const deposit = await customer.deposit('5.00', paid);
    assert.equal(first.status, 201, first.text);
    customer.world = at('US');
    const refusal = await customer.bet(event.home(), { key: bad });
    refused(refusal, 451, 'country_refused', 'US');
    for (const restart of [false, true]) { // by this process, and from the store
      if (restart) await world().restart();
      for (const place of [at('US'), at(null), at('MT', { at: 1 }), at('MT')]) {
        customer.world = place;
        assert.equal((await customer.bet(event.home(), { key: good })).text, first.text);
        assert.equal((await customer.deposit('5.00', paid)).text, deposit.text);
        assert.equal((await customer.bet(event.home(), { key: bad })).text, refusal.text);
      }
    }
    customer.world = at('US'); // another slip under the key of an accepted one
    assert.equal((await customer.bet(event.home(), { key: good, stake: '9.00' })).code,
      'key_reused');
    await customer.holds('95.00');
  });

  test('prices and pages do not ask where a request comes from', async () => {
    const event = await world().event(market.oneXTwo('2.00'));
    for (const path of ['/v1/sports', '/v1/events', `/v1/events/${event}`, '/'])
      assert.equal((await at(null).server.call('GET', path)).status, 200, path);
    for (const path of ['/healthz', '/readyz', '/metrics'])
      assert.equal((await world().server.operate('GET', path)).status, 200, path);
  });
});

describe('settings of the country', () => {
  test('the key is turned without a gap', async () => {
    const world = await openWorld({ 'edge-secret': SECRET });
    try {
      const customer = await customerFrom(from(world, 'MT'));
      const next = 'the-next-secret-of-the-edge';
      world.options = { 'edge-secret': next, 'edge-secret-former': SECRET };
      await world.restart();
      assert.equal((await customer.deposit('1.00')).status, 201); // still the old one
      assert.equal(await world.metric('overround_edge_country_total', 'result="former"'), 1);
      customer.world = from(world, 'MT', { secret: next });
      assert.equal((await customer.deposit('1.00')).status, 201);
      world.options = { 'edge-secret': next };
      await world.restart();
      assert.equal((await customer.deposit('1.00')).status, 201);
      customer.world = from(world, 'MT');
      assert.equal((await customer.deposit('1.00')).code, 'country_unsigned');
    } finally {
      await world.close();
    }
  });

  // In a cluster a load balancer of the story's own stands before it.
  oneProcess(test)('behind load balancers the address is the one they saw', async () => {
    const world = await openWorld({
      'edge-secret': SECRET, proxies: 2, 'countries-allowed': 'MT,XX',
    }, { balance: null });
    try {
      const address = '2001:db8::7';
      const forwarded = { 'x-forwarded-for': `6.6.6.6, ${address}, 10.0.0.1` };
      const post = (headers) =>
        world.server.call('POST', '/v1/accounts', {
          json: fieldsOf(), headers: { ...forwarded, ...headers },
        });
      assert.equal((await post(sign('MT', { address }))).status, 201);
      assert.equal((await post(sign('XX', { address }))).status, 201);
      refused(await post(sign('DE', { address })), 451, 'country_refused', 'DE');
      for (const other of ['6.6.6.6', '10.0.0.1', '127.0.0.1', '2001:DB8::7'])
        refused(await post(sign('MT', { address: other })), 403, 'country_unsigned', undefined);
    } finally {
      await world.close();
    }
  });

  test('a bet in its live delay keeps the country of its arrival', async () => {
    const world = await openWorld({
      'edge-secret': SECRET, 'countries-refused': 'US', 'live-delay-ms': 50,
    });
    try {
      const customer = await customerFrom(from(world, 'MT'));
      const event = await world.event(market.oneXTwo('2.00'), { status: 1 });
      await customer.placed(event.home());
      customer.world = from(world, 'US');
      refused(await customer.bet(event.home()), 451, 'country_refused', 'US');
      assert.equal(world.store.sql('SELECT country FROM bets'), 'MT');
    } finally {
      await world.close();
    }
  });

  oneProcess(test)('without a secret nobody looks', async () => {
    const world = await openWorld({});
    try {
      const customer = await customerFrom(from(world, 'US'));
      const event = await world.event(market.oneXTwo('2.00'));
      await customer.placed(event.home());
      assert.equal(world.store.sql('SELECT country FROM bets'), '');
      const session = await customer.read('/v1/sessions');
      assert.deepEqual([session.country, session.betting], [null, true]);
    } finally {
      await world.close();
    }
  });

  test('large bets say their country to the desk', async () => {
    const world = await openWorld({ 'edge-secret': SECRET, 'large-bet': '0' });
    try {
      const customer = await customerFrom(from(world, 'MT'));
      const event = await world.event(market.oneXTwo('2.00'));
      const bet = await customer.placed(event.home());
      await eventually(async () => {
        const { json } = await world.server.operate('GET', '/v1/desk/bets');
        assert.equal(json.bets.find(({ id }) => id === bet.id)?.country, 'MT');
      });
    } finally {
      await world.close();
    }
  });

  // The store's affair alone.
  oneProcess(test)('a customer who is erased leaves no countries behind', async () => {
    const world = await openWorld({ 'edge-secret': SECRET });
    try {
      const customer = await customerFrom(from(world, 'MT'), { balance: null });
      const count = () => world.store.sql('SELECT count(*) FROM countries_seen');
      assert.equal(count(), '1');
      const done = run(['erase', customer.id, '--store', world.store.url]);
      assert.equal(done.status, 0, done.stderr);
      assert.equal(count(), '0');
    } finally {
      await world.close();
    }
  });

  test('settings that cannot hold are refused at the start', () => {
    const wrong = [
      [['--countries-refused', 'US'], /need edge-secret/],
      [['--edge-secret-former', SECRET], /needs edge-secret/],
      [['--edge-secret', 'short'], /16 to 128/],
      [['--edge-secret', SECRET, '--edge-secret-former', 'short'], /16 to 128/],
      [['--edge-secret', SECRET, '--edge-skew-s', '0'], /1 to 3600/],
      [['--edge-secret', SECRET, '--countries-allowed', 'MT,UK'], /countries-allowed: "UK"/],
      [['--edge-secret', SECRET, '--countries-refused', 'mt'], /countries-refused: "mt"/],
    ];
    for (const [options, says] of wrong) {
      const done = run(['serve', '--check', ...options]);
      assert.equal(done.status, 2, options.join(' '));
      assert.match(done.stderr, says);
    }
    const env = { OVERROUND_EDGE_SECRET: SECRET, OVERROUND_COUNTRIES_ALLOWED: 'MT, DE,XX' };
    assert.equal(run(['serve', '--check'], { env }).status, 0);
  });
});
