// The production profile as large as a final wants it, on 200 nodes in three zones: the real
// scheduler places 1,000 pods.  The nodes are records with a heartbeat; nothing runs on them.
'use strict';

const assert = require('node:assert/strict');
const { test, after } = require('node:test');
const path = require('node:path');
const { root } = require('../api/lib/store');
const { eventually, sleep } = require('../api/lib/wait');
const { sharedRig } = require('./lib/rig');

const NODES = 200;
const ZONES = 3;
const REPLICAS = { feed: 2, odds: 64, bets: 200, settle: 34, web: 700 };
const NAMESPACE = 'spread';
const chart = path.join(root, 'deploy/helm/overround');

const nameOf = (n) => `fake-${n}`;
const zoneOf = (n) => `zone-${'abc'[n % ZONES]}`;

class FakeNodes {
  constructor(api) {
    this.api = api;
  }

  async each(act, jobs = 16) {
    const left = Array.from({ length: NODES }, (_, n) => n);
    const worker = async () => {
      for (let n = left.pop(); n !== undefined; n = left.pop()) await act(n);
    };
    await Promise.all(Array.from({ length: jobs }, worker));
  }

  async start() {
    await this.each(async (n) => {
      const labels = { 'topology.kubernetes.io/zone': zoneOf(n),
        'kubernetes.io/hostname': nameOf(n), fake: 'yes' };
      const metadata = { name: nameOf(n), labels };
      await this.api.ask('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata });
      const room = { cpu: '8', memory: '32Gi', pods: '110' };
      await this.api.patch(`/api/v1/nodes/${nameOf(n)}/status`, { status: {
        capacity: room, allocatable: room,
        conditions: [{ type: 'Ready', status: 'True', reason: 'Fake',
          lastHeartbeatTime: new Date().toISOString() }],
      } });
    });
    this.going = true;
    this.beating = this.beat();
    return this;
  }

  // As a kubelet renews its lease.
  async beat() {
    const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
    const spec = () => ({ leaseDurationSeconds: 40,
      renewTime: `${new Date().toISOString().slice(0, -1)}000Z` });
    await this.each((n) => this.api.ask('POST', leases, { apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease', metadata: { name: nameOf(n) },
      spec: { holderIdentity: nameOf(n), ...spec() } }));
    for (; this.going; await sleep(4000))
      await this.each((n) => this.api.patch(`${leases}/${nameOf(n)}`, { spec: spec() }));
  }

  async stop() {
    this.going = false;
    await this.beating;
    this.api.kubectl('delete', 'nodes', '-l', 'fake=yes', '--wait=false');
  }
}

const count = (list) => {
  const all = {};
  for (const one of list) all[one] = (all[one] ?? 0) + 1;
  return all;
};

test('1,000 pods of the production profile are spread over zones and nodes', async () => {
  const rig = sharedRig();
  const { api } = rig;
  const nodes = await new FakeNodes(api).start();
  after(() => nodes.stop());
  const sets = Object.entries(REPLICAS).flatMap(([role, replicas]) => [
    '--set', `roles.${role}.replicas=${replicas}`,
    '--set', `roles.${role}.autoscaling.enabled=false`,
    '--set', `roles.${role}.nodeSelector.fake=yes`,
  ]);
  const off = ['gateway', 'gateway.operator', 'migrations', 'archive', 'monitoring.serviceMonitor',
    'monitoring.prometheusRule'].flatMap((name) => ['--set', `${name}.enabled=false`]);
  const own = ['--kubeconfig', api.kubeconfig, '--namespace', NAMESPACE];
  try {
    await rig.command(rig.helm, ['install', 'final', chart, ...own, '--create-namespace',
      '--values', path.join(chart, 'profiles/production.yaml'), ...sets, ...off]);
    const from = Date.now();
    const pods = await eventually(async () => {
      const { items } = await api.get(`/api/v1/namespaces/${NAMESPACE}/pods`);
      const placed = items.filter(({ metadata, spec }) =>
        spec.nodeName && !metadata.deletionTimestamp);
      assert.equal(placed.length, 1000, `${placed.length} of ${items.length} are placed`);
      return placed;
    }, { timeout: 300000, every: 1000 });
    console.log(`# 1,000 pods placed in ${Math.round((Date.now() - from) / 1000)} s`);
    for (const role of Object.keys(REPLICAS)) {
      const mine = pods.filter(({ metadata }) =>
        metadata.labels['app.kubernetes.io/component'] === role);
      const zones = count(mine.map(({ spec }) => zoneOf(Number(spec.nodeName.split('-')[1]))));
      const hosts = Object.values(count(mine.map(({ spec }) => spec.nodeName)));
      console.log(`# ${role}: ${JSON.stringify(zones)}, at most ${Math.max(...hosts)} on a node`);
      const sizes = Object.values(zones);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `${role} over zones`);
    }
  } finally {
    await rig.command(rig.helm, ['uninstall', 'final', ...own]).catch(() => {});
    api.kubectl('delete', 'namespace', NAMESPACE, '--wait=false');
    api.kubectl('delete', 'priorityclasses', '-l', 'app.kubernetes.io/instance=final');
  }
});
