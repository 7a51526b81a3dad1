// The image of an edge node (scripts/image.sh edge, or pack-edge): taken apart, and run
// with everything taken from it that can be, before a real server.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawn } = require('node:child_process');
const { createHash, X509Certificate } = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const net = require('node:net');
const path = require('node:path');
const tls = require('node:tls');
const { describe, test, before, after } = require('node:test');
const { openWorld, market, eventually } = require('../api/lib/world');
const { call } = require('../api/lib/http');
const { connect } = require('../api/lib/ws');
const { makeFolder, root } = require('../api/lib/store');
const { freePort } = require('../cluster/lib/ports');
const { mmdb } = require('../edge/lib/mmdb');
const { Podman } = require('./lib/podman');
const { json, open, walk } = require('./lib/archive');

const made = path.join(root, 'build/image/overround-edge.tar');
const archive = process.env.OVERROUND_TEST_EDGE_IMAGE ?? made;
const [version] = execFileSync(path.join(root, 'scripts/version.sh'), { encoding: 'utf8' })
  .trim().split(' ');
const name = `localhost/overround-edge:${version}`;
const SECRET = 'edge-secret-of-the-tests';
const HOST = 'www.example.com';
const AT_HOME = '203.0.113.7';

const secure = { rejectUnauthorized: false, servername: HOST };
const agent = new https.Agent({ ...secure, keepAlive: false });

// Folders that the node's user may write to, as an emptyDir is one.
function writable() {
  return ['/run/overround-edge', '/var/cache/overround-edge'].flatMap((at) => {
    const folder = makeFolder('overround-edge-writable');
    fs.chownSync(folder, 65532, 65532);
    return ['-v', `${folder}:${at}`];
  });
}

const many = { per_address: 1000000, per_network: 10000000, burst: 100000 };
function policy(port, origin) {
  const [host, its] = origin.split(':');
  return {
    hostnames: { public: HOST, direct: 'direct.example.com', operator: 'desk.example.com' },
    origins: [{ name: 'origin', host, port: Number(its), tls: false }],
    countries: { elsewhere: 'refused', unknown: 'refused' },
    jurisdictions: [{ name: 'home', betting: 'allowed', countries: ['MT'] }],
    rates: { login: many, money: many, read: many, stream: many },
    cdn: { networks: ['127.0.0.0/8'] },
    node: {
      listen: '127.0.0.1', port, certificate: '/run/overround-edge/tls.pem',
      geoip: '/etc/overround/country.mmdb',
    },
  };
}

// A new one; its serial number.
function certificate(folder) {
  fs.mkdirSync(folder, { recursive: true });
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
    'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${HOST}`, '-keyout',
    path.join(folder, 'tls.key'), '-out', path.join(folder, 'tls.crt')], { stdio: 'ignore' });
  fs.chmodSync(path.join(folder, 'tls.key'), 0o644); // of another user here
  return new X509Certificate(fs.readFileSync(path.join(folder, 'tls.crt'))).serialNumber;
}

