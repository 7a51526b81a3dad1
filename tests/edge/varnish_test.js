// Varnish as `overround edge --for varnish` writes it, before a real server.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { worldFor, market } = require('../api/lib/world');
const { makeFolder, root } = require('../api/lib/store');
const { eventually } = require('../api/lib/wait');
const { Front } = require('./lib/front');
const { isProblem, stories } = require('./lib/stories');

const start = (origin, changes, secret) =>
  new Front().start('varnish', {
    origin,
    changes,
    secret,
    command: (folder) => [
      'varnishd',
      ['-F', '-j', 'none', '-n', `${folder}/state`, '-f', `${folder}/edge.vcl`,
        ...fs.readFileSync(`${folder}/varnishd.args`, 'utf8').split('\n').filter(Boolean)],
    ],
  });

stories('Varnish', start);

test('what is kept in deploy/edge compiles, and so does what stands before it', () => {
  const folder = makeFolder('overround-varnish');
  const vcl = path.join(root, 'deploy/edge/varnish/edge.vcl');
  const compiled = spawnSync('varnishd', ['-C', '-n', `${folder}/state`, '-f', vcl],
    { encoding: 'utf8' });
  assert.equal(compiled.status, 0, compiled.stderr.slice(0, 2000));
  const tls = fs.readFileSync(path.join(root, 'deploy/edge/varnish/tls.cfg'), 'utf8');
  const key = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj',
    '/CN=www.example.com', '-keyout', `${folder}/key`, '-out', `${folder}/tls.pem`]);
  assert.equal(key.status, 0);
  fs.appendFileSync(`${folder}/tls.pem`, fs.readFileSync(`${folder}/key`));
  fs.writeFileSync(`${folder}/tls.cfg`,
    tls.replace('/etc/overround/edge/tls.pem', `${folder}/tls.pem`));
  const checked = spawnSync('haproxy', ['-c', '-f', `${folder}/tls.cfg`], { encoding: 'utf8' });
  assert.equal(checked.status, 0, checked.stderr);
  fs.rmSync(folder, { recursive: true });
});

describe('Varnish: a cache', () => {
  const world = worldFor({ before, after }, {});
  let edge;
  before(async () => {
    edge = await start(world().server.public, [[/burst: 300/, 'burst: 100000']]);
  });
  after(() => edge?.stop());
  const asked = (route) => world().metric('overround_http_requests_total', `route="${route}"`);

  test('many readers of one event, whatever they add, cost a request a second', async () => {
    const event = await world().event(market.oneXTwo());
    const path = `/v1/events/${event.id}`;
    const before = (await asked('/v1/events/{event}')) ?? 0;
    const began = Date.now();
    const read = (i) => {
      const headers = { cookie: `a=${i}`, authorization: `Bearer ${i}` };
      return edge.call('GET', `${path}?x=${i}#${i}`, { address: `198.51.${i % 250}.7`, headers });
    };
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, i) => read(i)));
    const most = Math.ceil((Date.now() - began) / 1000) + 2;
    for (const answer of answers) assert.equal(answer.json.id, event.id);
    assert.ok(answers.some((answer) => answer.headers['x-cache'] === 'HIT'));
    const cost = (await asked('/v1/events/{event}')) - before;
    assert.ok(cost >= 1 && cost <= most, `${cost} requests, not ${most}`);
  });

  test('lists differ by what they are asked for, and by nothing else', async () => {
    const get = (query) => edge.call('GET', `/v1/events${query}`);
    const live = await get('?state=live&limit=200');
    const same = await get('?junk=1&limit=200&state=live&state=upcoming');
    const other = await get('?state=upcoming&limit=200');
    assert.deepEqual(same.json, live.json);
    assert.notDeepEqual(other.json, live.json);
    assert.equal((await get('?limit=x')).status, 400);
  });

  test('a snapshot is compressed for who takes that, and can be asked about', async () => {
    const event = await world().event(market.oneXTwo());
    const get = (headers) => edge.call('GET', `/v1/events/${event.id}`, { headers });
    const plain = await get();
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.match(plain.headers['cache-control'], /s-maxage=1, stale-while-revalidate=1/);
    const [zipped, known] = [
      await edge.call('HEAD', `/v1/events/${event.id}`, { headers: { 'accept-encoding': 'gzip' } }),
      await get({ 'if-none-match': plain.headers.etag }),
    ];
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.equal(known.status, 304);
  });

  test('a change is seen soon', async () => {
    const event = await world().event(market.oneXTwo());
    const get = () => edge.call('GET', `/v1/events/${event.id}`);
    assert.equal((await get()).json.markets[0].status, 'active');
    await event.stop();
    await eventually(async () => assert.equal((await get()).json.markets[0].status, 'suspended'));
    assert.equal((await get()).json.markets[0].status, 'suspended');
  });

  test('what is old is served while the origin is away, and money is not', async () => {
    const event = await world().event(market.oneXTwo());
    const get = (path) => edge.call('GET', path);
    const path = `/v1/events/${event.id}`;
    const old = (age) => async () => {
      const answer = await get(path);
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json.id, event.id);
      assert.ok(Number(answer.headers.age) >= age, answer.headers.age);
    };
    assert.equal((await get(path)).status, 200);
    world().server.child.kill('SIGSTOP'); // it takes connections and says nothing
    await eventually(old(3));
    world().server.child.kill('SIGCONT');
    await eventually(async () => assert.ok(Number((await get(path)).headers.age ?? 0) <= 1));
    await world().restart({ kill: true }); // where nobody looks for it
    await eventually(old(3));
    const money = await edge.call('POST', '/v1/bets', { json: {}, key: 'k' });
    isProblem(money, 503, 'busy');
    assert.equal(money.headers['retry-after'], '1');
  });
});
