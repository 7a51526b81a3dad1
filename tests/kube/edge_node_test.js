// An edge node's chart, installed: pages, prices and bets go through its pods to a server on
// this machine, and an operator rolls it out, drains a machine and makes mistakes while
// customers look and bet.  No request fails that a customer would see.
'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const { X509Certificate } = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const { after, before, describe, test } = require('node:test');
const { call } = require('../api/lib/http');
const { makeFolder, makeStore, root } = require('../api/lib/store');
const { eventually, market, newKey, openWorld, sleep } = require('../api/lib/world');
const { connect } = require('../api/lib/ws');
const { Journal } = require('../cluster/lib/journal');
const { script, sharedRig } = require('./lib/rig');

const CHART = path.join(root, 'deploy/helm/overround-edge');
const HOST = 'www.example.com';
const SECRET = 'edge-secret-of-the-tests';
const secure = { rejectUnauthorized: false, servername: HOST };
const PATIENCE = { timeout: 180000, every: 300 };
const many = { per_address: 1000000, per_network: 10000000, burst: 100000 };

// The image: what make image-edge made, or else Overround's with this machine's nginx.
function image() {
  const made = path.join(root, 'build/image/overround-edge.tar');
  if (fs.existsSync(made)) return made;
  const packed = path.join(root, 'build/image/edge-packed.tar');
  const version = fs.readFileSync(path.join(root, 'VERSION'), 'utf8').trim();
  execFileSync(script('image.sh'),
    ['pack-edge', path.join(root, 'build/image/overround.tar'), version, packed],
    { stdio: ['ignore', 'ignore', 'inherit'] });
  return packed;
}

