// A plain machine that becomes an edge node (deploy/edge/cloud-init.yaml): cloud-init itself
// judges the user data and writes its files, in a mount namespace; systemd and nft take what
// was written; and the machine's script brings the image, starts it by podman before a real
// server, leaves and drains.
'use strict';

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { execFileSync, spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { openWorld, market, eventually } = require('../api/lib/world');
const { call } = require('../api/lib/http');
const { makeFolder, makeStore, root } = require('../api/lib/store');
const { freePort } = require('../cluster/lib/ports');
const { mmdb } = require('../edge/lib/mmdb');
const { Podman } = require('./lib/podman');

const archive = process.env.OVERROUND_TEST_EDGE_IMAGE ??
  path.join(root, 'build/image/overround-edge.tar');
const sum = createHash('sha256').update(fs.readFileSync(archive)).digest('hex');
const SECRET = 'edge-secret-of-the-tests';
const HOST = 'www.example.com';
const many = { per_address: 1000000, per_network: 10000000, burst: 100000 };

function userData(names) {
  const words = Object.entries(names).map(([name, value]) => `${name}=${value}`);
  return spawnSync(path.join(root, 'scripts/edge_cloud_init.sh'), words, { encoding: 'utf8' });
}

// What the machine would have after cloud-init's write_files: { path: { mode, text } }.
const WRITTEN = ['/etc/overround', '/usr/local/lib', '/etc/systemd/system',
  '/etc/apt/apt.conf.d', '/etc/sysctl.d'];
function written(file, folder) {
  const script = `set -e
    for d in ${WRITTEN.join(' ')} /var/lib/cloud /run/cloud; do
      mkdir -p $d && mount -t tmpfs none $d; done
    touch ${folder}/nftables.conf && mount --bind ${folder}/nftables.conf /etc/nftables.conf
    cloud-init --file ${file} single --name write_files --frequency always
    systemd-analyze verify /etc/systemd/system/overround-edge*.service \
      /etc/systemd/system/overround-edge*.timer
    unshare -n sh -c 'nft -f /etc/nftables.conf && nft list ruleset' >${folder}/ruleset
    tar -cf ${folder}/written.tar ${WRITTEN.join(' ')} 2>/dev/null`;
  const done = spawnSync('unshare', ['-m', 'bash', '-c', script], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stdout + done.stderr);
  assert.doesNotMatch(done.stderr, /overround-edge.*:\d+:/, 'a unit that systemd does not like');
  execFileSync('tar', ['-C', folder, '-xf', path.join(folder, 'written.tar')]);
}

describe('a plain machine', () => {
  const folder = makeFolder('overround-box');
  const at = (...names) => path.join(folder, ...names);
  const podman = new Podman(at('podman'));
  let world, event, port, policy;

  before(async () => {
    world = await openWorld({ proxies: 1, 'edge-secret': SECRET, 'countries-allowed': 'MT' },
      { store: makeStore({ kind: 'sqlite' }) });
    event = await world.event(market.oneXTwo());
    port = await freePort();
    const [host, its] = world.server.public.split(':');
    policy = {
      hostnames: { public: HOST, direct: 'direct.example.com', operator: 'desk.example.com' },
      origins: [{ name: 'main', host, port: Number(its), tls: false }],
      countries: { elsewhere: 'refused', unknown: 'refused' },
      jurisdictions: [{ name: 'home', betting: 'allowed', countries: ['MT'] }],
      rates: { login: many, money: many, read: many, stream: many },
      cdn: { networks: ['127.0.0.0/8'] },
      node: { listen: '127.0.0.1', port, geoip: '/var/lib/overround-edge/country.mmdb' },
    };
    fs.writeFileSync(at('edge.yaml'), JSON.stringify(policy, null, 1));
    fs.writeFileSync(at('secret'), SECRET);
    fs.writeFileSync(at('countries.mmdb'), mmdb({ '203.0.113.0/24': 'MT' }));
    const data = userData({ POLICY: at('edge.yaml'), SECRET: at('secret'), LEAVE_S: 1,
      IMAGE: 'https://releases.example.com/overround-edge.tar', IMAGE_SUM: sum,
      DOMAIN: HOST, EMAIL: "o'ps@example.com", COUNTRIES: 'https://example.com/c.mmdb' });
    assert.equal(data.status, 0, data.stderr);
    fs.writeFileSync(at('user-data'), data.stdout);
    written(at('user-data'), folder);
  });
  after(async () => {
    podman.remove();
    await world?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('cloud-init takes the user data, and refuses it with a fault in it', () => {
    const schema = (file) => spawnSync('cloud-init', ['schema', '--config-file', file],
      { encoding: 'utf8' });
    const good = schema(at('user-data'));
    assert.equal(good.status, 0, good.stdout + good.stderr);
    fs.writeFileSync(at('bad'), fs.readFileSync(at('user-data'), 'utf8')
      .replace('write_files:\n  - path:', 'write_files:\n  - pfad:'));
    assert.notEqual(schema(at('bad')).status, 0);
    assert.ok(fs.statSync(at('user-data')).size < 16384, 'what EC2 takes');
  });

  test('what it writes: the policy as it was, secrets for nobody else', () => {
    assert.deepEqual(JSON.parse(fs.readFileSync(at('etc/overround/edge.yaml'), 'utf8')), policy);
    assert.equal(fs.readFileSync(at('etc/overround/secrets/edge'), 'utf8'), SECRET);
    for (const name of ['edge.conf', 'secrets/edge'])
      assert.equal(fs.statSync(at('etc/overround', name)).mode & 0o077, 0, name);
    const said = execFileSync('bash', ['-c', `. ${at('etc/overround/edge.conf')}; echo "$EMAIL"`]);
    assert.equal(said.toString(), "o'ps@example.com\n");
    const script = fs.readFileSync(at('usr/local/lib/overround/edge.sh'), 'utf8');
    assert.equal(script, fs.readFileSync(path.join(root, 'deploy/edge/box/edge.sh'), 'utf8'));
  });

  test('the packet filter lets TLS and ACME in, and nothing else', () => {
    const rules = fs.readFileSync(at('ruleset'), 'utf8');
    assert.match(rules, /hook input priority filter; policy drop;/);
    const open = [...rules.matchAll(/tcp dport (.*) accept/g)].map(([, ports]) => ports);
    assert.deepEqual(open, ['{ 80, 443 }']);
  });

  test('names that are missing or unknown are refused', () => {
    assert.match(userData({ POLICY: at('edge.yaml'), IMAGE: 'https://x/y' }).stderr, /IMAGE_SUM/);
    assert.match(userData({ POLICY: at('edge.yaml'), IMAGE: 'a:b', SIZE: 1 }).stderr, /SIZE/);
    fs.writeFileSync(at('wrong.yaml'), 'hostnames: {}\n');
    assert.match(userData({ POLICY: at('wrong.yaml'), IMAGE: 'a:b' }).stderr, /hostnames/);
  });

  // The machine's script with the machine's folders here, and an archive from a file.
  function machine() {
    const conf = fs.readFileSync(at('etc/overround/edge.conf'), 'utf8')
      .replace(/^IMAGE=.*$/m, `IMAGE=file://${archive}`)
      .replace(/^COUNTRIES=.*$/m, `COUNTRIES=file://${at('countries.mmdb')}`);
    fs.writeFileSync(at('etc/overround/edge.conf'), conf);
    fs.writeFileSync(at('storage.conf'), '[storage]\ndriver = "vfs"\n' +
      `graphroot = "${at('podman/root')}"\nrunroot = "${at('podman/run')}"\n`);
    for (const name of ['state', 'cache', 'run']) fs.mkdirSync(at(name), { recursive: true });
    fs.chownSync(at('cache'), 65532, 65532);
    return {
      ...podman.env, CONTAINERS_STORAGE_CONF: at('storage.conf'), LOG_DRIVER: 'k8s-file',
      FILES: '', OVERROUND_ETC: at('etc/overround'), OVERROUND_STATE: at('state'),
      OVERROUND_CACHE: at('cache'), RUNTIME_DIRECTORY: at('run'),
    };
  }

  test('brings the image by its sum, serves, leaves, drains', async () => {
    const env = machine();
    const script = at('usr/local/lib/overround/edge.sh');
    const run = (...args) => spawnSync(script, args, { encoding: 'utf8', env });
    fs.chownSync(at('etc/overround/secrets/edge'), 65532, 65532);
    const conf = fs.readFileSync(at('etc/overround/edge.conf'), 'utf8');
    fs.writeFileSync(at('etc/overround/edge.conf'), conf.replace(sum, sum.replace(/./g, '0')));
    assert.match(run('start').stderr, /is not what IMAGE_SUM says/);
    fs.writeFileSync(at('etc/overround/edge.conf'), conf);
    assert.equal(run('countries').status, 0);
    const child = spawn(script, ['start'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    let log = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => { log += text; });
    const ask = (method, target, more = {}) => call(method, `http://127.0.0.1:${port}${target}`, {
      ...more, headers: { host: HOST, 'user-agent': 'a test', 'x-forwarded-for': '203.0.113.7',
        ...more.headers } });
    await eventually(async () => {
      const answer = await ask('GET', `/v1/events/${event}`).catch((error) => {
        throw new Error(`${error.message}\n${log}`);
      });
      assert.equal(answer.status, 200);
    }, { timeout: 120000, every: 300 });
    world.server.call = ask;
    const customer = await world.customer({ balance: '20.00' });
    await customer.placed(event.home(), { stake: '1.00' });
    const well = async () => (await ask('GET', '/edge/health', { headers: { host: 'x' } })).status;
    assert.equal(await well(), 200);
    assert.equal(run('leave').status, 0);
    assert.equal(await well(), 503);
    assert.equal((await ask('GET', `/v1/events/${event}`)).status, 200, 'it serves on');
    const stopped = spawnSync('podman', ['stop', '--time', '60', 'overround-edge'], { env });
    assert.equal(stopped.status, 0, `${stopped.stderr}`);
    assert.equal(await ended, 0, log.slice(-2000));
    assert.match(log, /drained/);
  });
});
