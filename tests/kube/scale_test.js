// Autoscaling on what customers feel: bets by how long they wait for their batch, web by
// its connections.  Up while it lasts, down when it is over.
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { World, eventually } = require('../api/lib/world');
const { connect } = require('../api/lib/ws');
const { underPressure } = require('../cluster/lib/story');
const { sharedRig } = require('./lib/rig');
const { Release, rigStore } = require('./lib/release');

const MINUTES = 240000;

// An autoscaler that this test need not wait ten minutes for.
const quick = {
  autoscaling: { scaleDownSeconds: 15 },
  patches: [{
    kind: 'HorizontalPodAutoscaler',
    patch: { spec: { behavior: { scaleDown: { policies: [
      { type: 'Pods', value: 2, periodSeconds: 5 },
    ] } } } },
  }],
};

async function scaled(settings, story) {
  const rig = sharedRig();
  const world = new World(rigStore(rig), {});
  const { values, ...rest } = settings;
  world.server = new Release(rig, {
    ...rest, store: world.store.url, values: { ...quick, ...values },
  });
  try {
    await world.server.start();
    await story(world);
    world.audit();
  } catch (error) {
    const { namespace } = world.server;
    error.message += `\n${rig.api.kubectl('describe', 'hpa', '-n', namespace)}`;
    throw error;
  } finally {
    await world.server.kill();
  }
}

const ready = (world, role) => world.server.alive(role).filter((pod) => pod.ready).length;

async function becomes(world, role, n) {
  const from = Date.now();
  await eventually(() => assert.equal(ready(world, role), n), { timeout: MINUTES, every: 500 });
  console.log(`# ${role}: ${n} ready after ${Math.round((Date.now() - from) / 1000)} s`);
}

// cpu: far away, so that what is tried is the role's own measure.
const own = (autoscaling) => ({ autoscaling: { enabled: true, min: 2, max: 6, cpu: 1000,
  ...autoscaling } });

test('bets: 2 -> 6 while they wait for their batches, and 2 again', () =>
  // A lane that commits four times a second makes everybody wait.
  scaled({
    config: { 'pace-us': '250000' },
    values: { roles: { bets: own({ queueDelay: '20m' }) } },
  }, async (world) => {
    const { load, reads, feeder } = await underPressure(world, { fans: 40 });
    await becomes(world, 'bets', 6);
    await Promise.all([reads.stop(), load.prove(), feeder.stop()]);
    assert.deepEqual(load.failures(), []);
    await becomes(world, 'bets', 2);
  }));

test('web: 2 -> 6 on connections, and 2 again when they are gone', () =>
  scaled({ values: { roles: { web: own({ connections: '5' }) } } }, async (world) => {
    const sockets = await Promise.all(
      Array.from({ length: 60 }, () => connect(world.server.public)),
    );
    await becomes(world, 'web', 6);
    for (const client of sockets) client.socket.destroy();
    await becomes(world, 'web', 2);
  }));
