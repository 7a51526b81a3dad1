// The Worker in workerd, Cloudflare's own runtime, before a real server: what it costs
// the origin, what it never keeps, whom it refuses, and what it gives when the origin
// is away.  Not run: Cloudflare's network, its rulesets, and how many of its machines
// share a cache.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, test, before, after, beforeEach } = require('node:test');
const { worldFor, market, leg, newKey, eventually, sleep } = require('../api/lib/world');
const { edgeFiles } = require('./lib/written');
const { startOrigin } = require('./lib/origin');

const SECRET = 'edge-secret-of-the-test-vector';
const AGENT = 'Mozilla/5.0';

// The Worker of a policy with these origins.
async function startWorker(origins, replacements = [],
  bindings = { OVERROUND_EDGE_SECRET: SECRET }) {
  const { Miniflare } = await import('miniflare');
  const script = edgeFiles('cloudflare', [
    [/host: origin\.example\.com\n {4}port: 443\n {4}tls: true/,
      `host: 127.0.0.1\n    port: ${origins[0].port}\n    tls: false`],
    [/host: trial\.example\.com\n {4}port: 443\n {4}tls: true/,
      `host: 127.0.0.1\n    port: ${(origins[1] ?? origins[0]).port}\n    tls: false`],
    ...replacements,
  ])['worker.js'];
  assert.ok(!script.includes(SECRET));
  const runtime = new Miniflare({ modules: true, script, compatibilityDate: '2026-01-01',
    host: '127.0.0.1', port: 0, cf: { country: 'GB' }, bindings });
  await runtime.ready;
  return {
    stop: () => runtime.dispose(),
    async call(method, path, { country = 'GB', ip = '203.0.113.7', headers = {}, json, body,
      token, key, duplex } = {}) {
      const answer = await runtime.dispatchFetch(`https://www.example.com${path}`, {
        method, redirect: 'manual', cf: country ? { country } : {}, duplex,
        headers: { 'user-agent': AGENT, 'cf-connecting-ip': ip, ...headers,
          ...token && { authorization: `Bearer ${token}` }, ...key && { 'idempotency-key': key },
          ...json && { 'content-type': 'application/json' } },
        body: json ? JSON.stringify(json) : body });
      if (answer.webSocket) return answer;
      const text = await answer.text();
      return { status: answer.status, headers: answer.headers, text,
        json: /json/.test(answer.headers.get('content-type') ?? '') && text
          ? JSON.parse(text) : undefined };
    },
  };
}

