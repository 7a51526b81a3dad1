// The VCL for Fastly: read by a strict reader of ours and carried out for requests.  Not
// run: Fastly, whose own words for counters, geography and digests are the test's here.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, test } = require('node:test');
const { edgeFiles } = require('./lib/written');
const { read, Machine } = require('./lib/vcl');

const SECRET = 'edge-secret-of-the-test-vector';

function functionsOf(file, { now, counts = {}, boxed = new Set() }) {
  const tables = Object.fromEntries(Object.entries(file.table).map(([name, { inside }]) => [name,
    Object.fromEntries(inside.flatMap((one, i) => (inside[i + 1]?.text === ':'
      ? [[one.text, inside[i + 2].text === 'true']] : [])))]));
  const entry = (table, key) => tables[table][key];
  return {
    'table.lookup': (table, key, fallback) => {
      assert.equal(table, 'overround_secrets'); // a dictionary, which is not in the file
      return key === 'OVERROUND_EDGE_SECRET' && now.secret !== null ? SECRET : fallback;
    },
    'table.lookup_bool': (table, key, fallback) => (entry(table, key) === undefined ? fallback
      : entry(table, key)),
    'std.atoi': (text) => Number(text ?? 0) || 0,
    'std.strtol': (text, base) => parseInt(text, base),
    substr: (text, from, n) => text.slice(from, from + n),
    regsub: (text, what, by) => text.replace(new RegExp(what), by.replace(/\\(\d)/g, '$$$1')),
    regsuball: (text, what, by) => text.replace(new RegExp(what, 'g'), by),
    'digest.hash_sha256': (text) => crypto.createHash('sha256').update(text).digest('hex'),
    'digest.hmac_sha256': (key, text) => `0x${crypto.createHmac('sha256', key).update(text)
      .digest('hex')}`,
    'querystring.remove': (url) => url.split('?')[0],
    'querystring.sort': (url) => {
      const [path, query] = url.split('?');
      return query ? `${path}?${query.split('&').sort().join('&')}` : path;
    },
    'querystring.filtersep': () => '\0',
    'querystring.filter_except': (url, names) => {
      const [path, query = ''] = url.split('?');
      const kept = query.split('&')
        .filter((pair) => names.split('\0').includes(pair.split('=')[0]));
      return kept.length ? `${path}?${kept.join('&')}` : path;
    },
    'ratelimit.ratecounter_increment': (counter, who, by) => {
      assert.ok(file.ratecounter[counter], counter);
      now.last = `${counter} ${who}`;
      counts[now.last] = (counts[now.last] ?? 0) + by;
      return counts[now.last];
    },
    'ratelimit.penaltybox_has': (box, who) => boxed.has(`${box} ${who}`),
    'ratelimit.penaltybox_add': (box, who) => boxed.add(`${box} ${who}`),
    bucket: (name) => {
      assert.equal(now.last.split(' ')[0], name.split('.')[1]);
      return counts[now.last];
    },
  };
}

const source = edgeFiles('fastly')['main.vcl'];
const file = read(source);

// One request through vcl_recv.
function receive(method, url, { country = 'GB', ip = '203.0.113.7', headers = {}, of = file,
  world = { now: { sec: 1790000000 } } } = {}) {
  const values = { 'req.method': method, 'req.url': url, 'req.restarts': 0, 'client.ip': ip,
    'fastly.ff.visits_this_service': 0, 'client.geo.country_code': country,
    'now.sec': world.now.sec ?? 1790000000, 'req.http.user-agent': 'Mozilla/5.0',
    'req.http.host': 'www.example.com' };
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) delete values[`req.http.${name}`];
    else values[`req.http.${name}`] = value;
  }
  const machine = new Machine(of, values, functionsOf(of, world));
  return { ...machine.sub('vcl_recv'), machine };
}

describe('the file', () => {
  test('calls what there is, and leaves nothing uncalled', () => {
    const called = new Set([...source.matchAll(/^\s*call (\w+);/gm)].map((one) => one[1]));
    const own = Object.keys(file.sub).filter((name) => name.startsWith('overround_'));
    assert.deepEqual([...called].sort(), own.sort());
    const hooks = ['recv', 'hash', 'hit', 'miss', 'pass', 'fetch', 'error', 'deliver', 'log'];
    for (const hook of hooks) {
      assert.ok(file.sub[`vcl_${hook}`], hook);
      assert.match(source, new RegExp(`^#FASTLY ${hook}$`, 'm'));
    }
  });

  test('names each counter, box, director and backend that it uses', () => {
    for (const [, name] of source.matchAll(/\b(rc_\w+)/g)) assert.ok(file.ratecounter[name], name);
    for (const [, name] of source.matchAll(/\b(pb_\w+)/g)) assert.ok(file.penaltybox[name], name);
    for (const [, name] of source.matchAll(/req\.backend = (\w+)/g)) {
      assert.ok(file.director[name], name);
    }
    for (const [, name] of source.matchAll(/\.backend = (F_\w+)/g)) {
      assert.ok(file.backend[name], name);
    }
    assert.ok(!source.includes(SECRET));
  });

  test('a broken one is refused by the reader', () => {
    for (const [what, by] of [[/return\(deliver\);/, 'return(deliver)'], [/\) \{/, ') '],
      [/sub vcl_hit/, 'sub vcl_miss']]) {
      assert.throws(() => read(source.replace(what, by)), String(what));
    }
  });
});

