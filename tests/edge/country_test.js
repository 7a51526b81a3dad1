// The country at the edge: who is refused, what he may do all the same, and what the
// server is told.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { after, before, describe, it } = require('node:test');
const { market, newKey, eventually } = require('../api/lib/world');
const { Edge, openEdge, SECRET, ABROAD, AT_HOME } = require('./lib/edge');
const { startWire } = require('./lib/slow');

const SIGNED = /^([A-Z]{2});t=(\d+);sig=([0-9a-f]{64})$/;

describe('countries', () => {
  let world, edge, wire, event, customer;

  before(async () => {
    ({ world, edge } = await openEdge({
      through: async (address) => {
        wire = await startWire(address);
        return wire.address;
      },
    }));
    event = await world.event(market.oneXTwo());
    customer = await world.customer({ balance: '50.00' });
  });
  after(async () => {
    edge?.stop();
    await wire?.cut();
    await world?.close();
  });

  const ask = (method, path, options = {}) =>
    edge.call(method, path, { token: customer.token, key: newKey(), from: ABROAD, ...options });
  const bet = () => ({
    stake: '1.00', type: 'single', accept: 'none', legs: [event.home()],
  });

  it('who is in a refused one may not register, pay in, bet or see odds', async () => {
    const asked = wire.seen.length;
    for (const [method, path, json] of [
      ['POST', '/v1/accounts', { email: 'a@example.com' }],
      ['POST', '/v1/wallet/deposits', { amount: '10.00' }],
      ['POST', '/v1/bets', bet()],
      ['GET', '/v1/events'],
      ['GET', `/v1/events/${event}`],
      ['HEAD', `/v1/events/${event}`],
      ['GET', '/'],
    ]) {
      const answer = await ask(method, path, { json });
      assert.equal(answer.status, 451, `${method} ${path}`);
      assert.match(answer.headers['content-type'], /^application\/problem\+json/);
      assert.equal(answer.headers['cache-control'], 'no-store');
      if (method !== 'HEAD') assert.equal(answer.code, 'country_refused');
    }
    assert.equal(wire.seen.length, asked, 'the server hears nothing of it');
  });

  it('but log in, see what is his, take it out, limit and exclude himself', async () => {
    const { email, password } = customer.fields;
    const session = await ask('POST', '/v1/sessions', { json: { email, password } });
    assert.equal(session.status, 201, session.text);
    const token = session.json.token;
    for (const path of ['/v1/wallet', '/v1/bets', '/v1/limits', '/v1/sessions', '/account'])
      assert.equal((await ask('GET', path, { token })).status, 200, path);
    const taken = await ask('POST', '/v1/wallet/withdrawals', { token, json: { amount: '20.00' } });
    assert.equal(taken.status, 201, taken.text);
    const limit = { kind: 'stake', period: 'week', amount: '5.00' };
    assert.equal((await ask('PUT', '/v1/limits', { token, json: limit })).status, 200);
    const until = '2099-01-01T00:00:00.000Z';
    assert.equal((await ask('PUT', '/v1/exclusion', { token, json: { until } })).status, 200);
    assert.equal((await ask('DELETE', '/v1/sessions', { token })).status, 204);
  });

  it('who is in an allowed one is asked nothing', async () => {
    const fan = await world.customer({ balance: '10.00' });
    for (const from of [AT_HOME, '192.0.2.9', '2001:db8::7']) {
      const { status, text } = await edge.call('POST', '/v1/bets', {
        from, token: fan.token, key: newKey(), json: bet(),
      });
      assert.equal(status, 201, `${from}: ${text}`);
    }
  });

  it('an address that nobody knows is as the operator says', async () => {
    assert.equal((await ask('GET', '/v1/events', { from: '9.9.9.9' })).status, 451);
    edge.change({ countries: { elsewhere: 'refused', unknown: 'allowed' } });
    await eventually(async () =>
      assert.equal((await ask('GET', '/v1/events', { from: '9.9.9.9' })).status, 200));
    assert.equal((await ask('GET', '/v1/events')).status, 451);
  });

  // docs/EDGE.md: the country, the address that the server sees, and when.
  it('the server is told the country, signed', async () => {
    for (const [from, country] of [[AT_HOME, 'MT'], [ABROAD, 'US'], ['2001:db8::7', 'MT'],
      ['9.9.9.9', 'XX']]) {
      await ask('GET', '/v1/wallet', { from, headers: { 'x-edge-country': 'MT;t=1;sig=0' } });
      const { headers } = wire.seen.at(-1);
      const [, said, t, sig] = SIGNED.exec(headers['x-edge-country']);
      assert.equal(said, country);
      assert.equal(headers['x-forwarded-for'], from);
      const hmac = crypto.createHmac('sha256', SECRET).update(`${said}|${from}|${t}`);
      assert.equal(sig, hmac.digest('hex'));
      assert.ok(Math.abs(Date.now() / 1000 - Number(t)) < 60);
    }
  });

  it('what a client says of its address counts only from the CDN\'s', async () => {
    await ask('GET', '/v1/wallet', { from: `${AT_HOME}, ${ABROAD}` });
    assert.match(wire.seen.at(-1).headers['x-edge-country'], /^US;/);
    edge.change({ cdn: { networks: ['192.0.2.0/24'] } });
    let told;
    await eventually(async () => {
      await ask('GET', '/v1/wallet', { from: AT_HOME });
      told = wire.seen.at(-1).headers;
      assert.equal(told['x-forwarded-for'], '127.0.0.1');
    });
    assert.match(told['x-edge-country'], /^XX;/);
  });

  // A CDN's addresses are those of all its customers.
  it('from the CDN\'s addresses only who says the secret is answered', async () => {
    const guarded = new Edge();
    guarded.cdnSecret = 'of-this-house';
    await guarded.start([wire.address]);
    try {
      const asked = (said) =>
        guarded.call('GET', '/v1/wallet', {
          headers: { ...(said && { 'x-overround-edge': said }) },
        });
      assert.equal((await asked('of-this-house')).status, 401); // by the server
      const { headers } = wire.seen.at(-1);
      assert.match(headers['x-edge-country'], /^MT;/);
      assert.equal(headers['x-overround-edge'], undefined);
      const seen = wire.seen.length;
      for (const said of [undefined, 'of-this', 'of-this-house:of-this-house', 'another', ':'])
        assert.equal((await asked(said)).status, 403, said);
      assert.equal(wire.seen.length, seen);
      guarded.change({ cdn: { networks: ['192.0.2.0/24'] } }); // a customer himself
      await eventually(async () => assert.equal((await asked()).status, 401));
    } finally {
      guarded.stop();
    }
  });
});
