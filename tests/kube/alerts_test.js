// The alarms of the faults that these stories make, seen to fire and to clear in the
// Prometheus beside the chart, by the rules that are shipped.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { call } = require('../api/lib/http');
const { eventually } = require('../api/lib/world');
const { evening } = require('./lib/evening');

async function firing(rig) {
  const query = encodeURIComponent('ALERTS{alertstate="firing"}');
  const { json } = await call('GET', `http://${rig.prometheus}/api/v1/query?query=${query}`);
  return new Set(json.data.result.map(({ metric }) => metric.alertname));
}

async function atAlertmanager(rig) {
  const { json } = await call('GET', `http://${rig.alertmanager}/api/v2/alerts?active=true`);
  return new Set(json.map(({ labels }) => labels.alertname));
}

async function fires(rig, ...names) {
  const from = Date.now();
  await eventually(async () => {
    const now = await firing(rig);
    for (const name of names) assert.ok(now.has(name), `${name} does not fire: ${[...now]}`);
    const told = await atAlertmanager(rig);
    for (const name of names) assert.ok(told.has(name), `${name} is not told: ${[...told]}`);
  }, { timeout: 180000, every: 500 });
  console.log(`# ${names.join(', ')}: fired after ${Math.round((Date.now() - from) / 1000)} s`);
}

async function clears(rig, ...names) {
  const from = Date.now();
  await eventually(async () => {
    const now = await firing(rig);
    for (const name of names) assert.ok(!now.has(name), `${name} fires still`);
  }, { timeout: 300000, every: 500 });
  console.log(`# ${names.join(', ')}: cleared after ${Math.round((Date.now() - from) / 1000)} s`);
}

// Everything is refused or waits meanwhile: nobody bets.
test('Kafka frozen, then no process of feed and settle: alarms fire, and clear', () =>
  evening({}, async ({ release, load, feeder, reads, strangers }) => {
    const { rig } = release;
    const kafka = Number(fs.readFileSync(path.join(rig.folder, 'kafka/pid'), 'utf8'));
    process.kill(kafka, 'SIGSTOP');
    try {
      await fires(rig, 'KafkaDown', 'PartitionsSilent');
    } finally {
      process.kill(kafka, 'SIGCONT');
    }
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
