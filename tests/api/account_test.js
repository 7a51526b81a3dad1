// Accounts and sessions: who may register, what a token is good for, and that
// logging out everywhere ends every session at once.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { worldFor } = require('./lib/world');

describe('accounts and sessions', () => {
  const world = worldFor({ before, after }, {});
  const fields = (more) => ({
    email: `a-${process.pid}-${Math.random()}@example.com`,
    password: 'correct horse battery',
    currency: 'EUR',
    country: 'GB',
    date_of_birth: '1990-05-17',
    ...more,
  });
  const register = (json) => world().server.call('POST', '/v1/accounts', { json });
  const logIn = (email, password) =>
    world().server.call('POST', '/v1/sessions', { json: { email, password } });

  test('registering gives a customer, a token and when it ends', async () => {
    const { status, json } = await register(fields());
    assert.equal(status, 201);
    assert.match(json.customer, /^\d+$/);
    assert.match(json.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.ok(Date.parse(json.expires_at) > Date.now());
    const wallet = await world().server.call('GET', '/v1/wallet', { token: json.token });
    assert.deepEqual(wallet.json, {
      balance: '0.00',
      debt: '0.00',
      currency: 'EUR',
      staked: '0.00',
    });
  });

  test('nobody under 18 registers; on the birthday it is allowed', async () => {
    const day = (offset) => {
      const date = new Date(Date.now() + offset * 86400000);
      date.setUTCFullYear(date.getUTCFullYear() - 18);
      return date.toISOString().slice(0, 10);
    };
    const young = await register(fields({ date_of_birth: day(2) }));
    assert.equal(young.status, 422);
    assert.equal(young.code, 'underage');
    assert.equal((await register(fields({ date_of_birth: day(-1) }))).status, 201);
  });

  test('an email registers once, whatever its case', async () => {
    const first = fields();
    assert.equal((await register(first)).status, 201);
    const again = await register({ ...first, email: first.email.toUpperCase() });
    assert.equal(again.status, 409);
    assert.equal(again.code, 'already_exists');
  });

  const bad = {
    'no at in the email': { email: 'nobody' },
    'an empty email': { email: '' },
    'a short password': { password: 'short' },
    'no password': { password: undefined },
    'an unknown currency': { currency: 'ZZZ' },
    'a number as currency': { currency: 7 },
    'no country': { country: undefined },
    'a country of three letters': { country: 'GBR' },
    'a day that is none': { date_of_birth: '1990-02-30' },
    'another way to write a date': { date_of_birth: '17.05.1990' },
    'a field we do not know': { colour: 'blue' },
  };
  for (const [name, more] of Object.entries(bad)) {
    test(`malformed, and the field is named: ${name}`, async () => {
      const { status, json, headers } = await register(fields(more));
      assert.equal(status, 400);
      assert.equal(json.code, 'malformed');
      assert.match(headers['content-type'], /^application\/problem\+json/);
      assert.ok(json.detail.includes(Object.keys(more)[0]), json.detail);
    });
  }

  test('logging in again gives another token for the same customer', async () => {
    const me = fields();
    const first = (await register(me)).json;
    const second = await logIn(me.email, me.password);
    assert.equal(second.status, 201);
    assert.equal(second.json.customer, first.customer);
  });

  test('a wrong password and an unknown email are told alike', async () => {
    const me = fields();
    await register(me);
    const wrong = await logIn(me.email, 'another password');
    const unknown = await logIn(`no-${me.email}`, me.password);
    assert.equal(wrong.status, 401);
    assert.equal(wrong.code, 'wrong_credentials');
    assert.deepEqual(unknown.json, wrong.json);
  });

  test('logging out everywhere ends every session at once', async () => {
    const customer = await world().customer();
    const other = (await logIn(customer.fields.email, customer.fields.password)).json.token;
    for (const path of ['/v1/wallet', '/v1/bets', '/v1/bets', '/v1/bets'])
      assert.equal((await customer.call('GET', path, { token: other })).status, 200);
    assert.equal((await customer.call('DELETE', '/v1/sessions')).status, 204);
    for (const token of [customer.token, other]) {
      for (const path of ['/v1/wallet', '/v1/bets', '/v1/bets', '/v1/wallet/transfers'])
        assert.equal((await customer.call('GET', path, { token })).status, 401);
      const deposit = await customer.call('POST', '/v1/wallet/deposits', {
        token,
        json: { amount: '1.00' },
        key: 'late',
      });
      assert.equal(deposit.code, 'unauthorized');
    }
    const fresh = (await logIn(customer.fields.email, customer.fields.password)).json.token;
    assert.equal((await customer.call('GET', '/v1/wallet', { token: fresh })).status, 200);
  });

  test('tokens that are missing, changed or made up are refused', async () => {
    const customer = await world().customer();
    const flipped = customer.token.replace(/.(?=.{5}$)/, (c) => (c === 'A' ? 'B' : 'A'));
    for (const token of [undefined, 'nonsense', `${customer.token}x`, flipped]) {
      const answer = await world().server.call('GET', '/v1/wallet', { token });
      assert.equal(answer.status, 401, String(token));
      assert.equal(answer.code, 'unauthorized');
    }
  });

  test('rule 29: tokens survive a restart', async () => {
    const customer = await world().customer();
    await world().restart();
    await customer.holds('100.00');
    await world().feed.up();
  });

  test('a session ends when its time is over', async () => {
    const { openWorld, eventually } = require('./lib/world');
    const short = await openWorld({ 'session-s': '2' });
    const began = Date.now();
    const customer = await short.customer({ balance: null });
    await eventually(async () =>
      assert.equal((await customer.call('GET', '/v1/wallet')).status, 401), { every: 50 });
    assert.ok(Date.now() - began >= 1000, 'whole seconds');
    await short.close();
  });

  test('log-ins from one address have a rate, told as 429', async () => {
    const { openWorld } = require('./lib/world');
    const slow = await openWorld({ 'login-rate': '1' });
    const answers = [];
    while (answers.at(-1)?.status !== 429 && answers.length < 40) {
      answers.push(
        await slow.server.call('POST', '/v1/sessions', {
          json: { email: 'no@example.com', password: 'wrong password' },
        }),
      );
    }
    const last = answers.at(-1);
    assert.equal(answers[0].status, 401);
    assert.equal(last.status, 429);
    assert.equal(last.code, 'too_many_requests');
    assert.ok(Number(last.headers['retry-after']) >= 1);
    assert.ok(Object.keys(last.headers).some((name) => name.startsWith('ratelimit')));
    await slow.close();
  });

  // Straight to a process: the test is the load balancer.
  oneProcess(test)('behind a load balancer the address is the one that it wrote', async () => {
    const { openWorld } = require('./lib/world');
    const world = await openWorld({ 'login-rate': '1', proxies: '1' });
    const logIn = (from) =>
      world.server.call('POST', '/v1/sessions', {
        headers: { 'x-forwarded-for': from },
        json: { email: 'no@example.com', password: 'wrong password' },
      });
    const statuses = [];
    for (let i = 0; i < 40 && statuses.at(-1) !== 429; i++)
      statuses.push((await logIn(`10.0.0.${i}, 192.0.2.1`)).status);
    assert.equal(statuses.at(-1), 429, 'what the customer claims is not believed');
    assert.equal((await logIn('192.0.2.2')).status, 401, 'another one is not held up');
    await world.close();
  });
});
