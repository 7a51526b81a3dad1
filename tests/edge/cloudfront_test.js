// The CloudFront Function in Node, with what cloudfront-js-2.0 offers and nothing
// else, on events of the documented shape; and what the distribution caches.
// Not run: CloudFront itself.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const { describe, test } = require('node:test');
const { root } = require('../api/lib/store');
const { edgeFiles } = require('./lib/written');
const { parse } = require('../../scripts/yaml');

const SECRET = 'edge-secret-of-the-test-vector';

// The runtime: crypto, and the module cloudfront with a key value store.
function load(source, { now = Date.now(), secret = SECRET, picked = [] } = {}) {
  class FixedDate extends Date {
    static now() {
      return now;
    }
  }
  const sandbox = {
    Date: FixedDate,
    require: (name) => {
      assert.equal(name, 'crypto');
      return { createHmac: crypto.createHmac, createHash: crypto.createHash };
    },
    cf: {
      kvs: () => ({
        get: async (key) => {
          if (key !== 'OVERROUND_EDGE_SECRET' || secret === null) throw new Error('no key');
          return secret;
        },
      }),
      selectRequestOriginById: (id) => picked.push(id),
    },
  };
  assert.match(source, /^import cf from 'cloudfront';\n/);
  vm.runInNewContext(source.replace(/^import .*\n/, ''), sandbox);
  // Through JSON, as CloudFront does.
  return async (event) => {
    const given = await sandbox.handler(JSON.parse(JSON.stringify(event)));
    return JSON.parse(JSON.stringify(given));
  };
}

function eventOf(method, uri, { country, ip = '203.0.113.7', headers = {}, cookies = {},
  eventType = 'viewer-request', response } = {}) {
  const all = { 'user-agent': 'Mozilla/5.0', host: 'www.example.com', ...headers };
  if (country) all['cloudfront-viewer-country'] = country;
  return {
    version: '1.0',
    context: { distributionDomainName: 'd1.cloudfront.net', distributionId: 'E1', eventType,
      requestId: 'r1' },
    viewer: { ip },
    request: { method, uri, querystring: {}, cookies,
      headers: Object.fromEntries(Object.entries(all).map(([name, value]) => [name, { value }])) },
    ...response && { response },
  };
}

const files = edgeFiles('cloudfront');
const ask = (method, uri, more = { country: 'GB' }) =>
  load(files['function.js'])(eventOf(method, uri, more));

