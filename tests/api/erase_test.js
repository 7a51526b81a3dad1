// Erasure: an account is closed and who it belonged to is gone; the ledger,
// which knows a number alone, stays and is proven.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market } = require('./lib/world');
const { run } = require('./lib/server');
const { where } = require('./lib/store');

describe('erasure', () => {
  const world = worldFor({ before, after }, {});
  const erase = (...more) => run(['erase', ...more, ...where(world().store)]);
  const login = (email, password) =>
    world().server.call('POST', '/v1/sessions', { json: { email, password } });
  const register = (email, password) =>
    world().server.call('POST', '/v1/accounts', {
      json: { email, password, currency: 'EUR', country: 'DE', date_of_birth: '1990-01-01' },
    });
  const password = 'correct horse battery';
  let count = 0;

  async function person() {
    const email = `leaves-${process.pid}-${++count}@example.org`;
    const answer = await register(email, password);
    assert.equal(answer.status, 201, answer.text);
    const { token, customer } = answer.json;
    const call = (method, path, options = {}) =>
      world().server.call(method, path, { token, ...options });
    return { email, id: customer, call };
  }
  const pay = (who, what, amount, key) =>
    who.call('POST', `/v1/wallet/${what}`, { json: { amount }, key });

  test('money, then open bets, keep an account open', async () => {
    const who = await person();
    assert.equal((await pay(who, 'deposits', '10.00', 'in')).status, 201);
    const refused = erase(who.id);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /it has money: pay it out first/);
    const event = await world().event(market.oneXTwo('2.00'));
    const json = { stake: '10.00', type: 'single', accept: 'none', legs: [event.home('2.00')] };
    const bet = await who.call('POST', '/v1/bets', { json, key: 'bet' });
    assert.equal(bet.status, 201, bet.text);
    assert.match(erase(who.id).stderr, /it has open bets/);
    assert.equal((await login(who.email, password)).status, 201);
    assert.match(erase('77').stderr, /no such customer/);
    assert.equal(erase('--keep-years', '5').status, 2);
  });

  test('who it was is gone at once, the account closed, the ledger whole', async () => {
    const who = await person();
    assert.equal((await pay(who, 'deposits', '10.00', 'in')).status, 201);
    assert.equal((await pay(who, 'withdrawals', '10.00', 'out')).status, 201);
    const done = erase(who.id);
    assert.equal(done.stdout, 'closed and erased\n', done.stderr);
    assert.equal((await login(who.email, password)).status, 401);
    assert.equal((await login(`erased:${who.id}`, '')).status >= 400, true);
    assert.equal((await pay(who, 'deposits', '10.00', 'again')).status, 401); // the session is over
    const again = await register(who.email, password); // another person to us
    assert.equal(again.status, 201, again.text);
    assert.notEqual(again.json.customer, who.id);
    world().audit();
  });

  test('what the law wants kept goes on its day', async () => {
    const who = await person();
    assert.match(erase(who.id, '--keep-years', '5').stdout, /is kept for now/);
    assert.equal((await login(who.email, password)).status, 401);
    assert.equal((await register(who.email, password)).status >= 400, true); // still known
    assert.equal(erase('--due').status, 0);
    assert.equal((await register(who.email, password)).status >= 400, true);
    assert.equal(erase(who.id).status, 0); // the day has come
    assert.equal((await register(who.email, password)).status, 201);
  });

  // A release that knows no countries may have erased while this one was taken back; who was
  // erased long ago is not looked at every hour.
  test('countries of who was erased lately go, too, and the look is bounded', () => {
    const DAY = 86400000;
    const now = Date.now();
    const rows = [[901, 1], [902, 39], [903, 41]];
    for (const [customer, days] of rows)
      world().store.sql(`INSERT INTO erasures VALUES (${customer}, 1, 1, ${now - days * DAY});
        INSERT INTO countries_seen VALUES (${customer}, 'MT', 1, 1, 0)`);
    world().store.sql(`INSERT INTO erasures VALUES (904, 1, ${now + DAY}, 0);
      INSERT INTO countries_seen VALUES (904, 'MT', 1, 1, 0)`);
    assert.equal(erase('--due').status, 0);
    assert.equal(world().store.sql(`SELECT customer FROM countries_seen
      WHERE customer BETWEEN 901 AND 904 ORDER BY 1`), '903\n904');
  });
});
