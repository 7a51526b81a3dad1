// TLS ends at the node: versions, HSTS, HTTP/2 - and the country that the node signs is
// what the server goes by.
'use strict';

const assert = require('node:assert/strict');
const { execFile, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http2 = require('node:http2');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const { after, afterEach, before, describe, it } = require('node:test');
const { makeFolder } = require('../api/lib/store');
const { eventually, market } = require('../api/lib/world');
const { freePort } = require('../cluster/lib/ports');
const { Authority } = require('./lib/ca');
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

// The responder is asked by the node, at an address: nothing has to be resolved for that.
describe('OCSP', () => {
  const of = edgeFor({ before, after }, {});
  let folder, authority, port, node;

  before(async () => {
    folder = makeFolder('overround-ocsp');
    authority = new Authority(folder);
    port = await freePort();
  });
  afterEach(() => {
    node?.stop();
    authority.stop();
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  // A node with a certificate that names the responder.
  async function start(name, local) {
    const certificate = authority.issue(name, HOST, `subjectAltName=DNS:${HOST}`,
      `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${port}`);
    node = new Edge();
    node.local = local;
    await node.start([of().world.server.public], { node: { certificate } });
  }

  // What a client is told of the certificate; a worker asks when the first one wants it.
  const stapled = () => new Promise((resolve) => {
    execFile('openssl', ['s_client', '-connect', node.address, '-servername', HOST, '-status',
      '-CAfile', authority.file('ca.pem'), '-verify_return_error'],
    (error, stdout) => resolve(stdout)).stdin.end();
  });
  const isGood = async () => {
    const said = await stapled();
    assert.match(said, /OCSP Response Status: successful/);
    assert.match(said, /Cert Status: good/);
    assert.match(said, /Verify return code: 0 \(ok\)/);
  };

  it('says to every client that the certificate is good', async () => {
    await authority.respond(port, 'ca');
    await start('good');
    await eventually(isGood, { timeout: 60000, every: 100 });
  });

  it('also where the authority has others sign its answers', async () => {
    authority.issue('signer', 'a responder', 'extendedKeyUsage=OCSPSigning');
    await authority.respond(port, 'signer');
    await start('delegated', `ssl_trusted_certificate ${authority.file('ca.pem')};\n`);
    await eventually(isGood, { timeout: 60000, every: 100 });
  });

  it('never says so of one that is revoked, and the node says why', async () => {
    await authority.respond(port, 'ca');
    await start('revoked');
    authority.revoke('revoked');
    await eventually(async () => {
      assert.doesNotMatch(await stapled(), /Cert Status: good/);
      assert.match(node.log(), /certificate status "revoked" in the OCSP response/);
    }, { timeout: 60000, every: 100 });
    assert.match(await stapled(), /OCSP response: no response sent/);
  });

  it('a responder that is away costs nobody his connection', async () => {
    await start('alone');
    assert.match(await stapled(), /OCSP response: no response sent/);
    const why = /refused.* while requesting certificate status/;
    await eventually(() => assert.match(node.log(), why));
    const said = await stapled();
    assert.match(said, /Verify return code: 0 \(ok\)/);
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