describe('the image of an edge node', () => {
  const folder = makeFolder('overround-edge-image');
  const podman = new Podman(path.join(folder, 'podman'));
  const etc = path.join(folder, 'etc');
  let opened, paths, world, event, node, port;

  before(async () => {
    opened = open(archive, folder);
    paths = walk(opened.files);
    podman.load(archive);
    world = await openWorld({ proxies: 1, 'edge-secret': SECRET,
      'countries-allowed': 'MT' });
    event = await world.event(market.oneXTwo());
    port = await freePort();
    fs.mkdirSync(etc);
    fs.writeFileSync(path.join(etc, 'edge.yaml'), JSON.stringify(policy(port,
      world.server.public), null, 1));
    fs.writeFileSync(path.join(etc, 'country.mmdb'), mmdb({ '203.0.113.0/24': 'MT' }));
    fs.writeFileSync(path.join(etc, 'secret'), `${SECRET}\n`);
    certificate(path.join(etc, 'tls'));
    node = start(etc);
    await eventually(() => node.ask('GET', '/v1/sports').then((a) => assert.equal(a.status, 200)),
      { timeout: 60000 }).catch((error) => {
      error.message += `\n${node.log}`;
      throw error;
    });
  });
  after(async () => {
    node?.child.kill('SIGKILL');
    podman.remove();
    await world?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  const options = (from) => [...writable(), '-v', `${from}:/etc/overround`,
    '-e', 'OVERROUND_EDGE_SECRET_FILE=/etc/overround/secret', '-e', 'OVERROUND_EDGE_LOOK_S=1',
    '-e', 'OVERROUND_EDGE_WORKERS=1'];

  function start(from, more = []) {
    const [program, ...args] = podman.launcher(name, [...options(from), ...more]);
    const child = spawn(program, [...args, 'run'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const one = { child, log: '' };
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => { one.log += text; });
    one.ended = new Promise((resolve) => child.on('exit', resolve));
    one.headers = { host: HOST, 'user-agent': 'a test', 'x-forwarded-for': AT_HOME };
    one.ask = (method, target, more = {}) => call(method, `https://127.0.0.1:${port}${target}`,
      { ...more, agent, headers: { ...one.headers, ...more.headers } });
    return one;
  }

  const dial = () => tls.connect({ host: '127.0.0.1', port, ...secure });
  const serial = () => new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ...secure }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.end();
    });
    socket.on('error', reject);
  });

  test('who it runs as, what it starts, nothing setuid, little to write to', () => {
    const { config } = opened.config;
    assert.equal(config.User, '65532:65532');
    assert.deepEqual([config.Entrypoint, config.Cmd], [['/usr/bin/edge-node'], ['run']]);
    assert.equal(config.StopSignal, 'SIGTERM');
    assert.deepEqual(paths.filter(({ stat }) => (stat.mode & 0o6000) !== 0), []);
    const isLibrary = (file) => /^\/(usr\/lib|lib64)\/.*\.so(\.|$)/.test(file);
    const programs = paths.filter(({ stat, path: at }) =>
      stat.isFile() && (stat.mode & 0o111) !== 0 && !isLibrary(at)).map((p) => p.path).sort();
    assert.deepEqual(programs, ['busybox', 'edge-node', 'nginx', 'overround']
      .map((program) => `/usr/bin/${program}`));
    const writable = ({ stat }) => !stat.isSymbolicLink() &&
      (stat.uid === 65532 || stat.gid === 65532 || (stat.mode & 0o022) !== 0);
    assert.deepEqual(paths.filter(writable).map((p) => p.path)
      .filter((at) => at !== '/data').sort(), // Overround's own, not used here
      ['/run/overround-edge', '/tmp', '/var/cache/overround-edge']);
  });

  test('the SBOM names package and licence of every program and library', () => {
    const sbom = json(path.join(opened.files, opened.config.config.Labels['overround.sbom']));
    assert.match(sbom.name, /^overround-edge-/);
    const files = new Map(sbom.files.map((f) => [f.fileName.slice(1), f]));
    const linked = paths.filter((p) => p.stat.isFile() && (p.stat.mode & 0o111) !== 0 &&
      p.path !== '/usr/bin/edge-node');
    assert.ok(linked.length > 50, `${linked.length}`);
    assert.deepEqual(linked.map((p) => p.path).sort(), [...files.keys()].sort());
    for (const { path: at } of linked) {
      const sum = createHash('sha256').update(fs.readFileSync(path.join(opened.files, at)));
      const { checksumValue } = files.get(at).checksums.find((c) => c.algorithm === 'SHA256');
      assert.equal(checksumValue, sum.digest('hex'), at);
    }
    for (const wanted of ['nginx', 'libmodsecurity3', 'modsecurity-crs', 'busybox-static'])
      assert.ok(sbom.packages.some((p) => p.name === wanted && p.licenseDeclared), wanted);
    const label = opened.config.config.Labels['org.opencontainers.image.licenses'];
    if (label) { // of an image that make image-edge made
      assert.deepEqual(new Set(label.split(' AND ')), new Set(sbom.packages.map((p) =>
        p.licenseDeclared.includes(' OR ') ? `(${p.licenseDeclared})` : p.licenseDeclared)));
    }
    const scanned = fs.readdirSync(path.join(opened.files, 'var/lib/dpkg/status.d'));
    const debian = sbom.packages.filter((p) => /^pkg:deb/.test(p.externalRefs[0].referenceLocator));
    assert.deepEqual(scanned.sort(), debian.map((p) => p.name).sort());
  });

  test('a snapshot is kept, a bet goes through with the country signed, an attack does not',
    async () => {
      const [first, again] = [await node.ask('GET', `/v1/events/${event}`),
        await node.ask('GET', `/v1/events/${event}`)];
      assert.deepEqual([first.status, again.status], [200, 200]);
      assert.ok(again.headers['x-cache'], 'kept');
      world.server.call = node.ask;
      const customer = await world.customer({ balance: '20.00' });
      await customer.placed(event.home(), { stake: '1.00' });
      const abroad = await node.ask('POST', '/v1/accounts',
        { json: customer.fields, headers: { 'x-forwarded-for': '198.51.100.7' } });
      assert.equal(abroad.status, 451, abroad.text);
      const attack = await node.ask('GET', '/v1/events?sport=1%27%20or%201=1--%20');
      assert.equal(attack.status, 403, attack.text);
      await eventually(() => assert.match(node.log, /ModSecurity: Access denied/));
    });

  test('a new certificate is taken up while a stream stays open; a broken one is not', async () => {
    const headers = titled(node.headers);
    const stream = await connect(`127.0.0.1:${port}`, { headers, open: dial });
    await stream.subscribe({ events: [String(event)] });
    const its = certificate(path.join(etc, 'tls'));
    await eventually(async () => assert.equal(await serial(), its), { timeout: 60000 });
    await event.odds(market.oneXTwo('5.50'));
    await stream.next('change');
    await stream.end();
    const key = path.join(etc, 'tls/tls.key');
    const right = fs.readFileSync(key);
    const told = node.log.length;
    fs.writeFileSync(key, 'no key\n');
    await eventually(() => assert.match(node.log.slice(told), /goes on with what it had/),
      { timeout: 60000 });
    assert.equal(await serial(), its);
    fs.writeFileSync(key, right);
  });

  test('a wrong policy: a node that runs goes on, a new one ends with line and key', async () => {
    const file = path.join(etc, 'edge.yaml');
    const right = fs.readFileSync(file, 'utf8');
    const wrong = right.replace('"elsewhere": "refused"', '"elsewhere": "maybe"');
    const elsewhere = path.join(folder, 'wrong');
    fs.cpSync(etc, elsewhere, { recursive: true });
    fs.writeFileSync(path.join(elsewhere, 'edge.yaml'), wrong);
    const said = podman.run(name, options(elsewhere), ['run']);
    assert.equal(said.status, 1);
    assert.match(said.stderr, /edge\.yaml:\d+: countries\.elsewhere: /);
    fs.writeFileSync(file, wrong);
    await eventually(() => assert.match(node.log, /countries\.elsewhere/), { timeout: 60000 });
    assert.equal((await node.ask('GET', `/v1/events/${event}`)).status, 200);
    fs.writeFileSync(file, right);
  });

  test('the fan-out is killed: streams go past it, and another one is started', async () => {
    const watch = async (odds) => {
      const headers = titled(node.headers);
      const stream = await connect(`127.0.0.1:${port}`, { headers, open: dial });
      await stream.subscribe({ events: [String(event)] });
      await event.odds(market.oneXTwo(odds));
      await stream.next('change');
      await stream.end();
    };
    // what the node has of the origin's streams: the fan-out's, which is not a reader's
    const behind = () => world.metric('overround_stream_clients', 'kind="websocket"');
    await watch('3.10');
    await eventually(async () => assert.ok(await behind() > 0, 'the fan-out has a stream'));
    const done = podman.podman('exec', '--latest', '/usr/bin/sh', '-c',
      'for p in /proc/[0-9]*; do ! grep -q fano[u]t $p/cmdline || kill -9 ${p#/proc/}; done');
    assert.equal(done.status, 0, done.stderr);
    await watch('3.20');
    await eventually(() => assert.match(node.log, /the fan-out has ended: another one/));
    await watch('3.30');
  });

  test('an origin whose name leads elsewhere is looked up anew', async () => {
    const names = path.join(folder, 'names');
    const tell = (address) => fs.writeFileSync(names, `${address} origin.example.com\n`);
    tell('127.0.0.1');
    const dns = spawn('dnsmasq', ['--keep-in-foreground', '--port=53', '--listen-address=127.5.3.1',
      '--bind-interfaces', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--user=root',
      `--addn-hosts=${names}`, `--pid-file=${path.join(folder, 'dns.pid')}`], { stdio: 'ignore' });
    const elsewhere = path.join(folder, 'named');
    fs.cpSync(etc, elsewhere, { recursive: true });
    const own = await freePort();
    const its = policy(own, world.server.public);
    its.origins[0].host = 'origin.example.com';
    fs.writeFileSync(path.join(elsewhere, 'edge.yaml'), JSON.stringify(its));
    fs.writeFileSync(path.join(elsewhere, 'resolv.conf'), 'nameserver 127.5.3.1\n');
    const second = start(elsewhere, ['-v', `${elsewhere}/resolv.conf:/etc/resolv.conf`,
      '-e', 'OVERROUND_EDGE_LOOKUP_S=1']);
    try {
      await eventually(async () => {
        const answer = await call('GET', `https://127.0.0.1:${own}/v1/wallet`,
          { agent, headers: second.headers });
        assert.equal(answer.status, 401, answer.text); // the server's own word
      }, { timeout: 60000 });
      tell('127.5.3.2'); // where nobody is
      dns.kill('SIGHUP');
      await eventually(() => assert.match(second.log, /an origin is elsewhere: 127\.5\.3\.2/),
        { timeout: 60000 });
      await eventually(async () => {
        const answer = await call('GET', `https://127.0.0.1:${own}/v1/wallet`,
          { agent, headers: second.headers });
        assert.equal(answer.status, 503, answer.text);
      }, { timeout: 60000 });
    } finally {
      second.child.kill('SIGTERM');
      await second.ended;
      dns.kill();
    }
  });

  test('it leaves: it is not well any more, and serves on; and joins again', async () => {
    const health = () => node.ask('GET', '/edge/health', { headers: { host: 'x' } });
    const well = async () => (await health()).status;
    const say = (verb) => {
      const done = podman.podman('exec', '--latest', '/usr/bin/edge-node', verb);
      assert.equal(done.status, 0, done.stderr);
    };
    assert.equal(await well(), 200);
    say('leave');
    assert.equal(await well(), 503);
    assert.equal((await node.ask('GET', `/v1/events/${event}`)).status, 200);
    say('join');
    assert.equal(await well(), 200);
  });

  test('SIGTERM: no new connection, a stream has its half minute, then it ends well', async () => {
    const headers = titled(node.headers);
    const stream = await connect(`127.0.0.1:${port}`, { headers, open: dial });
    await stream.subscribe({ events: [String(event)] });
    node.child.kill('SIGTERM');
    await eventually(() => new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.destroy();
        reject(new Error('it takes connections'));
      });
      socket.on('error', resolve);
    }), { timeout: 60000 });
    await event.odds(market.oneXTwo('6.50'));
    await stream.next('change');
    await stream.end();
    assert.equal(await node.ended, 0, node.log.slice(-2000));
    assert.match(node.log, /drained/);
  });
});

const titled = (headers) => ({ Host: headers.host, 'User-Agent': headers['user-agent'],
  'X-Forwarded-For': headers['x-forwarded-for'] });