describe('the function', () => {
  test('is no larger than CloudFront takes', () => {
    assert.ok(Buffer.byteLength(files['function.js']) <= 10240);
    assert.ok(!files['function.js'].includes(SECRET));
  });

  const refused = [
    ['GET', '/v1/nothing', 404],
    ['GET', '/v1/desk/me', 404],
    ['GET', '/metrics', 404],
    ['GET', '/v1/feed', 404],
    ['GET', '/v1/wallet/x.css', 404], // cache deception
    ['GET', '/v1/events/a/b', 404],
    ['GET', '/assets/../v1/wallet', 404],
    ['GET', '/assets/..%2fv1%2fwallet', 404],
    ['GET', '/assets/%2e%2e/v1/wallet', 404],
    ['GET', '//v1/wallet', 404],
    ['GET', '/v1/wallet;a.css', 404],
    ['GET', '/v1/wallet%3b.css', 404],
    ['GET', '/v1/wallet%00.css', 404],
    ['GET', '/v1/events/%', 404],
    ['GET', '/v1\\wallet', 404],
    ['OPTIONS', '/v1/bets', 405],
    ['DELETE', '/v1/bets', 405],
    ['POST', '/v1/events', 405],
  ];
  for (const [method, uri, status] of refused) {
    test(`${method} ${uri} is ${status}`, async () => {
      const answer = await ask(method, uri);
      assert.equal(answer.statusCode, status);
      assert.equal(JSON.parse(answer.body.data).status, status);
      assert.equal(answer.headers['content-type'].value, 'application/problem+json');
      assert.equal(answer.headers['cache-control'].value, 'no-store');
    });
  }

  test('405 names the methods there are', async () => {
    assert.equal((await ask('PUT', '/v1/bets')).headers.allow.value, 'POST, GET');
  });

  test('HEAD goes where GET goes', async () => {
    assert.equal((await ask('HEAD', '/v1/events')).uri, '/v1/events');
  });

  test('a body is as large as its call takes', async () => {
    const sized = (uri, n) => ask('POST', uri, { country: 'GB',
      headers: { 'content-length': String(n) } });
    assert.equal((await sized('/v1/bets', 65536)).uri, '/v1/bets');
    assert.equal((await sized('/v1/bets', 65537)).statusCode, 413);
    assert.equal((await ask('GET', '/v1/events', { country: 'GB',
      headers: { 'content-length': '1' } })).statusCode, 413);
  });

  test('both forms of an id are one', async () => {
    const plain = await ask('GET', '/v1/events/sr:match:1');
    const escaped = await ask('GET', '/v1/events/sr%3Amatch%3a1');
    assert.equal(escaped.uri, '/v1/events/sr:match:1');
    assert.equal(plain.uri, escaped.uri);
  });

  test('a refused country gets 451, and may still do what is his', async () => {
    for (const country of ['US', 'FR', 'ZZ', 'XX', undefined, 'gb', 'GB;']) {
      const from = (method, uri) => ask(method, uri, { country });
      for (const [method, uri] of [['GET', '/'], ['GET', '/v1/events'], ['POST', '/v1/bets'],
        ['POST', '/v1/accounts'], ['POST', '/v1/wallet/deposits']]) {
        assert.equal((await from(method, uri)).statusCode, 451, `${country} ${uri}`);
      }
      for (const [method, uri] of [['POST', '/v1/sessions'], ['DELETE', '/v1/sessions'],
        ['PUT', '/v1/exclusion'], ['PUT', '/v1/limits'], ['GET', '/v1/wallet'],
        ['POST', '/v1/wallet/withdrawals'], ['GET', '/account']]) {
        assert.equal((await from(method, uri)).uri, uri, `${country} ${uri}`);
      }
    }
    assert.equal((await ask('GET', '/v1/events', { country: 'MT' })).uri, '/v1/events');
  });

  test('a bad bot gets 403, and so does who says nothing', async () => {
    for (const agent of ['sqlmap/1.7', 'Mozilla/5.0 (compatible; AHREFSBOT/7.0)', '']) {
      assert.equal((await ask('GET', '/', { country: 'GB',
        headers: { 'user-agent': agent } })).statusCode, 403, agent);
    }
  });

  test('the country goes on signed, and nobody else\'s', async () => {
    const handler = load(files['function.js'], { now: 1790000000999 });
    const given = await handler(eventOf('POST', '/v1/bets', { country: 'MT',
      headers: { 'x-overround-country': 'MT;t=1;sig=00' } }));
    assert.equal(given.headers['x-overround-country'].value, 'MT;t=1790000000;' +
      'sig=afe1679891a1287f27222a1cda84a279f9c0829087001f69470943b0cef89dbe');
    const abroad = await load(files['function.js'], { now: 1790000000000 })(
      eventOf('GET', '/v1/wallet', { ip: '2001:db8::7' }));
    assert.equal(abroad.headers['x-overround-country'].value, 'XX;t=1790000000;' +
      'sig=61234aba4592f65dfd95b8ce911fa0f85eb9ad5d115f5e185e0ec40418ce6433');
    // A function that sets X-Edge-* is answered 502 by CloudFront.
    assert.deepEqual(Object.keys(abroad.headers).filter((name) => /^x-edge/.test(name)), []);
  });

  test('without the secret it goes on unsigned', async () => {
    const given = await load(files['function.js'], { secret: null })(
      eventOf('GET', '/v1/wallet', { country: 'MT',
        headers: { 'x-overround-country': 'MT;t=1;sig=00' } }));
    assert.equal(given.uri, '/v1/wallet');
    assert.equal(given.headers['x-overround-country'], undefined);
  });

  test('what forges a method, path or host does not go on', async () => {
    const given = await ask('POST', '/v1/sessions', { country: 'GB', headers: {
      'x-http-method-override': 'DELETE', 'x-original-url': '/v1/desk/me',
      'x-forwarded-host': 'evil.example', authorization: 'Bearer t' } });
    assert.deepEqual(Object.keys(given.headers).sort(), ['authorization',
      'cloudfront-viewer-country', 'host', 'user-agent', 'x-overround-country',
      'x-overround-release']);
  });
});

