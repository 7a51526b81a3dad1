// What every edge of ours does before a real server, whichever program it is.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const http = require('node:http');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, newKey } = require('../../api/lib/world');
const { connect } = require('../../api/lib/ws');
const { CDN_SECRET } = require('./front');
const { publicRoutes, operatorRoutes } = require('./routes');

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];
const isProblem = (answer, status, code) => {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers['content-type'], /^application\/problem\+json/);
  assert.equal(answer.json.status, status);
  assert.equal(answer.code, code);
  assert.match(answer.headers['cache-control'], /no-store/);
};

// start(origin, changes, secret) -> Front
function stories(name, start) {
  describe(`${name}: one policy`, () => {
    const world = worldFor({ before, after }, {});
    let edge;
    before(async () => {
      edge = await start(world().server.public, [
        [/per_address: 30\n {4}per_network: 300\n {4}burst: 10/,
          'per_address: 60\n    per_network: 100000\n    burst: 50'],
        [/per_address: 20\n {2}per_network: 200\n/, 'per_address: 5\n  per_network: 100\n'],
      ]);
    });
    after(() => edge?.stop());

    // A customer of the world, through the edge.
    const through = (customer, method, path, options = {}) =>
      edge.call(method, path, { token: customer.token, ...options });

    test('every path and method is answered as the server itself would', async () => {
      const wrong = [];
      let address = 0;
      for (const path of new Set(publicRoutes.map((route) => route.path))) {
        for (const method of METHODS) {
          address += 1;
          const ours = await edge.call(method, path, { address: `203.0.113.${address % 250}` });
          const theirs = await world().server.call(method, path);
          const shown = ({ status, headers }) => `${status} ${headers.allow ?? ''}`;
          if (shown(ours) !== shown(theirs))
            wrong.push(`${method} ${path}: ${shown(ours)}, not ${shown(theirs)}`);
        }
      }
      assert.deepEqual(wrong, []);
    });

    test('nothing of the operators\' is there, by any name or host', async () => {
      for (const { path, method } of operatorRoutes) {
        const headers = { host: 'desk.example.com' };
        isProblem(await edge.call(method, path), 404, 'not_found');
        isProblem(await edge.call(method, path, { headers }), 404, 'not_found');
      }
      for (const path of ['/v1/../metrics', '//metrics', '/metrics/', '/assets/../metrics',
        '/%6detrics', '/v1/desk/me;x', '/METRICS'])
        assert.equal((await edge.call('GET', path)).status, 404, path);
      for (const header of ['x-original-url', 'x-rewrite-url'])
        isProblem(await edge.call('GET', '/no', { headers: { [header]: '/v1/sports' } }), 404,
          'not_found');
    });

    test('a method in a header is not one', async () => {
      const headers = { 'x-http-method-override': 'PUT', 'x-method-override': 'PUT' };
      isProblem(await edge.call('POST', '/v1/exclusion', { headers }), 405, 'method_not_allowed');
    });

    test('a body that is too large is refused, however it is sent', async () => {
      const large = 'x'.repeat(64 * 1024 + 1);
      const send = (options) => edge.call('POST', '/v1/bets', { noRetry: true, ...options });
      isProblem(await send({ body: large }), 413, 'too_large');
      isProblem(await edge.call('GET', '/v1/wallet', { body: 'x' }), 413, 'too_large');
      // as large as may be: the server reads it, and finds that it is no JSON
      const most = await send({ body: 'x'.repeat(64 * 1024), type: 'application/json' });
      assert.equal(most.status, 400);
    });

    test('a customer does it all through the edge', async () => {
      const customer = await world().customer({ balance: '50.00' });
      const event = await world().event(market.oneXTwo());
      const placed = await through(customer, 'POST', '/v1/bets', {
        key: newKey('bet'),
        json: { stake: '10.00', type: 'single', accept: 'none', legs: [event.home()] },
      });
      assert.equal(placed.status, 201, placed.text);
      const again = await through(customer, 'POST', '/v1/wallet/withdrawals', {
        key: newKey('withdrawal'), json: { amount: '5.00' },
      });
      assert.equal(again.json.balance, '35.00');
      assert.equal((await through(customer, 'GET', '/v1/bets?limit=1&x=y')).json.bets.length, 1);
      const limit = await through(customer, 'PUT', '/v1/limits', {
        json: { kind: 'stake', period: 'day', amount: '20.00' },
      });
      assert.equal(limit.status, 200, limit.text);
      const until = new Date(Date.now() + 86400e3 * 30).toISOString();
      const excluded = await through(customer, 'PUT', '/v1/exclusion', { json: { until } });
      assert.equal(excluded.status, 200, excluded.text);
      assert.equal((await through(customer, 'DELETE', '/v1/sessions')).status, 204);
    });

    test('nobody sees another\'s money', async () => {
      const customers = [await world().customer({ balance: '11.00' }),
        await world().customer({ balance: '22.00' })];
      for (const tail of ['', '?x=.css', '?a=b', '#x', '?limit=1']) {
        for (const [i, customer] of customers.entries()) {
          const answer = await through(customer, 'GET', `/v1/wallet${tail}`);
          assert.equal(answer.json.balance, ['11.00', '22.00'][i], tail);
          assert.match(answer.headers['cache-control'], /no-store/);
        }
        assert.equal((await edge.call('GET', `/v1/wallet${tail}`)).status, 401);
      }
      for (const path of ['/v1/wallet/x.css', '/v1/wallet;x.css', '/v1/wallet%2fx.css'])
        assert.equal((await through(customers[0], 'GET', path)).status, 404);
    });

    test('a stream passes, as a WebSocket and as events', async () => {
      const event = await world().event(market.oneXTwo());
      const headers = { Host: 'www.example.com', 'User-Agent': 'a browser',
        'X-Overround-Edge': CDN_SECRET, 'X-Forwarded-For': '198.51.100.1',
        'X-Edge-Country': 'MT;t=1;sig=0' };
      const client = await connect(`127.0.0.1:${edge.port}`, { headers });
      await client.subscribe({ op: 'subscribe', id: 1, events: [event.id] });
      client.socket.destroy();
      const url = `http://127.0.0.1:${edge.port}/v1/events/${event.id}/stream`;
      const first = await new Promise((resolve, reject) => {
        const request = http.get(url, { headers }, (answer) =>
          answer.once('data', (bytes) => {
            resolve({ type: answer.headers['content-type'], text: bytes.toString() });
            request.destroy();
          }));
        request.on('error', reject);
      });
      assert.equal(first.type, 'text/event-stream');
      assert.match(first.text, /retry: 1000/);
    });

    test('a refused country gets 451, but for what is its customers\' own', async () => {
      const refused = [];
      const address = () => `192.0.2.${crypto.randomInt(1, 250)}`;
      for (const { method, path, pattern, isAbroad } of publicRoutes) {
        const answer = await edge.call(method, path, { country: 'US', address: address() });
        if (answer.status === 451) refused.push(`${method} ${pattern}`);
        if (!isAbroad) isProblem(answer, 451, 'country_refused');
      }
      assert.deepEqual(
        refused,
        publicRoutes.filter((r) => !r.isAbroad).map((r) => `${r.method} ${r.pattern}`),
      );
      const customer = await world().customer({ balance: '9.00' });
      const wallet = await through(customer, 'GET', '/v1/wallet', { country: 'US' });
      assert.equal(wallet.json.balance, '9.00');
      const money = await through(customer, 'POST', '/v1/wallet/withdrawals', {
        country: 'US', key: newKey('withdrawal'), json: { amount: '9.00' },
      });
      assert.equal(money.status, 201, money.text);
    });

    test('nobody knows the country: as the operator says', async () => {
      isProblem(await edge.call('GET', '/v1/sports', { country: null }), 451, 'country_refused');
      isProblem(await edge.call('GET', '/v1/sports', { country: 'us' }), 451, 'country_refused');
    });

    test('a program with a bad name is refused', async () => {
      for (const agent of ['sqlmap/1.7', 'Mozilla (compatible; ahrefsbot/7)', ''])
        isProblem(await edge.call('GET', '/v1/sports', { headers: { 'user-agent': agent } }), 403,
          'client_refused');
    });

    test('a burst of one address is answered 429, others pass', async () => {
      const address = '198.51.100.77';
      const send = () => edge.call('POST', '/v1/sessions', { address, json: {} });
      const answers = await Promise.all(Array.from({ length: 200 }, send));
      const late = answers.filter(({ status }) => status === 429);
      assert.ok(late.length > 0 && late.length < 160, `${late.length} of 200`);
      for (const answer of late) {
        isProblem(answer, 429, 'too_many_requests');
        assert.ok(Number(answer.headers['retry-after']) >= 1);
        assert.equal(answer.headers['ratelimit-remaining'], '0');
      }
      const other = await edge.call('POST', '/v1/sessions', { address: '198.51.100.78', json: {} });
      assert.equal(other.status, 400);
    });

    test('who guesses passwords is kept from logging in, and only he', async () => {
      const address = '203.0.113.251';
      const guess = (i, from = address) => edge.call('POST', '/v1/sessions', {
        address: from, json: { email: `guess-${i}@example.com`, password: `password-${i}` } });
      const seen = [];
      for (let i = 0; i < 8; i++) seen.push((await guess(i)).status);
      assert.deepEqual(seen.slice(0, 5), [401, 401, 401, 401, 401]);
      assert.ok(seen.includes(429), `${seen}`);
      const banned = await guess(9);
      isProblem(banned, 429, 'too_many_requests');
      assert.ok(Number(banned.headers['retry-after']) > 60);
      assert.equal((await edge.call('GET', '/v1/sports', { address })).status, 200);
      assert.equal((await guess(10, '203.0.113.252')).status, 401);
    });
  });

  describe(`${name}: the CDN's secret`, () => {
    const seen = [];
    const origin = http.createServer((request, answer) => {
      if (request.headers['user-agent'] !== 'overround-edge') seen.push(request.headers);
      answer.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
      answer.end('{}');
    });
    const few = [/login: *\n.*\n.*\n.*/,
      'login:\n    per_address: 1\n    per_network: 100\n    burst: 1'];
    let address;
    before(async () => {
      await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
      address = `127.0.0.1:${origin.address().port}`;
    });
    after(() => {
      origin.closeAllConnections();
      origin.close();
    });

    async function withEdge(changes, secret, then) {
      const edge = await start(address, changes, secret);
      try {
        seen.length = 0;
        await then(edge);
      } finally {
        await edge.stop();
      }
    }
    const said = (edge, secret, more = {}) => edge.call('POST', '/v1/sessions', {
      json: {}, ...more, headers: { 'x-overround-edge': secret } });

    test('who does not say it is 403, whose rate nobody else spends', () =>
      withEdge([few], CDN_SECRET, async (edge) => {
        const wrong = ['', 'x', CDN_SECRET.slice(1), CDN_SECRET.slice(0, -1), `${CDN_SECRET}x`,
          CDN_SECRET.toUpperCase(), `x, ${CDN_SECRET}`, undefined];
        for (const secret of wrong)
          for (const country of ['MT', 'US', null])
            isProblem(await said(edge, secret, { country }), 403, 'client_refused');
        assert.deepEqual(seen, []);
        assert.equal((await said(edge, CDN_SECRET)).status, 200); // its first, and only one
        assert.equal((await said(edge, CDN_SECRET)).status, 429);
        assert.equal((await said(edge, 'x')).status, 403); // not 429: it is not counted
        assert.equal(seen.length, 1);
        assert.equal('x-overround-edge' in seen[0], false, 'the origin need not know it');
      }));

    test('who is not the CDN need not say it, and is not believed', () =>
      withEdge([few, [/networks: \["127.*/, 'networks: ["192.0.2.0/24"]'],
        [/unknown: refused/, 'unknown: allowed']], CDN_SECRET, async (edge) => {
        assert.equal((await said(edge, undefined, { address: '203.0.113.7' })).status, 200);
        assert.equal(seen[0]['x-forwarded-for'], '127.0.0.1');
        assert.equal(seen[0]['x-edge-country'], undefined);
        // Another address that he invents does not help, nor does the secret.
        assert.equal((await said(edge, CDN_SECRET, { address: '203.0.113.8' })).status, 429);
      }));

    test('an empty one is asked of nobody; one that is not set is a fault', async () => {
      await withEdge([few], '', async (edge) => {
        assert.equal((await said(edge, undefined)).status, 200);
        assert.equal((await said(edge, 'x', { address: '203.0.113.8' })).status, 200);
        assert.equal('x-overround-edge' in seen[1], false);
      });
      await assert.rejects(start(address, [], null), /OVERROUND_CDN_SECRET is not set/);
    });
  });
}

module.exports = { stories, isProblem };
