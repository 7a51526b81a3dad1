// overround purge: what each CDN is asked, and what is said when it refuses.  The
// CDNs are a server of ours that records, and checks CloudFront's signature.
'use strict';

const assert = require('node:assert/strict');
const { afterEach, before, after, describe, test } = require('node:test');
const { run, runAsync } = require('../api/lib/server');
const { market, worldFor } = require('../api/lib/world');
const { startRecorder } = require('./lib/recorder');
const { verify } = require('./lib/sigv4');

const ENV = {
  FASTLY_API_TOKEN: 'f-secret',
  CLOUDFLARE_API_TOKEN: 'c-secret',
  AWS_ACCESS_KEY_ID: 'AKID',
  AWS_SECRET_ACCESS_KEY: 'a-secret',
};
const TWO = ['--event', 'sr:match:1', '--event', 'a%b,c'];

describe('purge', () => {
  let cdn;
  const purge = async (target, answer, args, env = ENV) => {
    cdn = await startRecorder(answer);
    return runAsync(['purge', '--for', target, '--id', 'ID1', '--api', cdn.url, ...args],
      { env }).done;
  };
  afterEach(async () => {
    if (cdn) await cdn.stop();
    cdn = undefined;
  });

  test('Fastly: the surrogate keys of the events, and of the lists', async () => {
    const out = await purge('fastly', () => ({ body: '{"status":"ok"}' }), TWO);
    assert.equal(out.status, 0, out.stderr);
    assert.equal(out.stdout, 'purged 2 events and the lists at fastly, in 1 request\n');
    const [one] = cdn.requests;
    assert.equal(`${one.method} ${one.url}`, 'POST /service/ID1/purge');
    assert.equal(one.headers['fastly-key'], 'f-secret');
    assert.equal(one.headers['surrogate-key'], 'events event-sr:match:1 event-a%25b%2Cc');
    assert.equal(one.body, '');
  });

  test('Fastly: everything', async () => {
    const out = await purge('fastly', () => ({ body: '{"status":"ok"}' }), ['--all']);
    assert.equal(out.status, 0, out.stderr);
    assert.equal(cdn.requests[0].url, '/service/ID1/purge_all');
    assert.equal(cdn.requests[0].headers['surrogate-key'], undefined);
  });

  test('Cloudflare: tags, thirty a request', async () => {
    const events = Array.from({ length: 60 }, (_, i) => ['--event', `sr:match:${i}`]).flat();
    const out = await purge('cloudflare', () => ({ body: '{"success":true}' }), events);
    assert.equal(out.status, 0, out.stderr);
    assert.equal(cdn.requests.length, 3);
    const tags = cdn.requests.map((request) => {
      assert.equal(`${request.method} ${request.url}`, 'POST /zones/ID1/purge_cache');
      assert.equal(request.headers.authorization, 'Bearer c-secret');
      assert.equal(request.headers['content-type'], 'application/json');
      return JSON.parse(request.body).tags;
    });
    assert.deepEqual(tags.map((list) => list.length), [30, 30, 3]);
    assert.deepEqual([...new Set(tags.flat())].sort(), ['events',
      ...Array.from({ length: 60 }, (_, i) => `event-sr:match:${i}`)].sort());
  });

  test('Cloudflare: everything; and 200 that says no is no', async () => {
    let out = await purge('cloudflare', () => ({ body: '{"success":true}' }), ['--all']);
    assert.equal(out.status, 0, out.stderr);
    assert.deepEqual(JSON.parse(cdn.requests[0].body), { purge_everything: true });
    await cdn.stop();
    out = await purge('cloudflare',
      () => ({ body: '{"success":false,"errors":[{"code":1134,"message":"no tags"}]}' }), TWO);
    assert.equal(out.status, 1);
    assert.match(out.stderr, /cloudflare answered 200 to POST .*purge_cache: .*"no tags"/);
    assert.equal(cdn.requests.length, 1);
  });

  test('CloudFront: both forms of a path, signed; the same reference when it asks again',
    async () => {
      const out = await purge('cloudfront',
        (request, n) => {
          verify(request, { key: 'AKID', secret: 'a-secret', region: 'us-east-1',
            service: 'cloudfront' });
          return n === 0 ? { status: 503 } : { status: 201, body: '<Invalidation/>' };
        }, ['--event', 'sr:match:1', '--event', 'plain'], { ...ENV, AWS_SESSION_TOKEN: 'session' });
      assert.equal(out.status, 0, out.stderr);
      const [first, second] = cdn.requests;
      assert.equal(`${first.method} ${first.url}`,
        'POST /2020-05-31/distribution/ID1/invalidation');
      assert.equal(first.headers['x-amz-security-token'], 'session');
      assert.equal(first.body, second.body);
      assert.deepEqual([...first.body.matchAll(/<Path>([^<]*)<\/Path>/g)].map((path) => path[1]), [
        '/v1/events', '/v1/events?*', '/v1/sports', '/v1/events/sr:match:1',
        '/v1/events/sr%3Amatch%3A1', '/v1/events/plain',
      ]);
      assert.match(first.body, /<CallerReference>overround-[0-9a-f]{24}<\/CallerReference>/);
      assert.match(first.body, /<Quantity>6<\/Quantity>/);
      await cdn.stop();
      const all = await purge('cloudfront', () => ({ status: 201 }), ['--all']);
      assert.equal(all.status, 0, all.stderr);
      assert.match(cdn.requests[0].body, /<Items><Path>\/\*<\/Path><\/Items><Quantity>1</);
      assert.ok(!first.body.includes(/overround-\w+/.exec(cdn.requests[0].body)[0]));
    });

  test('429 is waited for as long as it asks, and no longer than it is let', async () => {
    const busy = (_, n) => (n === 0 ? { status: 429, headers: { 'retry-after': '1' } }
      : { body: '{"status":"ok"}' });
    const began = Date.now();
    assert.equal((await purge('fastly', busy, TWO)).status, 0);
    assert.equal(cdn.requests.length, 2);
    assert.ok(Date.now() - began >= 1000);
    await cdn.stop();
    const out = await purge('fastly', () => ({ status: 429, headers: { 'retry-after': '120' } }),
      TWO);
    assert.equal(out.status, 1);
    assert.match(out.stderr, /fastly answered 429 .*asks to wait 120 s, 60 are left/);
    assert.equal(cdn.requests.length, 1);
  });

  test('what is refused is said once, without the secret', async () => {
    const out = await purge('fastly',
      () => ({ status: 401, body: '{"msg":"Provided credentials\nare missing or invalid"}' }), TWO);
    assert.equal(out.status, 1);
    assert.equal(out.stderr, 'overround purge: fastly answered 401 to POST /service/ID1/purge: ' +
      '{"msg":"Provided credentials are missing or invalid"}\n');
    assert.equal(cdn.requests.length, 1);
  });

  test('what fails for good is tried four times; what went before it is told', async () => {
    const events = Array.from({ length: 50 }, (_, i) => ['--event', `e${i}`]).flat();
    const out = await purge('cloudflare',
      (_, n) => (n === 0 ? { body: '{"success":true}' } : { status: 500, body: 'x' }), events);
    assert.equal(out.status, 1);
    assert.equal(cdn.requests.length, 5);
    assert.match(out.stderr, /answered 500 .*\n.*: 1 requests before it were accepted\n$/);
  });

  test('nobody there', async () => {
    cdn = await startRecorder(() => ({}));
    await cdn.stop();
    const out = run(['purge', '--for', 'fastly', '--id', 'ID1', '--api', cdn.url, '--all'],
      { env: ENV });
    cdn = undefined;
    assert.equal(out.status, 1);
    assert.match(out.stderr, /^overround purge: POST http:.*connect/i);
  });

  test('usage, and what must be set', () => {
    const base = ['purge', '--for', 'fastly', '--id', 'ID1'];
    const cases = [
      [['purge'], 2, /--for is needed/],
      [['purge', '--for', 'akamai', '--all'], 2, /akamai is no CDN that is purged/],
      [base, 2, /one of them/],
      [[...base, '--all', '--event', 'x'], 2, /one of them/],
      [[...base, '--event', 'a b'], 2, /is no event/],
      [[...base, '--all', '--wait-s', '3601'], 2, /0 to 3600/],
      [['purge', '--for', 'fastly', '--id', 'a/b', '--all'], 1, /"a\/b" is not an id/],
      [['purge', '--for', 'cloudflare', '--all'], 1, /set --id or CLOUDFLARE_ZONE_ID/],
      [[...base, '--all', '--api', 'http://example.com'], 1, /neither https nor on this machine/],
      [[...base, '--all', '--api', 'http://localhost@example.com'], 1, /neither https/],
    ];
    for (const [args, status, said] of cases) {
      const out = run(args, { env: ENV });
      assert.equal(out.status, status, `${args}: ${out.stderr}`);
      assert.match(out.stderr, said, String(args));
    }
    const out = run([...base, '--all'], { env: { ...ENV, FASTLY_API_TOKEN: '' } });
    assert.equal(out.status, 1);
    assert.match(out.stderr, /set FASTLY_API_TOKEN/);
    assert.equal(run(['purge', '--help']).status, 0);
  });
});