describe('a request', () => {
  const refused = [
    ['GET', '/v1/nothing', 604], ['GET', '/v1/desk/me', 604], ['GET', '/metrics', 604],
    ['GET', '/v1/wallet/x.css', 604], ['GET', '/v1/events/a/b', 604],
    ['GET', '/assets/..%2fv1%2fwallet', 604], ['GET', '/assets/../v1/wallet', 604],
    ['GET', '//v1/wallet', 604], ['GET', '/v1/wallet;a.css', 604],
    ['GET', '/v1/wallet%00.css', 604], ['GET', '/v1/events/%', 604],
    ['OPTIONS', '/v1/bets', 605], ['DELETE', '/v1/bets', 605], ['POST', '/v1/events', 605],
  ];
  for (const [method, url, status] of refused) {
    test(`${method} ${url} is ${status}`, () => {
      assert.equal(receive(method, url).error, status);
    });
  }

  test('what is kept is looked up without who asks, all else passes', () => {
    const kept = receive('GET', '/v1/events/sr%3Amatch%3a1?bust=1', { headers: { cookie: 'a=b',
      authorization: 'Bearer t' } });
    assert.equal(kept.returns, 'lookup');
    assert.equal(kept.machine.values['req.url'], '/v1/events/sr:match:1');
    for (const name of ['cookie', 'authorization', 'x-edge-country']) {
      assert.equal(kept.machine.values[`req.http.${name}`], undefined, name);
    }
    const list = receive('GET', '/v1/events?x=1&sport=s&limit=2');
    assert.equal(list.machine.values['req.url'], '/v1/events?limit=2&sport=s');
    for (const [method, url] of [['GET', '/v1/wallet?limit=3'], ['POST', '/v1/bets'],
      ['GET', '/v1/events/sr:match:1/stream'], ['PUT', '/v1/exclusion']]) {
      const passed = receive(method, url);
      assert.equal(passed.returns, 'pass', url);
      assert.equal(passed.machine.values['req.url'], url);
    }
    assert.equal(receive('GET', '/v1/stream', { headers: { upgrade: 'websocket' } }).returns,
      'upgrade');
    assert.equal(receive('HEAD', '/v1/events').returns, 'lookup');
  });

  test('a refused country gets 451, and may still do what is his', () => {
    for (const country of ['US', 'FR', 'ZZ', '**', '']) {
      for (const [method, url] of [['GET', '/'], ['POST', '/v1/bets'], ['POST', '/v1/accounts']]) {
        assert.equal(receive(method, url, { country }).error, 651, `${country} ${url}`);
      }
      for (const [method, url] of [['POST', '/v1/sessions'], ['PUT', '/v1/exclusion'],
        ['GET', '/v1/wallet'], ['POST', '/v1/wallet/withdrawals']]) {
        assert.equal(receive(method, url, { country }).returns, 'pass', `${country} ${url}`);
      }
    }
  });

  test('bots and large bodies are refused', () => {
    assert.equal(receive('GET', '/', { headers: { 'user-agent': 'SQLMap/1' } }).error, 603);
    assert.equal(receive('GET', '/', { headers: { 'user-agent': undefined } }).error, 603);
    const sized = (n) => receive('POST', '/v1/bets', { headers: { 'content-length': n } });
    assert.equal(sized('65536').returns, 'pass');
    assert.equal(sized('65537').error, 613);
    assert.equal(receive('POST', '/v1/bets', { headers: { 'transfer-encoding': 'chunked' } }).error,
      613);
  });

  test('the country goes on signed, and nobody else\'s', () => {
    const { machine } = receive('POST', '/v1/bets', { country: 'MT', headers: {
      'x-edge-country': 'MT;t=1;sig=00', 'x-forwarded-for': '9.9.9.9',
      'x-http-method-override': 'DELETE', 'x-o-abroad': '1' } });
    assert.equal(machine.values['req.http.x-edge-country'], 'MT;t=1790000000;' +
      'sig=afe1679891a1287f27222a1cda84a279f9c0829087001f69470943b0cef89dbe');
    assert.equal(machine.values['req.http.x-forwarded-for'], '203.0.113.7');
    assert.equal(machine.values['req.http.x-http-method-override'], undefined);
    const none = receive('GET', '/v1/wallet', { world: { now: { secret: null } },
      headers: { 'x-edge-country': 'MT;t=1;sig=00' } });
    assert.equal(none.machine.values['req.http.x-edge-country'], undefined);
    assert.equal(receive('POST', '/v1/bets', { country: 'US', headers: { 'x-o-abroad': '1' } })
      .error, 651);
  });

  test('an address and a network have their rates, a class each', () => {
    const world = { now: {}, counts: {}, boxed: new Set() };
    const login = (ip) => receive('POST', '/v1/sessions', { ip, world }).error;
    let passed = 0;
    while (login('198.51.100.1') === undefined) passed += 1;
    assert.equal(passed, 15); // ten at once, and a sixth of thirty
    assert.equal(login('198.51.100.2'), undefined);
    assert.equal(receive('GET', '/v1/wallet', { ip: '198.51.100.1', world }).error, undefined);
    for (let i = 0; i < 200; i++) login(`198.51.100.${i}`);
    assert.equal(login('198.51.100.250'), 629);
    assert.equal(login('198.51.101.1'), undefined);
  });

  test('who guesses passwords may not log in for a while', () => {
    const world = { now: {}, counts: {}, boxed: new Set() };
    for (let i = 0; i < 3; i++) {
      const { machine } = receive('POST', '/v1/sessions', { world });
      machine.values['resp.status'] = 401;
      machine.sub('vcl_deliver');
    }
    assert.equal(receive('POST', '/v1/sessions', { world }).error, 629);
    assert.equal(receive('GET', '/v1/wallet', { world }).returns, 'pass');
  });
});

