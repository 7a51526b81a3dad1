// The alarms of the faults that these stories make, seen to fire and to clear.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { freeze } = require('../api/lib/frozen');
const { clears, fires } = require('./lib/alarms');
const { evening } = require('./lib/evening');

async function frozen(pid, meanwhile) {
  const thaw = freeze(pid);
  try {
    await meanwhile();
  } finally {
    thaw();
  }
}

const firstNumber = (...parts) => Number.parseInt(fs.readFileSync(path.join(...parts), 'utf8'), 10);

// Everything is refused or waits meanwhile: nobody bets.
test('Kafka frozen, then no process of feed and settle: alarms fire, and clear', () =>
  evening({}, async ({ release, load, feeder, reads, strangers }) => {
    const { rig } = release;
    await frozen(firstNumber(rig.folder, 'kafka/pid'), () =>
      fires(rig, 'KafkaDown', 'PartitionsSilent'));
    await clears(rig, 'KafkaDown', 'PartitionsSilent');

    const scale = (role, n) => rig.api.kubectl('scale', '-n', release.namespace,
      `deployment/${release.name}-overround-${role}`, `--replicas=${n}`);
    scale('feed', 0);
    scale('settle', 0);
    await fires(rig, 'FeedNoLeader', 'RoleDown');
    scale('feed', 2);
    scale('settle', 2);
    await clears(rig, 'FeedNoLeader', 'RoleDown');
    await release.ready();
    await load.steady({ timeout: 60000 });
    assert.ok(feeder.going && reads.going && strangers.going);
  }));

test('the store frozen: its alarm fires, and clears', () =>
  evening({}, async ({ release, load }) => {
    const { rig } = release;
    await frozen(firstNumber(rig.folder, `pg-${rig.read('primary')}`, 'data/postmaster.pid'), () =>
      fires(rig, 'StoreDown'));
    await clears(rig, 'StoreDown');
    await release.ready();
    await load.steady({ timeout: 60000 });
  }));
