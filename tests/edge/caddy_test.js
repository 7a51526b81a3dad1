// HTTP/3 before a node of ours: deploy/edge/caddy/Caddyfile as it is, by a real Caddy, and
// Chromium as the client that speaks QUIC.  What the node decides, it decides behind Caddy.
'use strict';

const assert = require('node:assert/strict');
const { execFile, execFileSync, spawn, spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, describe, it } = require('node:test');
const { makeFolder, makeStore, root } = require('../api/lib/store');
const { World, eventually, market } = require('../api/lib/world');
const { handshake } = require('../api/lib/ws');
const { answers, freePort } = require('../cluster/lib/ports');
const { Edge, SECRET, HOST } = require('./lib/edge');
const { Authority } = require('./lib/ca');

const tool = path.join(root, 'scripts/go_tool.sh');
const have = spawnSync(tool, ['have', 'caddy'], { encoding: 'utf8' });
const skip = have.status === 3 ? have.stderr.trim() : false;
const HOME = '127.9.0.1'; // of lib/edge.js: addresses of this machine, and where they are
const AWAY = '127.8.0.1';

describe('Caddy before a node', { skip }, () => {
  let folder, authority, world, node, event, caddy, port, said = '';

  before(async () => {
    execFileSync(tool, ['fetch', 'caddy'], { stdio: ['ignore', 'ignore', 'inherit'] });
    world = new World(makeStore(),
      { proxies: 1, 'edge-secret': SECRET, 'countries-refused': 'US' });
    await world.start();
    await world.feed.up();
    event = await world.event(market.oneXTwo());
    node = new Edge();
    node.cdnSecret = 'what-caddy-and-the-node-know';
    await node.start([world.server.public], {
      cdn: { networks: ['127.0.0.1/32'] },
      countries: { elsewhere: 'refused', unknown: 'allowed' },
    });
    world.server.call = (method, target, { headers, ...options } = {}) =>
      node.call(method, target,
        { ...options, headers: { 'x-overround-edge': node.cdnSecret, ...headers } });
    folder = makeFolder('overround-caddy');
    authority = new Authority(folder);
    authority.issue('server', HOST, `subjectAltName=DNS:${HOST}`);
    await start();
  });
  after(async () => {
    caddy?.kill('SIGKILL');
    node?.stop();
    await world?.close();
    if (folder) fs.rmSync(folder, { recursive: true, force: true });
  });

  async function start() {
    port = await freePort();
    const program = execFileSync(tool, ['path', 'caddy'], { encoding: 'utf8' }).trim();
    fs.writeFileSync(authority.file('chain'), ['server.crt', 'ca.pem'].map((name) =>
      fs.readFileSync(authority.file(name))).join(''));
    caddy = spawn(program,
      ['run', '--adapter', 'caddyfile', '--config', path.join(root, 'deploy/edge/caddy/Caddyfile')],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {
          PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder,
          OVERROUND_CDN_SECRET: node.cdnSecret,
          OVERROUND_CADDY_NAMES: HOST,
          OVERROUND_CADDY_CERTIFICATE: `${authority.file('chain')} ${authority.file('server.key')}`,
          OVERROUND_CADDY_LISTEN: '127.0.0.1',
          OVERROUND_CADDY_PORT: String(port),
          OVERROUND_CADDY_HTTP_PORT: String(await freePort()),
          OVERROUND_CADDY_NODE: node.address,
        },
      });
    process.on('exit', () => caddy.kill('SIGKILL'));
    caddy.stderr.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    await eventually(() => {
      if (caddy.exitCode !== null)
        throw Object.assign(new Error(`caddy ended: ${said}`), { final: true });
      return answers(`127.0.0.1:${port}`);
    });
  }

  // What Caddy answered, by its own log.
  const requests = () => said.split('\n').filter((line) => line.includes('"handled request"'))
    .map((line) => JSON.parse(line));
  const ca = () => fs.readFileSync(authority.file('ca.pem'));
  const agent = (from) => new https.Agent({
    ca: ca(), servername: HOST, localAddress: from, keepAlive: false,
  });
  function get(target, { from = HOME, method = 'GET', headers = {}, body } = {}) {
    return new Promise((resolve, reject) => {
      const req = https.request({
        host: '127.0.0.1', port, path: target, method, agent: agent(from),
        headers: { host: HOST, 'user-agent': 'a test', ...headers },
      }, (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part));
        res.on('error', reject);
        res.on('end', () => resolve({
          status: res.statusCode, headers: res.headers, raw: res.rawHeaders,
          text: Buffer.concat(parts).toString(),
        }));
      });
      req.on('error', reject);
      req.end(body);
    });
  }

  // Chromium takes this certificate, and QUIC for this name without having been told of it.
  function browse(target) {
    const certificate = new crypto.X509Certificate(fs.readFileSync(authority.file('server.crt')));
    const spki = crypto.createHash('sha256')
      .update(certificate.publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
    const home = makeFolder('overround-chromium');
    return new Promise((resolve, reject) => {
      execFile(process.env.CHROMIUM ?? '/usr/bin/chromium', ['--headless', '--no-sandbox',
        '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync',
        '--disable-component-update', `--user-data-dir=${home}`, '--enable-quic',
        `--origin-to-force-quic-on=${HOST}:${port}`, `--host-resolver-rules=MAP ${HOST} 127.0.0.1`,
        `--ignore-certificate-errors-spki-list=${spki}`, '--virtual-time-budget=20000',
        '--dump-dom', `https://${HOST}:${port}${target}`],
      { env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
        timeout: 120000 },
      (error, stdout) => {
        fs.rmSync(home, { recursive: true, force: true });
        if (error) reject(error);
        else resolve(stdout);
      });
    });
  }

  it('answers by HTTP/3 over QUIC, prices and pages', async (t) => {
    const before = requests().length;
    assert.match(await browse(`/v1/events/${event}`), /"2\.00"/);
    assert.match(await browse('/'), /<script/);
    const all = await eventually(() => {
      const now = requests().slice(before);
      assert.ok(now.some(({ request }) => request.uri === '/'), JSON.stringify(now));
      return now;
    });
    const plain = all.filter(({ request }) => !request.headers.Upgrade);
    for (const { request, status } of plain) {
      assert.equal(request.proto, 'HTTP/3.0', request.uri);
      assert.ok(status < 500, `${request.uri}: ${status}`);
    }
    assert.ok(plain.some(({ request }) => request.uri.startsWith('/assets/')));
    assert.ok(plain.every(({ request }) => /Chrome/.test(request.headers['User-Agent'])));
    t.diagnostic(`${plain.length} requests of Chromium, all HTTP/3.0`);
  });

  it('says so to who comes by TCP, once, with HSTS once', async () => {
    const { status, headers, raw } = await get('/v1/sports');
    assert.equal(status, 200);
    assert.equal(headers['alt-svc'], `h3=":${port}"; ma=2592000`);
    const hsts = raw.filter((_, i) => /^strict-transport-security$/i.test(raw[i - 1]));
    assert.deepEqual(hsts, ['max-age=31536000; includeSubDomains']);
  });

  it('the node knows who asks, and signs his country', async () => {
    const fan = await world.customer({ balance: '10.00' });
    const session = async (options) => JSON.parse((await get('/v1/sessions',
      { ...options, headers: { authorization: `Bearer ${fan.token}`, ...options.headers } })).text);
    assert.equal((await session({ from: HOME })).betting, true);
    const abroad = await session({ from: AWAY });
    assert.deepEqual([abroad.betting, abroad.reason], [false, 'country_refused']);
    const told = node.requests().filter((one) => one.path === '/v1/sessions').slice(-2);
    assert.deepEqual(told.map(({ address, country }) => [address, country]),
      [[HOME, 'MT'], [AWAY, 'US']]);
    assert.equal((await get('/v1/events', { from: AWAY })).status, 451);
  });

  it('nobody says by a header who he is, or what Caddy says to the node', async () => {
    const forged = {
      'x-forwarded-for': HOME, 'x-real-ip': HOME, forwarded: `for=${HOME}`,
      'x-edge-country': `MT;t=${Math.floor(Date.now() / 1000)};sig=${'0'.repeat(64)}`,
      'x-overround-country': 'MT', 'x-overround-edge': 'mine',
    };
    assert.equal((await get('/v1/events', { from: AWAY, headers: forged })).status, 451);
    assert.equal((await get('/v1/events', { from: HOME, headers: forged })).status, 200);
    const around = await node.get('/v1/events', { 'x-forwarded-for': HOME });
    assert.equal(around.status, 403, 'who goes round Caddy and does not know the secret');
  });

  it('a WebSocket passes, with prices', async () => {
    const client = await handshake(`127.0.0.1:${port}`, {
      headers: { Host: HOST, 'User-Agent': 'a test' },
      open: () => tls.connect({
        host: '127.0.0.1', port, servername: HOST, ca: ca(), localAddress: HOME,
        ALPNProtocols: ['http/1.1'],
      }),
    });
    assert.equal(client.answer.status, 101);
    await client.subscribe({ events: [String(event)] });
    await event.odds(market.oneXTwo('5.50'));
    assert.equal((await client.next('change')).events[0].markets[0].outcomes[0].odds, '5.50');
    await client.end();
  });

  it('Server-Sent Events come as they are sent', async () => {
    let text = '';
    const response = await new Promise((resolve, reject) => {
      https.get({
        host: '127.0.0.1', port, path: `/v1/events/${event}/stream`, agent: agent(HOME),
        headers: { host: HOST, 'user-agent': 'a test' },
      }, resolve).on('error', reject);
    });
    assert.equal(response.statusCode, 200);
    response.on('error', () => {});
    response.setEncoding('utf8').on('data', (more) => {
      text += more;
    });
    await eventually(() => assert.match(text, /"5\.50"/));
    await event.odds(market.oneXTwo('7.50'));
    await eventually(() => assert.match(text, /"7\.50"/));
    response.destroy();
  });

  it('a body that is too large reaches no process', async () => {
    const body = Buffer.alloc(70 * 1024, 'x');
    for (const length of [{ 'content-length': body.length }, { 'transfer-encoding': 'chunked' }]) {
      const { status } = await get('/v1/bets', { method: 'POST', body,
        headers: { 'content-type': 'application/json', ...length } });
      assert.equal(status, 413);
    }
    assert.deepEqual(node.requests().filter(({ path: to, origin }) => to === '/v1/bets' && origin),
      []);
  });

  it('a node that is gone is told as the house tells it', async () => {
    node.stop();
    const { status, headers, text } = await get('/v1/events');
    assert.deepEqual([status, JSON.parse(text).code], [503, 'busy']);
    assert.match(headers['content-type'], /^application\/problem\+json/);
    assert.equal(headers['cache-control'], 'no-store');
  });
});