describe('the Worker', () => {
  const world = worldFor({ before, after }, { proxies: '1' });
  let origin, trial, worker;

  before(async () => {
    origin = await startOrigin(world().server.publicUrl, { name: 'stable' });
    trial = await startOrigin(world().server.publicUrl, { name: 'canary' });
    worker = await startWorker([origin, trial]);
  });
  after(async () => {
    await worker.stop();
    await origin.stop();
    await trial.stop();
  });
  beforeEach(() => {
    origin.requests.length = 0;
    origin.delayMs = 0;
    origin.away = false;
  });

  const newEvent = () => world().event([market.oneXTwo('2.00', '3.40', '4.00')]);
  const get = (path, more) => worker.call('GET', path, more);

  test('readers of one event cost the origin a request a second', async () => {
    const event = await newEvent();
    const path = `/v1/events/${event.id}`;
    const began = Date.now();
    for (let round = 0; round < 30; round++) {
      const all = await Promise.all(Array.from({ length: 40 }, () => get(path)));
      for (const answer of all) assert.equal(answer.json.id, event.id, answer.text);
    }
    const seconds = Math.ceil((Date.now() - began) / 1000);
    assert.ok(origin.count(path) <= seconds + 1, `${origin.count(path)} in ${seconds} s`);
  });

  test('also when it is slow and nothing is kept yet', async () => {
    const event = await newEvent();
    origin.delayMs = 600;
    const all = await Promise.all(Array.from({ length: 60 },
      () => get(`/v1/events/${event.id}`)));
    assert.deepEqual([...new Set(all.map((answer) => answer.status))], [200]);
    assert.ok(origin.count('/v1/events') <= 2, `${origin.count('/v1/events')} requests`);
  });

  test('a new price is there within two seconds', async () => {
    const event = await newEvent();
    const path = `/v1/events/${event.id}`;
    await get(path);
    await event.odds([market.oneXTwo('2.50', '3.40', '4.00')]);
    await sleep(2100); // longer than s-maxage and stale-while-revalidate
    const { json } = await get(path);
    assert.equal(json.markets[0].outcomes.find((one) => one.outcome === '1').odds, '2.50');
  });

  test('what is asked besides makes no other answer', async () => {
    const event = await newEvent();
    for (let i = 0; i < 30; i++) {
      assert.equal((await get(`/v1/events/${event.id}?bust=${i}`,
        { headers: { cookie: `session=${i}`, range: 'bytes=0-9' }, token: `t${i}` })).status, 200);
    }
    assert.ok(origin.count('/v1/events') <= 5, `${origin.count('/v1/events')} requests`);
    for (const { headers, url } of origin.requests) {
      assert.equal(url, `/v1/events/${event.id}`);
      assert.equal(headers.cookie ?? headers.authorization ?? headers.range, undefined);
    }
    const two = await Promise.all([get('/v1/events?limit=1'), get('/v1/events?limit=1&x=2'),
      get('/v1/events?limit=2')]);
    assert.deepEqual(two.map((answer) => answer.json.events.length), [1, 1, 2]);
  });

  test('both forms of an id are one, and HEAD is GET without its body', async () => {
    const event = await newEvent();
    const plain = await get(`/v1/events/${event.id}`);
    const escaped = await get(`/v1/events/${event.id.replaceAll(':', '%3A')}`);
    const head = await worker.call('HEAD', `/v1/events/${event.id}`);
    assert.equal(escaped.text, plain.text);
    assert.equal(head.status, 200);
    assert.equal(head.text, '');
    assert.equal(head.headers.get('etag'), plain.headers.get('etag'));
    assert.equal(origin.count('/v1/events'), 1);
  });

  test('an answer says how old it is, and no more than customers need', async () => {
    const event = await newEvent();
    const path = `/v1/events/${event.id}`;
    const answer = await get(path);
    const server = await world().server.call('GET', path);
    assert.equal(answer.headers.get('cache-control'), server.headers['cache-control']);
    assert.match(answer.headers.get('age'), /^[01]$/);
    assert.match(answer.headers.get('strict-transport-security'), /^max-age=31536000/);
    for (const name of ['surrogate-key', 'cache-tag', 'x-kept-at', 'x-cache-control',
      'set-cookie']) {
      assert.equal(answer.headers.get(name), null, name);
    }
    const same = await get(path, { headers: { 'if-none-match': answer.headers.get('etag') } });
    assert.equal(same.status, 304);
    assert.equal(same.text, '');
  });

  test('the pages and their files pass as they are', async () => {
    const page = await get('/');
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-security-policy'), /default-src 'none'/);
    const [file] = /\/assets\/[\w.-]+\.js/.exec(page.text);
    const [asset, own] = [await get(file, { headers: { 'accept-encoding': 'br, gzip' } }),
      await world().server.call('GET', file)];
    assert.equal(asset.text, own.text);
    await get(file);
    assert.equal(origin.count(file), 1);
  });

  test('money is never kept: each call reaches the server', async () => {
    const event = await newEvent();
    const fields = { email: `edge-${process.pid}@example.com`, password: "x' or 1=1 -- horse",
      currency: 'EUR', country: 'GB', date_of_birth: '1990-05-17' };
    const registered = await worker.call('POST', '/v1/accounts', { json: fields });
    assert.equal(registered.status, 201, registered.text);
    const { token } = registered.json;
    const deposit = await worker.call('POST', '/v1/wallet/deposits',
      { token, key: newKey(), json: { amount: '100.00' } });
    assert.equal(deposit.status, 201, deposit.text);
    for (const expected of ['100.00', '100.00']) {
      assert.equal((await get('/v1/wallet', { token })).json.balance, expected);
    }
    assert.equal(origin.count('/v1/wallet') - origin.count('/v1/wallet/'), 2);
    const key = newKey();
    const slip = { type: 'single', stake: '10.00', legs: [leg(event.id, 1, '1', '2.00')] };
    const bet = await worker.call('POST', '/v1/bets', { token, key, json: slip });
    assert.equal(bet.status, 201, bet.text);
    const again = await worker.call('POST', '/v1/bets', { token, key, json: slip });
    assert.equal(again.json.id, bet.json.id);
    assert.equal((await get('/v1/wallet', { token })).json.balance, '90.00');
    assert.equal((await get('/v1/wallet')).status, 401);
    assert.equal((await get('/v1/bets', { token })).json.bets.length, 1);
    assert.equal(origin.requests.filter((one) => one.url === '/v1/bets').length, 3);
    const excluded = await worker.call('PUT', '/v1/exclusion', { token, country: 'US',
      json: { until: '2099-01-01T00:00:00Z' } });
    assert.equal(excluded.status, 200, excluded.text);
    const left = await worker.call('DELETE', '/v1/sessions', { token, country: 'US' });
    assert.equal(left.status, 204);
    assert.equal((await get('/v1/wallet', { token })).status, 401);
  });

  const refused = [
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/desk/me', 404],
    ['GET', '/metrics', 404],
    ['POST', '/v1/feed', 404],
    ['GET', '/v1/wallet/x.css', 404],
    ['GET', '/v1/wallet;a.css', 404],
    ['GET', '/v1/wallet%2fx.css', 404],
    ['GET', '/v1/wallet%00.css', 404],
    ['GET', '//v1/wallet', 404],
    ['GET', '/assets/..%2fv1%2fwallet', 404],
    ['OPTIONS', '/v1/bets', 405],
    ['DELETE', '/v1/bets', 405],
  ];
  for (const [method, path, status] of refused) {
    test(`${method} ${path} is ${status}, and the server hears nothing`, async () => {
      const answer = await worker.call(method, path);
      assert.equal(answer.status, status);
      assert.equal(answer.json.status, status);
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.equal(origin.requests.length, 0);
    });
  }

  test('a refused country gets 451, and may still do what is his', async () => {
    for (const country of ['US', 'FR', 'ZZ', 'XX', 'T1']) {
      for (const [method, path] of [['GET', '/'], ['GET', '/v1/events'], ['POST', '/v1/bets'],
        ['POST', '/v1/accounts']]) {
        const answer = await worker.call(method, path, { country });
        assert.equal(answer.status, 451, `${country} ${path}`);
        assert.equal(answer.json.code, 'country_refused');
      }
      assert.equal((await get('/v1/wallet', { country })).status, 401);
      assert.equal((await get('/account', { country })).status, 200);
    }
  });

  test('a bad bot gets 403', async () => {
    for (const agent of ['sqlmap/1.7', 'X (GPTBot/1.0)', '']) {
      assert.equal((await get('/', { headers: { 'user-agent': agent } })).status, 403, agent);
    }
  });

  test('a body is as large as its call takes, also when it does not say', async () => {
    const large = 'x'.repeat(65537);
    assert.equal((await worker.call('POST', '/v1/bets', { body: large })).status, 413);
    const stream = new ReadableStream({
      start(controller) {
        const piece = new TextEncoder().encode('x'.repeat(4096));
        for (let i = 0; i < 16; i++) controller.enqueue(piece);
        controller.enqueue(piece.slice(0, 1));
        controller.close();
      },
    });
    assert.equal((await worker.call('POST', '/v1/bets', { body: stream, duplex: 'half' })).status,
      413);
    assert.equal(origin.requests.length, 0);
    assert.equal((await worker.call('POST', '/v1/bets', { body: large.slice(1) })).status, 400);
    assert.equal(origin.requests.length, 1);
  });

  test('the country goes on signed, and nobody else\'s', async () => {
    await get('/v1/wallet', { country: 'MT', ip: '2001:db8::7', headers: {
      'x-edge-country': 'MT;t=1;sig=00', 'x-forwarded-for': '9.9.9.9',
      'x-http-method-override': 'DELETE', 'x-original-url': '/v1/desk/me' } });
    const [{ headers }] = origin.requests;
    const [, country, at, sig] = /^([A-Z]{2});t=(\d+);sig=([0-9a-f]{64})$/
      .exec(headers['x-edge-country']);
    assert.equal(country, 'MT');
    assert.ok(Math.abs(Number(at) - Date.now() / 1000) < 30);
    // workerd's own socket is no hop: the last entry is whom the edge saw.
    assert.equal(headers['x-forwarded-for'], '2001:db8::7');
    assert.equal(sig, crypto.createHmac('sha256', SECRET).update(`MT|2001:db8::7|${at}`)
      .digest('hex'));
    assert.equal(headers['x-http-method-override'] ?? headers['x-original-url'], undefined);
  });

  test('the stream passes as it comes', async () => {
    const event = await newEvent();
    const { status, webSocket } = await get('/v1/stream', { headers: { upgrade: 'websocket' } });
    assert.equal(status, 101);
    const heard = [];
    webSocket.addEventListener('message', ({ data }) => heard.push(String(data)));
    webSocket.accept();
    webSocket.send(JSON.stringify({ op: 'subscribe', id: 1, events: [event.id] }));
    await eventually(() => assert.ok(heard.join('').includes(event.id), heard.join('\n')));
    webSocket.close(1000);
  });

  test('while the origin is away, what was kept is given, and bets are 503', async () => {
    const event = await newEvent();
    const path = `/v1/events/${event.id}`;
    await get(path);
    origin.away = true;
    await sleep(2100);
    const old = await get(path);
    assert.equal(old.status, 200);
    assert.equal(old.json.id, event.id);
    assert.ok(Number(old.headers.get('age')) >= 2);
    const bet = await worker.call('POST', '/v1/bets', { json: {}, key: newKey() });
    assert.equal(bet.status, 503);
    assert.equal(bet.json.code, 'busy');
    const unknown = await get('/v1/events/sr:match:0');
    assert.equal(unknown.status, 503);
    origin.away = false;
    await eventually(async () => assert.match((await get(path)).headers.get('age'), /^[01]$/));
  });
});

