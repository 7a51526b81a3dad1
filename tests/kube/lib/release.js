// The chart, installed: to a story it is a server like any other
// (api/lib/server.js, cluster/lib/fleet.js), whose members are pods.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { call } = require('../../api/lib/http');
const { makeFolder, psql, root } = require('../../api/lib/store');
const { OPERATOR_TOKEN } = require('../../api/lib/server');
const { eventually, sleep } = require('../../api/lib/wait');
const { Fleet } = require('../../cluster/lib/fleet');
const { One } = require('../../cluster/lib/one');
const { expose } = require('./edge');

const ROLES = ['feed', 'odds', 'bets', 'settle', 'web'];
const CHART = path.join(root, 'deploy/helm/overround');
const FAST = { 'password-kib': '64', 'password-passes': '1', 'bet-rate': '0', 'login-rate': '0',
  'producer-silence-s': '3600', partitions: '2', 'lease-ms': '3000' };

let releases = 0;

class Pod {
  constructor(release, object) {
    const { metadata, spec, status } = object;
    Object.assign(this, {
      release, name: metadata.name, uid: metadata.uid, node: spec.nodeName, ip: status.podIP,
      labels: metadata.labels, created: Date.parse(metadata.creationTimestamp),
      leaving: metadata.deletionTimestamp !== undefined,
      role: metadata.labels['app.kubernetes.io/component'],
      restarts: (status.containerStatuses ?? []).reduce((n, c) => n + c.restartCount, 0),
      ready: (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True'),
    });
    this.exit = this.leaving || undefined;
    this.server = this;
  }

  operate(method, route, options = {}) {
    return call(method, `http://${this.ip}:8081${route}`, { token: OPERATOR_TOKEN, ...options });
  }

  // Its processes, as the whole machine numbers them: the sandbox's is "pause".
  pids() {
    const all = this.release.rig.cluster('pids', this.uid).split('\n').filter(Boolean);
    return all.filter((pid) => fs.readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'pause');
  }

  kill() {
    for (const pid of this.pids()) process.kill(Number(pid), 'SIGKILL');
  }

  // As a drain does it: the disruption budget may refuse.
  evict() {
    return this.release.rig.api.ask(
      'POST', `/api/v1/namespaces/${this.release.namespace}/pods/${this.name}/eviction`,
      { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: this.name } },
    );
  }
}

