// HAProxy as `overround edge --for haproxy` writes it, before a real server.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, newKey } = require('../api/lib/world');
const { makeFolder, root } = require('../api/lib/store');
const { Front } = require('./lib/front');
const { isProblem, stories } = require('./lib/stories');

const start = (origin, changes, secret) =>
  new Front().start('haproxy', {
    origin,
    changes,
    secret,
    command: (folder) => ['haproxy', ['-db', '-f', `${folder}/haproxy.cfg`]],
  });

stories('HAProxy', start);

test('what is kept in deploy/edge is well, with a certificate', () => {
  const folder = makeFolder('overround-haproxy');
  fs.cpSync(path.join(root, 'deploy/edge/haproxy'), folder, { recursive: true });
  const key = spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj',
    '/CN=www.example.com', '-keyout', `${folder}/key`, '-out', `${folder}/tls.pem`]);
  assert.equal(key.status, 0);
  fs.appendFileSync(`${folder}/tls.pem`, fs.readFileSync(`${folder}/key`));
  const cfg = fs.readFileSync(`${folder}/haproxy.cfg`, 'utf8');
  fs.writeFileSync(`${folder}/haproxy.cfg`,
    cfg.replace('/etc/overround/edge/tls.pem', `${folder}/tls.pem`));
  const checked = spawnSync('haproxy', ['-c', '-f', `${folder}/haproxy.cfg`],
    { encoding: 'utf8', env: { ...process.env, OVERROUND_CDN_SECRET: 'x' } });
  assert.equal(checked.status, 0, checked.stderr);
  fs.rmSync(folder, { recursive: true });
});

describe('HAProxy: two releases', () => {
  const world = worldFor({ before, after }, {});
  let edge;
  before(async () => {
    const [host, port] = world().server.public.split(':');
    edge = await start(world().server.public, [
      [/^canary:/m, `  - name: trial\n    host: ${host}\n    port: ${port}\n    tls: false\n`
        + '    release: canary\n\ncanary:'],
      [/percent: 0/, 'percent: 30'],
    ]);
  });
  after(() => edge?.stop());

  const given = (answer) => /release=(\w+)/.exec(answer.headers['set-cookie'])[1];

  test('a share of the addresses gets the trial, each always the same', async () => {
    const of = async (address) => given(await edge.call('GET', '/v1/wallet', { address }));
    const addresses = Array.from({ length: 200 }, (_, i) => `198.51.100.${i}`)
      .map((address, i) => address.replace('100', 100 + (i % 100)));
    const first = [];
    for (const address of addresses) first.push(await of(address));
    const share = first.filter((release) => release === 'canary').length / addresses.length;
    assert.ok(share > 0.15 && share < 0.45, `${share}`);
    for (const [i, address] of addresses.slice(0, 20).entries())
      assert.equal(await of(address), first[i]);
  });

  test('a cookie has the last word, and a customer cannot invent one', async () => {
    const with_ = (cookie) => edge.call('GET', '/v1/wallet', { headers: { cookie } });
    for (const release of ['stable', 'canary'])
      assert.equal(given(await with_(`a=b; release=${release}`)), release);
    assert.match(given(await with_('release=other')), /^(stable|canary)$/);
    const page = await edge.call('GET', '/v1/sports');
    assert.equal(page.headers['set-cookie'], undefined, 'what is kept sets no cookie');
  });

  test('an origin that is gone is 503, with when to come again', async () => {
    const event = await world().event(market.oneXTwo());
    await world().restart({ kill: true }); // where nobody looks for it
    const answer = await edge.call('POST', '/v1/bets', {
      key: newKey('bet'), json: { legs: [event.home()] } });
    isProblem(answer, 503, 'busy');
    assert.equal(answer.headers['retry-after'], '1');
  });
});