describe('an answer', () => {
  const fetched = (url, http = {}, status = 200) => {
    const { machine } = receive('GET', url);
    machine.values['beresp.status'] = status;
    machine.values['beresp.http.cache-control'] = 'public, max-age=0';
    for (const [name, value] of Object.entries(http)) machine.set(`beresp.http.${name}`, value);
    return { ...machine.sub('vcl_fetch'), ttl: machine.values['beresp.ttl'],
      stale: machine.values['beresp.stale_while_revalidate'] };
  };

  test('is kept as src/tbl/caching.h has it, and never when it is one customer\'s', () => {
    assert.deepEqual(fetched('/v1/events/a'), { returns: 'deliver', ttl: 1, stale: 1 });
    assert.deepEqual(fetched('/'), { returns: 'deliver', ttl: 10, stale: 60 });
    assert.equal(fetched('/v1/events/a', { 'Set-Cookie': 'a=b' }).returns, 'pass');
    assert.equal(fetched('/v1/events/a', { 'Cache-Control': 'no-store' }).returns, 'pass');
    assert.equal(fetched('/v1/events/a', {}, 404).returns, 'pass');
  });

  test('of ours is a problem document', () => {
    for (const [ours, status] of [[603, 403], [604, 404], [605, 405], [613, 413], [629, 429],
      [651, 451], [503, 503]]) {
      const { machine } = receive('GET', '/v1/bets');
      machine.values['obj.status'] = ours;
      assert.equal(machine.sub('vcl_error').returns, 'deliver');
      assert.equal(machine.values['obj.status'], status);
      assert.equal(JSON.parse(machine.values.synthetic).status, status);
      assert.equal(machine.values['obj.http.cache-control'], 'no-store');
    }
  });

  test('carries no surrogate key to customers', () => {
    const { machine } = receive('GET', '/v1/events');
    machine.values['resp.http.surrogate-key'] = 'events';
    machine.values['resp.status'] = 200;
    machine.sub('vcl_deliver');
    assert.equal(machine.values['resp.http.surrogate-key'], undefined);
    assert.equal(machine.values['resp.http.strict-transport-security'], 'max-age=31536000');
    assert.equal(machine.values['resp.http.set-cookie'], undefined);
  });
});

describe('a release under trial', () => {
  const trial = read(edgeFiles('fastly', [[/percent: 0/, 'percent: 20']])['main.vcl']);

  test('has its share of addresses, and who has its cookie stays', () => {
    let canaries = 0;
    for (let i = 0; i < 1000; i++) {
      const { machine } = receive('GET', '/v1/wallet', { of: trial,
        ip: `198.51.${i >> 8}.${i & 255}` });
      const release = machine.values['req.http.x-o-release'];
      canaries += release === 'canary';
      assert.equal(machine.values['req.backend'], `D_${release}`);
      machine.values['resp.status'] = 200;
      machine.sub('vcl_deliver');
      assert.match(machine.values['resp.http.set-cookie'],
        new RegExp(`^release=${release}; Path=/`));
    }
    assert.ok(canaries > 150 && canaries < 250, `${canaries} of 1000`);
    for (const release of ['stable', 'canary']) {
      const { machine } = receive('GET', '/v1/wallet', { of: trial,
        headers: { cookie: `a=b; release=${release}` } });
      assert.equal(machine.values['req.backend'], `D_${release}`);
      assert.equal(machine.values['req.http.x-o-new'], undefined);
    }
  });
});