const released = (Base) => class extends Base {
  // values: of the chart, beside those that the rig wants; config: settings.
  constructor(rig, options) {
    const { store, bus, values = {}, config = {}, counts = {}, edge = 'services' } = options;
    const id = `t${process.pid}x${++releases}`;
    super({ store, bus: bus ?? `${rig.bus}/${id}`, options: { ...FAST, ...config } });
    Object.assign(this, { rig, name: 'or', namespace: id, values, by: edge });
    this.replicas = { feed: 2, odds: 2, bets: 2, settle: 2, web: 2, ...counts };
    this.folder = makeFolder('overround-release');
  }

  // A list: what comes later wins, as of helm's own files.
  get files() {
    const roles = Object.fromEntries(ROLES.map((role) => [role, {
      replicas: this.replicas[role],
      resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '512Mi' } },
    }]));
    const { store, bus, options } = this;
    const rig = {
      mode: 'roles', store: { url: store }, bus: { url: bus }, roles,
      operatorToken: { existingSecret: 'operator' },
      config: { ...options, proxies: '1' },
      image: { pullPolicy: 'Never' },
    };
    return [rig, this.values].map((values, n) => {
      const file = path.join(this.folder, `${n}.json`);
      fs.writeFileSync(file, JSON.stringify(values));
      return file;
    });
  }

  get roles() {
    return ROLES.filter((role) => this.values.roles?.[role]?.enabled !== false);
  }

  helm(verb, ...args) {
    const { kubeconfig } = this.rig.api;
    return this.rig.command(this.rig.helm,
      [verb, ...args, '--kubeconfig', kubeconfig, '--namespace', this.namespace]);
  }

  upgrade(values = this.values, { wait = true, more = [] } = {}) {
    this.values = values;
    const files = this.files.flatMap((file) => ['--values', file]);
    const patience = wait ? ['--wait', '--timeout', '180s'] : [];
    return this.helm('upgrade', '--install', this.name, CHART, ...files, ...patience, ...more);
  }

  rollback(revision) {
    return this.helm('rollback', this.name, ...(revision ? [String(revision)] : []), '--wait',
      '--timeout', '180s');
  }

  async start({ ready = true } = {}) {
    if (this.events) this.before = this.events();
    this.rig.api.kubectl('create', 'namespace', this.namespace);
    this.rig.api.kubectl('label', 'namespace', this.namespace,
      'pod-security.kubernetes.io/enforce=restricted');
    this.rig.api.kubectl('create', 'secret', 'generic', 'operator', '-n', this.namespace,
      `--from-literal=token=${OPERATOR_TOKEN}`);
    await this.upgrade(this.values, { wait: ready });
    await this.servicesOf();
    if (this.by) await expose(this, this.by);
    if (ready && this.by) await this.ready();
    return this;
  }

  service(role) {
    return this.services.get(`${this.name}-overround-${role}`);
  }

  async servicesOf() {
    const { items } = await this.rig.api.get(`/api/v1/namespaces/${this.namespace}/services`);
    this.services = new Map(items.map((one) => [one.metadata.name, one.spec.clusterIP]));
  }

  // One that stands by takes no feed message, and while another takes over none does: whoever
  // pushes sends it again (OPERATE.md, "A rolling update").
  async through(method, route, options) {
    const end = Date.now() + 20000;
    for (;;) {
      const answer = await super.through(method, route, options);
      const isLed = answer.status !== 503 || !/standby|leads/.test(answer.text);
      if (route !== '/v1/feed' || isLed || Date.now() > end) return answer;
      await sleep(20);
    }
  }

  // What runs now.
  async look() {
    const { items } = await this.rig.api.get(`/api/v1/namespaces/${this.namespace}/pods`);
    const ours = items.filter((pod) => pod.status.podIP && pod.status.phase === 'Running' &&
      ROLES.includes(pod.metadata.labels['app.kubernetes.io/component']));
    this.members = ours.map((object) => new Pod(this, object));
    return this.members;
  }

  async ready() {
    await eventually(async () => {
      await this.look();
      for (const role of this.roles)
        assert.ok(this.alive(role).length > 0 && this.alive(role).every((pod) => pod.ready), role);
    }, { timeout: 120000, every: 200 });
    await eventually(() => this.led(), { timeout: 60000 });
  }

  alive(role) {
    return this.of(role).filter((pod) => !pod.leaving);
  }

  get exit() {
    return undefined;
  }

  get log() {
    return this.members
      .map((pod) => {
        try {
          return `--- ${pod.name}\n${this.rig.api.kubectl('logs', '-n', this.namespace, pod.name,
            '--tail=40')}`;
        } catch (error) {
          return `--- ${pod.name}: ${error.message}`;
        }
      })
      .join('\n');
  }

  get child() {
    throw new Error('a pod is no child of ours');
  }

  async stop() {
    await this.kill();
  }

  async kill() {
    if (this.ended) return;
    this.ended = true;
    await this.edge?.stop();
    await this.helm('uninstall', this.name, '--ignore-not-found').catch(() => {});
    this.rig.api.kubectl('delete', 'namespace', this.namespace, '--wait=false');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
};

// Pods come and go in it: what one of them has heard says nothing.
class Release extends released(Fleet) {}

// For the stories of the api, which look at once for what they have done.
class OneRelease extends released(One) {}

// A database of its own on the rig's PostgreSQL, by the URL that names both hosts.
let databases = 0;
function rigStore(rig) {
  const name = `t${process.pid}_${++databases}`;
  psql(rig.primary, `create database ${name}`);
  const inside = (url) => url.replace('/postgres?', `/${name}?`);
  return {
    kind: 'postgres', folder: makeFolder(), url: inside(rig.store),
    sql: (text) => psql(rig.primary.replace(/\/postgres$/, `/${name}`), text),
    remove: () => {},
  };
}

// For a story of the api (api/lib/server.js): its store is on the rig already.
function startRelease({ store, options, ready }) {
  const { sharedRig } = require('./rig');
  return new OneRelease(sharedRig(), { store, config: options }).start({ ready });
}

module.exports = { Release, Pod, ROLES, rigStore, startRelease };
