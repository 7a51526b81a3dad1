// TLS ends at the node: versions, HSTS, HTTP/2 - and the country that the node signs is
// what the server goes by.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http2 = require('node:http2');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, describe, it } = require('node:test');
const { makeFolder } = require('../api/lib/store');
const { market } = require('../api/lib/world');
const { Edge, edgeFor, openEdge, SECRET, HOST, AT_HOME, ABROAD } = require('./lib/edge');

describe('TLS', () => {
  const of = edgeFor({ before, after }, {});
  let node, folder, ca;

  before(async () => {
    folder = makeFolder('overround-tls');
    const key = path.join(folder, 'key.pem');
    const file = path.join(folder, 'tls.pem');
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
      'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${HOST}`, '-addext',
      `subjectAltName=DNS:${HOST}`, '-keyout', key, '-out', file], { stdio: 'ignore' });
    ca = fs.readFileSync(file);
    fs.appendFileSync(file, fs.readFileSync(key));
    node = await new Edge().start([of().world.server.public], {
      tls: { minimum: '1.2', hsts_s: 31536000 },
      node: { certificate: file },
    });
  });
  after(() => {
    node?.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const port = () => Number(node.address.split(':')[1]);
  const shake = (options) =>
    new Promise((resolve, reject) => {
      const to = { host: '127.0.0.1', port: port(), servername: HOST, ca, ...options };
      const socket = tls.connect(to, () => {
        resolve(socket.getProtocol());
        socket.end();
      });
      socket.on('error', reject);
    });

  it('1.2 and 1.3 are spoken, what is older is not', async () => {
    assert.equal(await shake({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
    assert.equal(await shake({}), 'TLSv1.3');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
    await assert.rejects(shake(old), /protocol version|unsupported protocol/i);
  });

  it('every answer says that browsers keep to it, the node\'s own, too', async () => {
    for (const [target, host] of [['/v1/sports', HOST], ['/nothing', HOST], ['/v1/wallet', HOST],
      ['/', 'evil.example']]) {
      const headers = await new Promise((resolve, reject) => {
        const to = { host: '127.0.0.1', port: port(), path: target, servername: HOST, ca };
        const from = { host, 'user-agent': 'a test', 'x-forwarded-for': AT_HOME };
        https.get({ ...to, headers: from, agent: false }, (res) => {
          res.resume();
          resolve(res.headers);
        }).on('error', reject);
      });
      assert.equal(headers['strict-transport-security'], 'max-age=31536000; includeSubDomains',
        `${host}${target}`);
    }
  });

  it('HTTP/2 is spoken with who can', async () => {
    const session = http2.connect(`https://127.0.0.1:${port()}`, { ca, servername: HOST });
    const status = await new Promise((resolve, reject) => {
      session.on('error', reject);
      const stream = session.request({ ':path': '/v1/sports', ':authority': HOST,
        'user-agent': 'a test', 'x-forwarded-for': AT_HOME });
      stream.on('response', (headers) => resolve(headers[':status']));
      stream.on('error', reject);
      stream.resume();
    });
    session.close();
    assert.equal(status, 200);
  });
});

describe('the country that the node signs', () => {
  let world, edge, event;

  before(async () => {
    ({ world, edge } = await openEdge({
      options: { 'edge-secret': SECRET, 'countries-refused': 'US' },
    }));
    event = await world.event(market.oneXTwo());
  });
  after(async () => {
    edge?.stop();
    await world?.close();
  });

  it('is what the server goes by', async () => {
    const fan = await world.customer({ balance: '10.00' });
    await fan.placed(event.home(), { stake: '1.00' });
    const session = (from) => edge.call('GET', '/v1/sessions', { from, token: fan.token });
    assert.equal((await session(AT_HOME)).json.betting, true);
    const abroad = (await session(ABROAD)).json;
    assert.deepEqual([abroad.betting, abroad.reason], [false, 'country_refused']);
    assert.equal((await session('2001:db8::7')).json.betting, true);
  });

  it('and nobody can say it but the node', async () => {
    const forged = await edge.call('GET', '/v1/sessions', {
      from: ABROAD,
      token: (await world.customer()).token,
      headers: { 'x-edge-country': `MT;t=${Math.floor(Date.now() / 1000)};sig=${'0'.repeat(64)}` },
    });
    assert.equal(forged.json.reason, 'country_refused');
  });
});