// A release of the chart in a namespace of its own.
class Node {
  constructor(rig, origin) {
    this.rig = rig;
    this.namespace = `edge${process.pid}`;
    this.folder = makeFolder('overround-edge-node');
    const [host, port] = origin.split(':');
    this.values = {
      image: { pullPolicy: 'Never' },
      service: { type: 'ClusterIP' },
      tls: { existingSecret: 'tls' },
      secrets: { existingSecret: 'edge' },
      workers: 1,
      resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '512Mi' } },
      lifecycle: { preStopSeconds: 5 },
      policy: {
        hostnames: { public: HOST, direct: 'direct.example.com', operator: 'desk.example.com' },
        origins: [{ name: 'main', host, port: Number(port), tls: false }],
        countries: { elsewhere: 'refused', unknown: 'allowed' },
        rates: { login: many, money: many, read: many, stream: many },
        connections: { per_address: 10000 },
      },
    };
    this.agent = new https.Agent({ ...secure, keepAlive: false });
  }

  certificate() {
    const at = (name) => path.join(this.folder, name);
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt',
      'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${HOST}`,
      '-keyout', at('tls.key'), '-out', at('tls.crt')], { stdio: 'ignore' });
    const made = this.kubectl('create', 'secret', 'tls', 'tls', '--dry-run=client', '-o', 'json',
      `--cert=${at('tls.crt')}`, `--key=${at('tls.key')}`);
    fs.writeFileSync(at('tls.json'), made);
    this.kubectl('apply', '-f', at('tls.json'));
    return new X509Certificate(fs.readFileSync(at('tls.crt'))).serialNumber;
  }

  kubectl(...args) {
    return this.rig.api.kubectl('-n', this.namespace, ...args);
  }

  async install() {
    this.rig.api.kubectl('create', 'namespace', this.namespace);
    this.rig.api.kubectl('label', 'namespace', this.namespace,
      'pod-security.kubernetes.io/enforce=restricted');
    this.certificate();
    this.kubectl('create', 'secret', 'generic', 'edge', `--from-literal=edge=${SECRET}`);
    await this.upgrade({});
    this.ip = this.kubectl('get', 'service', 'or-overround-edge', '-o',
      'jsonpath={.spec.clusterIP}');
    await eventually(async () => {
      const { status, text } = await this.ask('GET', '/v1/sports');
      assert.equal(status, 200, `${text}\n${this.kubectl('logs', 'deploy/or-overround-edge')}`);
    }, PATIENCE);
    return this;
  }

  helm(verb, ...args) {
    return this.rig.command(this.rig.helm, [verb, ...args, '--kubeconfig',
      this.rig.api.kubeconfig, '--namespace', this.namespace]);
  }

  upgrade(more, { wait = true, options = [] } = {}) {
    const files = [this.values, more].map((values, n) => {
      const file = path.join(this.folder, `${n}.json`);
      fs.writeFileSync(file, JSON.stringify(values));
      return ['--values', file];
    });
    return this.helm('upgrade', '--install', 'or', CHART, ...files.flat(),
      ...(wait ? ['--wait', '--timeout', '180s'] : []), ...options);
  }

  ask(method, target, more = {}) {
    return call(method, `https://${this.ip}${target}`, {
      agent: this.agent, noRetry: true, timeout: 20000, ...more,
      headers: { host: HOST, 'user-agent': 'a test', ...more.headers },
    });
  }

  async pods() {
    const { items } = await this.rig.api.get(`/api/v1/namespaces/${this.namespace}/pods?` +
      'labelSelector=app.kubernetes.io/component%3Dedge');
    return items.map(({ metadata, spec, status }) => ({
      name: metadata.name, uid: metadata.uid, node: spec.nodeName,
      leaving: metadata.deletionTimestamp !== undefined,
      restarts: (status.containerStatuses ?? []).reduce((n, c) => n + c.restartCount, 0),
      ready: (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True'),
    }));
  }

  // Until none of these pods is there, and two others are ready.
  replaced(uids) {
    return eventually(async () => {
      const now = await this.pods();
      assert.ok(!now.some(({ uid }) => uids.has(uid)), 'an old pod is there');
      assert.ok(now.filter(({ ready, leaving }) => ready && !leaving).length >= 2);
    }, PATIENCE);
  }

  dial() {
    return tls.connect({ host: this.ip, port: 443, ...secure });
  }

  serial() {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host: this.ip, port: 443, ...secure }, () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.end();
      });
      socket.on('error', reject);
    });
  }

  async remove() {
    await this.helm('uninstall', 'or', '--ignore-not-found').catch(() => {});
    this.rig.api.kubectl('delete', 'namespace', this.namespace, '--wait=false');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

// Readers and bettors, each request by a connection of its own: nobody sends again what
// failed.  And streams, which go on at another pod when theirs goes.
class Crowd extends Journal {
  constructor(node, fans, event) {
    super();
    Object.assign(this, { node, fans, event, going: true, resumed: 0 });
    const read = () => this.ask('read', () => node.ask('GET', `/v1/events/${event}`));
    const bets = fans.map((fan) => () => this.ask('bet', () => fan.call('POST', '/v1/bets', {
      key: newKey('crowd'),
      json: { stake: '0.10', type: 'single', accept: 'any', legs: [event.home()] },
    })));
    const loops = [...Array(4).fill(read), ...bets].map((one) => this.loop(one));
    this.done = Promise.all([...loops, this.follow()]);
  }

  async loop(one) {
    for (; this.going; await sleep(20)) await one();
  }

  async follow() {
    const headers = { Host: HOST, 'User-Agent': 'a test' };
    for (; this.going; await sleep(50)) {
      try {
        const open = () => this.node.dial();
        this.stream = await connect(`${this.node.ip}:443`, { headers, open });
        await this.stream.subscribe({ events: [String(this.event)] });
        await this.stream.closed;
        if (this.going) this.resumed++;
      } catch (error) {
        if (this.going) this.entries.push({ name: 'stream', answered: 1, error: error.message });
      }
    }
  }

  // As much again of either as there was time for.
  async more(n = 100) {
    const since = this.entries.length;
    await eventually(() => {
      for (const name of ['read', 'bet']) {
        const its = this.entries.slice(since).filter((e) => e.name === name && e.answered);
        assert.ok(its.length >= n, `${its.length} of ${name}`);
      }
    }, PATIENCE);
  }

  failed() {
    const good = { read: 200, bet: 201 };
    return this.entries.filter((e) => e.answered && e.status !== good[e.name]);
  }

  async stop() {
    this.going = false;
    this.stream?.socket.destroy();
    await this.done;
  }
}

describe('an edge node on Kubernetes', () => {
  let rig, world, event, node, fans;

  before(async () => {
    rig = sharedRig();
    await rig.image(image());
    world = await openWorld({
      listen: `${rig.address}:0`, proxies: 1, 'edge-secret': SECRET, 'countries-allowed': 'XX',
    }, { store: makeStore({ kind: 'sqlite' }) });
    event = await world.event(market.oneXTwo());
    const port = world.server.public.split(':')[1];
    node = await new Node(rig, `${rig.address}:${port}`).install();
    world.server.call = (...args) => node.ask(...args);
    fans = await Promise.all([1, 2].map(() => world.customer({ balance: '900.00' })));
  });
  after(async () => {
    await node?.remove();
    await world?.close();
  });

  // Nothing of a story before is still on its way.
  const settled = () => eventually(async () => {
    const now = await node.pods();
    assert.ok(now.length === 2 && now.every((pod) => pod.ready && !pod.leaving));
  }, PATIENCE);

  // Customers come, something happens, and none of them was failed.
  async function during(t, what, story) {
    await settled();
    const crowd = new Crowd(node, fans, event);
    try {
      await crowd.more();
      await story(crowd);
      await crowd.more();
    } finally {
      await crowd.stop();
    }
    const [reads, bets] = ['read', 'bet'].map((name) =>
      crowd.entries.filter((e) => e.name === name).length);
    const failed = crowd.failed();
    t.diagnostic(`${what}: ${reads} reads and ${bets} bets by new connections, ${failed.length} ` +
      `failed; the stream went on elsewhere ${crowd.resumed} times`);
    assert.deepEqual(failed.slice(0, 5), [], what);
    return crowd;
  }

  const uids = async () => new Set((await node.pods()).map(({ uid }) => uid));

  test('pages, a snapshot that is kept, a bet with its country, a stream', async () => {
    assert.equal((await node.ask('GET', '/')).status, 200);
    assert.ok((await node.ask('GET', `/v1/events/${event}`)).headers['x-cache']);
    await fans[0].placed(event.home(), { stake: '1.00' });
    const headers = { Host: HOST, 'User-Agent': 'a test' };
    const stream = await connect(`${node.ip}:443`, { headers, open: () => node.dial() });
    await stream.subscribe({ events: [String(event)] });
    await event.odds(market.oneXTwo('2.10'));
    await stream.next('change');
    const [{ status: { podIP } }] = (await rig.api.get(
      `/api/v1/namespaces/${node.namespace}/pods?labelSelector=app.kubernetes.io/component%3Dedge`,
    )).items;
    const metrics = await call('GET', `http://${podIP}:9145/metrics`);
    assert.match(metrics.text, /^overround_fanout_/m);
    await stream.end();
  });

  test('a rolling restart: nobody is failed, streams go on elsewhere', (t) =>
    during(t, 'rolling restart', async (crowd) => {
      const old = await uids();
      await node.upgrade({ podAnnotations: { again: '1' } });
      await node.replaced(old);
      assert.ok(crowd.resumed > 0, 'the stream went elsewhere');
    }));

  // What the pause is for; and that the story above can fail.
  test('without a pause before the end new connections are refused', async () => {
    const crowd = new Crowd(node, fans, event);
    const atOnce = { lifecycle: { preStopSeconds: 0 } };
    try {
      await node.upgrade(atOnce);
      for (let n = 0; n < 6 && crowd.failed().length === 0; n++) {
        const old = await uids();
        await node.upgrade({ ...atOnce, podAnnotations: { again: `${n}n` } });
        await node.replaced(old);
      }
    } finally {
      await crowd.stop();
      await node.upgrade({});
    }
    assert.ok(crowd.failed().length > 0, 'nobody noticed');
  });

  test('a wrong policy: nothing is changed; forced, the old pods serve on', (t) =>
    during(t, 'a wrong policy', async (crowd) => {
      const policy = { canary: { percent: 5 } }; // of which no origin is
      const old = await uids();
      await assert.rejects(node.upgrade({ policy }, { options: ['--timeout', '90s'] }));
      const said = node.kubectl('logs', 'job/or-overround-edge-check');
      assert.match(said, /edge\.yaml:\d+: canary\.percent/);
      assert.deepEqual(await uids(), old);
      await node.upgrade({ policy }, { wait: false, options: ['--no-hooks'] });
      await eventually(async () => {
        const fresh = (await node.pods()).filter(({ uid }) => !old.has(uid));
        assert.ok(fresh.some(({ restarts, ready }) => !ready && restarts > 0), 'it cannot start');
      }, PATIENCE);
      // An old pod that goes now is made anew with the policy it had.
      const [first] = [...old];
      const victim = (await node.pods()).find(({ uid }) => uid === first);
      node.kubectl('delete', 'pod', victim.name, '--wait=false');
      await eventually(async () => {
        const serve = (await node.pods()).filter((pod) => pod.ready && !pod.leaving);
        assert.ok(serve.length === 2 && !serve.some(({ uid }) => uid === first));
      }, PATIENCE);
      await crowd.more();
      const ready = (await node.pods()).filter((pod) => pod.ready);
      const serving = new Set(ready.map(({ uid }) => uid));
      await node.upgrade({});
      await eventually(async () => assert.deepEqual(await uids(), serving), PATIENCE);
    }));

  test('a machine is drained: its pods go one by one', (t) =>
    during(t, 'a drained machine', async () => {
      const [{ node: machine }] = await node.pods();
      try {
        await rig.command(rig.api.program, ['--kubeconfig', rig.api.kubeconfig, 'drain', machine,
          '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s',
          `--pod-selector=app.kubernetes.io/name=overround-edge`]);
        await eventually(async () => {
          const now = await node.pods();
          assert.ok(now.every((pod) => pod.node !== machine && pod.ready), 'elsewhere');
          assert.equal(now.length, 2);
        }, PATIENCE);
      } finally {
        rig.api.kubectl('uncordon', machine);
      }
    }));

  test('another certificate: the same pods have it, without a restart', (t) =>
    during(t, 'another certificate', async () => {
      const old = await node.pods();
      const serial = node.certificate();
      for (let same = 0; same < 10; same++) {
        await eventually(async () => assert.equal(await node.serial(), serial), PATIENCE);
      }
      const now = await node.pods();
      assert.deepEqual(now.map(({ uid, restarts }) => [uid, restarts]),
        old.map(({ uid, restarts }) => [uid, restarts]));
    }));

  test('the books agree', () => world.audit());
});