describe('a release under trial', () => {
  const trial = edgeFiles('cloudfront', [[/percent: 0/, 'percent: 20']])['function.js'];
  const address = (i) => `198.51.${i >> 8}.${i & 255}`;

  test('has its share, and keeps its customers', async () => {
    const picked = [];
    const handler = load(trial, { picked });
    let canaries = 0;
    for (let i = 0; i < 1000; i++) {
      const first = await handler(eventOf('GET', '/', { country: 'GB', ip: address(i) }));
      const again = await handler(eventOf('GET', '/', { country: 'GB', ip: address(i) }));
      const release = first.headers['x-overround-release'].value;
      assert.equal(again.headers['x-overround-release'].value, release);
      canaries += release === 'canary';
    }
    assert.ok(canaries > 150 && canaries < 250, `${canaries} of 1000`);
    assert.equal(picked.length, 2 * canaries);
    assert.deepEqual([...new Set(picked)], ['trial']);
  });

  test('by the cookie that the answer sets', async () => {
    const handler = load(trial);
    const release = async (more) => (await handler(eventOf('GET', '/', { country: 'GB', ...more })))
      .headers['x-overround-release'].value;
    for (let i = 0; i < 50; i++) {
      const response = await handler(eventOf('GET', '/', { country: 'GB', ip: address(i),
        eventType: 'viewer-response', response: { statusCode: 200, headers: {}, cookies: {} } }));
      const { value, attributes } = response.cookies.release;
      assert.equal(value, await release({ ip: address(i) }));
      assert.match(attributes, /Secure; HttpOnly; SameSite=Lax/);
      // Another address, the same customer.
      assert.equal(await release({ ip: '192.0.2.1', cookies: { release: { value } } }), value);
    }
    const kept = await handler(eventOf('GET', '/', { cookies: { release: { value: 'canary' } },
      eventType: 'viewer-response', response: { statusCode: 200, headers: {} } }));
    assert.equal(kept.cookies, undefined);
    assert.match(await release({ cookies: { release: { value: 'x' } } }), /^(stable|canary)$/);
  });

  test('nobody is in it when it is over', async () => {
    const given = await ask('GET', '/', { country: 'GB',
      cookies: { release: { value: 'canary' } } });
    assert.equal(given.headers['x-overround-release'].value, 'stable');
  });
});

describe('the distribution', () => {
  const config = JSON.parse(files['cloudfront.json']);
  const cacheOf = (uri) => {
    const { CacheBehaviors, DefaultCacheBehavior } = config.DistributionConfig;
    const glob = (pattern) => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')}$`);
    return (CacheBehaviors.Items.find((one) => glob(one.PathPattern).test(uri)) ??
      DefaultCacheBehavior).CachePolicyId;
  };

  test('keeps what the routes let it keep, and nothing else', () => {
    const expected = {
      '/': 'page', '/event/sr:match:1': 'page', '/wallet': 'page', '/assets/a.js': 'asset',
      '/v1/events': 'list', '/v1/events/sr:match:1': 'snapshot', '/v1/sports': 'snapshot',
      '/v1/events/sr:match:1/stream': 'never', '/v1/stream': 'never', '/v1/bets': 'never',
      '/v1/wallet': 'never', '/v1/sessions': 'never', '/anything': 'never',
    };
    for (const [uri, name] of Object.entries(expected)) {
      assert.equal(cacheOf(uri), `overround-${name}`, uri);
    }
  });

  test('an old price is bounded as the server bounds it', () => {
    const policies = Object.fromEntries(config.CachePolicies.map((one) => [one.Name, one]));
    assert.equal(policies['overround-snapshot'].MaxTTL, 31);
    assert.equal(policies['overround-never'].MaxTTL, 0);
    for (const one of Object.values(policies)) assert.equal(one.MinTTL, 0);
  });

  test('lists differ by the parameters that openapi.yaml names', () => {
    const api = parse(fs.readFileSync(path.join(root, 'docs/openapi.yaml'), 'utf8'));
    const named = (uri) => (api.paths[uri].get.parameters ?? [])
      .map((one) => (one.$ref ? api.components.parameters[one.$ref.split('/').pop()] : one))
      .filter((one) => one.in === 'query').map((one) => one.name).sort();
    const list = config.CachePolicies.find((one) => one.Name === 'overround-list');
    assert.deepEqual([...list.ParametersInCacheKeyAndForwardedToOrigin.QueryStringsConfig
      .QueryStrings.Items].sort(), named('/v1/events'));
    assert.deepEqual(named('/v1/events/{event}'), []);
    assert.deepEqual(named('/v1/sports'), []);
  });
});

