// What happens to a release by itself: processes die, nodes are emptied or lost, a store
// fails over.  Customers notice nothing that the edge can mend by asking again.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { eventually } = require('../api/lib/world');
const { nobodyWoken } = require('./lib/alarms');
const { evening, marks, nobodyFailed } = require('./lib/evening');
const { ROLES } = require('./lib/release');

const others = (pods, name) => pods.filter((pod) => pod.name !== name);

// As many pods of each role as there were, all ready.
async function whole(release, timeout = 120000) {
  await eventually(async () => {
    await release.look();
    for (const role of ROLES) {
      const ready = release.alive(role).filter((pod) => pod.ready);
      assert.ok(ready.length >= release.replicas[role], `${role}: ${ready.length} ready`);
    }
  }, { timeout, every: 300 });
}

// Looks through the edge, which asks another process when one does not answer.
function edgeFailedNobody({ load, reads }, since, why) {
  assert.deepEqual(load.not([201, 409], since.load).slice(0, 5), [], `bets: ${why}`);
  assert.deepEqual(reads.not([200], since.reads).slice(0, 5), [], `looks: ${why}`);
}

describe('a process', () => {
  test('kill -9 of one of each role: the edge asks another, nobody is failed', () =>
    evening({ edge: 'pods', plot: 'kill -9 of a pod' }, async (all) => {
      const { release } = all;
      for (const role of ROLES) {
        const since = marks(all);
        const [victim] = release.alive(role);
        const { restarts } = victim;
        all.mark(`kill -9: ${role}`);
        victim.kill();
        await eventually(async () => {
          const now = (await release.look()).find(({ name }) => name === victim.name);
          assert.ok(now.ready && now.restarts > restarts, `${role} is not back`);
        }, { timeout: 60000, every: 300 });
        await all.load.steady();
        edgeFailedNobody(all, since, `kill -9 ${role}`);
      }
      await nobodyWoken(release.rig, 'each process is back by itself');
    }));
});

const drain = (rig, node) =>
  rig.command(rig.api.program, ['--kubeconfig', rig.api.kubeconfig, 'drain', node,
    '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=180s']);

describe('a node', () => {
  test('is drained: one pod of a role at a time, and no request fails', () =>
    evening({ plot: 'drain of a node' }, async (all) => {
      const { release } = all;
      const { rig } = release;
      const node = release.alive('bets')[0].node;
      const since = marks(all);
      try {
        all.mark('kubectl drain');
        await drain(rig, node);
        await whole(release);
        all.mark('all pods are elsewhere');
        assert.ok(!release.members.some((pod) => !pod.leaving && pod.node === node));
        await all.load.steady();
        nobodyFailed(all, since, 'drain');
        await nobodyWoken(rig, 'a drain');
      } finally {
        rig.api.kubectl('uncordon', node);
      }
    }));

  test('two evictions of a role at once: the budget refuses the second', () =>
    evening({}, async ({ release }) => {
      const [one, other] = release.alive('bets');
      assert.equal((await one.evict()).status, 201);
      const refused = await other.evict();
      assert.equal(refused.status, 429, JSON.stringify(refused.json));
      assert.match(refused.json.message, /disruption budget/);
      await whole(release);
    }));

  // Not the first one: this machine reaches the Services through it.
  test('is lost: its pods are elsewhere within 60 s, no acknowledged bet is', () =>
    evening({ plot: 'loss of a node' }, async (all) => {
      const { release, load } = all;
      const { rig } = release;
      const victim = release.members.find((pod) => pod.role === 'bets' && !/n1$/.test(pod.node)) ??
        release.members.find((pod) => !/n1$/.test(pod.node));
      const n = victim.node.split('-')[1];
      all.mark('the node is cut off');
      rig.cluster('cut', n);
      const cut = Date.now();
      try {
        await eventually(async () => {
          await release.look();
          for (const role of ROLES) {
            const ready = release.alive(role)
              .filter((pod) => pod.ready && pod.node !== victim.node);
            assert.ok(ready.length >= release.replicas[role], role);
          }
        }, { timeout: 90000, every: 300 });
        console.log(`# all roles elsewhere ${Date.now() - cut} ms after the cut`);
        all.mark('its roles are elsewhere');
        assert.ok(Date.now() - cut < 60000, 'within 60 s');
        await load.steady({ timeout: 60000 });
      } finally {
        rig.cluster('heal', n);
      }
      await eventually(async () => {
        const path = `/api/v1/nodes/${victim.node}`;
        const { status } = await rig.api.get(path);
        assert.equal(status.conditions.find(({ type }) => type === 'Ready').status, 'True');
      }, { timeout: 60000, every: 500 });
    }));
});

describe('who is alone in what it does', () => {
  test('the feed that leads and an owner of partitions are evicted: others take over', () =>
    evening({}, async (all) => {
      const { release, load } = all;
      const leader = await release.leader();
      assert.equal((await leader.evict()).status, 201);
      await eventually(async () => {
        const now = await release.leader();
        assert.notEqual(now.name, leader.name);
      }, { timeout: 60000 });
      await load.steady({ timeout: 60000 });
      await whole(release);
      const owns = async (pod) => (await release.number(pod, 'overround_kafka_partitions')) > 0;
      const owner = (await Promise.all(release.alive('odds').map(async (pod) =>
        ((await owns(pod)) ? pod : undefined)))).find(Boolean);
      assert.ok(owner, 'somebody owns partitions');
      assert.equal((await owner.evict()).status, 201);
      await eventually(async () => {
        await release.look();
        const rest = others(release.alive('odds'), owner.name);
        const all2 = await Promise.all(rest.map((pod) =>
          release.number(pod, 'overround_kafka_partitions')));
        assert.ok(all2.reduce((a, b) => a + b, 0) >= release.partitions);
      }, { timeout: 60000 });
      await load.steady({ timeout: 60000 });
      await whole(release);
    }));
});

describe('the store', () => {
  // Last: the rig's standby is the primary afterwards.
  test('fails over under the chart: a pause, and nothing is lost', () =>
    evening({ plot: 'failover of PostgreSQL' }, async (all) => {
      const { release, load } = all;
      const lost = Date.now();
      all.mark('the primary is killed');
      await release.rig.failover();
      await load.takes(lost + 500, 60000);
      console.log(`# bets again ${Date.now() - lost} ms after the primary was killed`);
      await load.steady({ timeout: 60000 });
      assert.ok(release.members.every((pod) => pod.restarts === 0), 'a store restarts no pod');
    }));
});
