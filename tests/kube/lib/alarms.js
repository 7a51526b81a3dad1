// What is alarmed of, by the rules that are shipped, in the Prometheus and the Alertmanager
// beside the chart.
'use strict';

const assert = require('node:assert/strict');
const { call } = require('../../api/lib/http');
const { eventually } = require('../../api/lib/world');

async function firing(rig, more = '') {
  const query = encodeURIComponent(`ALERTS{alertstate="firing"${more}}`);
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

// What heals by itself wakes nobody.
async function nobodyWoken(rig, why) {
  const pages = [...await firing(rig, ',severity="page"')];
  assert.deepEqual(pages, [], `${why}, and yet: ${pages}`);
}

module.exports = { fires, clears, nobodyWoken };