// The coarser lock before the function: it must refuse nothing that the policy allows.
describe('waf.json', () => {
  const waf = (...changes) => JSON.parse(edgeFiles('cloudfront', changes)['waf.json']);
  const text = fs.readFileSync(path.join(root, 'deploy/edge/edge.yaml'), 'utf8');
  const kept = parse(text.replace(/ +#.*$/gm, '').replace(/^signing:[^]*/m, ''));
  const of = (betting) => kept.jurisdictions.filter((one) => one.betting === betting)
    .flatMap((one) => one.countries);
  const takes = (paths, target) => new RegExp(`^(${paths.join('|')})(/|$)`).test(target);

  test('countries: the list that says the same, and none where none does', () => {
    assert.deepEqual(waf().countries, { allowed: of('allowed'), refused: [] });
    // Who is nowhere is let in: a list of those who are would refuse him.
    for (const change of [[/unknown: refused/, 'unknown: allowed'],
      [/elsewhere: refused/, 'elsewhere: allowed']])
      assert.deepEqual(waf(change).countries, { allowed: [], refused: of('refused') });
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
    const many = [...letters].flatMap((a) => ['Q', 'X'].map((b) => a + b))
      .filter((one) => one !== 'XX').slice(0, 50);
    assert.deepEqual(waf([/\[CU, IR, KP, SY\]/, `[${many.join(', ')}]`],
      [/elsewhere: refused/, 'elsewhere: allowed']).countries, { allowed: [], refused: [] });
  });

  test('who is refused gets to all that is open to him', () => {
    const { open_paths: open } = waf();
    for (const target of ['/v1/sessions', '/v1/wallet', '/v1/wallet/withdrawals', '/v1/limits',
      '/v1/exclusion', '/v1/bets', '/v1/bets/b1', '/v1/bets/b1/cashout', '/bets', '/wallet',
      '/account', '/assets/board-1.js'])
      assert.ok(takes(open, target), target);
    for (const target of ['/', '/v1/events', '/v1/events/sr:match:1', '/v1/accounts', '/v1/stream',
      '/betsy', '/v1/betsy', '/assets'])
      assert.ok(!takes(open, target), target);
  });

  test('rates are five times a minute\'s, of the routes of their class', () => {
    const { rates } = waf([/per_address: 30$/m, 'per_address: 1']);
    assert.deepEqual(rates.map(({ name, limit }) => [name, limit]),
      [['login', 10], ['money', 3000], ['read', 15000], ['stream', 600]]);
    const [login, money, read, stream] = rates;
    assert.deepEqual([login.methods, read.methods, read.paths], [['POST'], [], []]);
    assert.ok(takes(login.paths, '/v1/accounts') && !takes(login.paths, '/v1/wallet'));
    assert.ok(takes(money.paths, '/v1/bets/b1/cashout') && !money.methods.includes('GET'));
    assert.ok(takes(stream.paths, '/v1/events/sr:match:1/stream'));
    assert.ok(!takes(stream.paths, '/v1/events/sr:match:1'));
  });

  test('agents are the policy\'s, and as many as the firewall takes', () => {
    assert.deepEqual(waf().agents, kept.bots.agents);
    const many = Array.from({ length: 40 }, (_, i) => `    - agent-of-name-${i}\n`).join('');
    assert.throws(() => waf([/ {4}- sqlmap\n/, many]), /the firewall takes 480 bytes of agents/);
  });
});