describe('a release under trial', () => {
  const world = worldFor({ before, after }, {});
  let stable, trial, worker;

  before(async () => {
    stable = await startOrigin(world().server.publicUrl, { name: 'stable' });
    trial = await startOrigin(world().server.publicUrl, { name: 'canary' });
    worker = await startWorker([stable, trial], [[/percent: 0/, 'percent: 20']], {});
  });
  after(async () => {
    await worker.stop();
    await stable.stop();
    await trial.stop();
  });
  const at = (answer) => answer.headers.get('x-origin');

  test('has its share of customers, each of whom stays by the cookie', async () => {
    const seen = { stable: 0, canary: 0 };
    for (let i = 0; i < 200; i++) {
      const ip = `198.51.100.${i}`;
      const first = await worker.call('GET', '/v1/wallet', { ip });
      const cookie = /^release=(stable|canary); /.exec(first.headers.get('set-cookie'));
      assert.equal(cookie[1], at(first));
      seen[at(first)] += 1;
      const again = await worker.call('GET', '/v1/wallet',
        { ip: '192.0.2.1', headers: { cookie: `a=b; release=${cookie[1]}` } });
      assert.equal(at(again), cookie[1]);
      assert.equal(again.headers.get('set-cookie'), null);
    }
    assert.ok(seen.canary >= 20 && seen.canary <= 60, JSON.stringify(seen));
  });

  test('and its own copy of what is kept', async () => {
    for (const release of ['stable', 'canary', 'stable', 'canary']) {
      const answer = await worker.call('GET', '/', { headers: { cookie: `release=${release}` } });
      assert.equal(at(answer), release);
    }
    assert.equal(stable.requests.filter((one) => one.url === '/').length, 1);
    assert.equal(trial.requests.filter((one) => one.url === '/').length, 1);
  });

  test('without a secret nothing is signed', async () => {
    await worker.call('GET', '/v1/wallet', { headers: { cookie: 'release=stable',
      'x-edge-country': 'MT;t=1;sig=00' } });
    assert.equal(stable.requests.at(-1).headers['x-edge-country'], undefined);
  });
});
