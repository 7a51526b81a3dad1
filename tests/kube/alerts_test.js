// The alarms of the faults that these stories make, seen to fire and to clear.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { clears, fires } = require('./lib/alarms');
const { evening } = require('./lib/evening');

// A process and its children, which do nothing until it is over.
async function frozen(pid, meanwhile) {
  const parent = (n) => Number(/\) \S (\d+) /.exec(fs.readFileSync(`/proc/${n}/stat`, 'utf8'))[1]);
  process.kill(pid, 'SIGSTOP'); // has no more children from here on
  const children = fs.readdirSync('/proc').filter((n) => /^\d+$/.test(n)).map(Number)
    .filter((n) => {
      try {
        return parent(n) === pid;
      } catch {
        return false; // it has ended
      }
    });
  const signal = (name) => [...children, pid].forEach((n) => {
    try {
      process.kill(n, name);
    } catch { /* it has ended */ }
  });
  signal('SIGSTOP');
  try {
    await meanwhile();
  } finally {
    signal('SIGCONT');
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