describe('surrogate keys', () => {
  const world = worldFor({ before, after }, {});

  test('a snapshot carries the keys that purge sends, also when it has not changed', async () => {
    const event = await world().event([market.oneXTwo()]);
    const path = `/v1/events/${encodeURIComponent(event.id)}`;
    const answer = await world().server.call('GET', path);
    assert.equal(answer.status, 200, answer.text);
    const again = await world().server.call('GET', path,
      { headers: { 'if-none-match': answer.headers.etag } });
    assert.equal(again.status, 304);
    const cdn = await startRecorder(() => ({ body: '{"success":true}' }));
    const out = await runAsync(['purge', '--for', 'cloudflare', '--id', 'z', '--api', cdn.url,
      '--event', event.id], { env: ENV }).done;
    await cdn.stop();
    assert.equal(out.status, 0, out.stderr);
    const [lists, own] = JSON.parse(cdn.requests[0].body).tags;
    for (const { headers } of [answer, again]) {
      assert.equal(headers['surrogate-key'], own);
      assert.equal(headers['cache-tag'], own);
    }
    for (const list of ['/v1/events', '/v1/events?limit=1', '/v1/sports']) {
      assert.equal((await world().server.call('GET', list)).headers['surrogate-key'], lists, list);
    }
    assert.equal((await world().server.call('GET', '/v1/wallet')).headers['surrogate-key'],
      undefined);
  });
});
