// Roles in several clusters, each with a control plane of its own, on one store and one
// bus: what befalls one of them stays there.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, test, after } = require('node:test');
const { World, eventually, sleep } = require('../api/lib/world');
const { Fleet } = require('../cluster/lib/fleet');
const { underPressure } = require('../cluster/lib/story');
const { expose } = require('./lib/edge');
const { sharedRig } = require('./lib/rig');
const { Release, ROLES, rigStore } = require('./lib/release');

const NODES = 2;
let second;
after(() => second?.end());

// Releases in as many clusters, seen as one.
class Federation extends Fleet {
  constructor(rig, releases, { store }) {
    super({ store, bus: releases[0].bus });
    Object.assign(this, { rig, releases });
  }

  async start() {
    for (const release of this.releases) await release.start();
    await expose(this, 'follow');
    await eventually(() => this.led(), { timeout: 60000 });
    return this;
  }

  // One that cannot be reached has no pods to send anybody to.
  async look() {
    const seen = await Promise.all(this.releases.map(async (release) => {
      const late = new Promise((resolve) => { setTimeout(resolve, 1500).unref(); });
      const pods = release.look().then(() => release.members, () => undefined);
      return (await Promise.race([pods, late])) ?? [];
    }));
    this.members = seen.flat();
  }

  through(...args) {
    return Release.prototype.through.apply(this, args);
  }

  get log() {
    return this.releases.map((release) => release.log).join('\n');
  }

  async kill() {
    await this.edge?.stop();
    await Promise.all(this.releases.map((release) => release.kill()));
  }
}

const only = (...mine) => ({
  roles: Object.fromEntries(ROLES.filter((role) => !mine.includes(role))
    .map((role) => [role, { enabled: false }])),
});

// places: [[roles of the rig's cluster], [roles of the other one]]
async function apart([here, there], story) {
  const rig = sharedRig();
  second ??= rig.beside('b', 8, NODES);
  const world = new World(rigStore(rig), {});
  const settings = { store: world.store.url, edge: '' };
  const one = new Release(rig, { ...settings, values: only(...here) });
  const migrations = { enabled: false };
  const values = { ...only(...there), migrations };
  const other = new Release(second, { ...settings, bus: one.bus, values });
  world.server = new Federation(rig, [one, other], settings);
  try {
    await world.server.start();
    const pressure = await underPressure(world, { fans: 8 });
    await story({ world, one, other, ...pressure });
    await pressure.load.takes(Date.now(), 60000);
    await pressure.reads.stop();
    await pressure.load.prove();
    await pressure.feeder.stop();
    world.audit();
  } catch (error) {
    error.message += `\n${world.server.log.slice(-4000)}`;
    throw error;
  } finally {
    await world.server.kill();
  }
}

// The whole of it, the control plane too: nobody there can be asked anything.
const places = ['cp', ...Array.from({ length: NODES }, (_, n) => `n${n + 1}`)];
const cut = () => second.cluster('cut', ...places);
const heal = () => second.cluster('heal', ...places);

const quantile = (times, q) => [...times].sort((a, b) => a - b)[Math.floor(times.length * q)];
const times = (entries) => entries.filter((e) => e.answered).map((e) => e.answered - e.sent);

// Everybody opens a page at once, again and again.
async function storm(url, ms) {
  const end = Date.now() + ms;
  let answers = 0;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
  const once = () => new Promise((resolve) => {
    const request = http.get(url, { agent }, (response) => {
      response.resume();
      response.on('end', () => { answers++; resolve(); });
    });
    request.on('error', resolve);
  });
  await Promise.all(Array.from({ length: 64 }, async () => {
    while (Date.now() < end) await once();
  }));
  agent.destroy();
  return answers;
}

describe('clusters of their own', () => {
  test('a storm on web, and then its cluster is lost: bets go on, pages move', () =>
    apart([['feed', 'odds', 'bets', 'settle', 'web'], ['web']], async (all) => {
      const { world, load, reads } = all;
      const quiet = times(load.entries);
      const since = load.entries.length;
      const looks = await storm(`${world.server.publicUrl}/v1/events`, 10000);
      const under = times(load.entries.slice(since));
      assert.deepEqual(load.not([201, 409], since), []);
      console.log(`# ${looks} looks in 10 s; a bet's p50 ${quantile(under, 0.5)}, p99 ` +
        `${quantile(under, 0.99)} ms, before ${quantile(quiet, 0.5)} and ${quantile(quiet, 0.99)}`);

      const wallet = await all.fans[0].wallet();
      const mark = reads.entries.length;
      cut();
      const lost = Date.now();
      try {
        await eventually(() => {
          const there = (pod) => pod.ready && pod.release === all.other;
          assert.equal(world.server.of('web').filter(there).length, 0);
          assert.ok(world.server.edge.routed.web_public.length > 0);
        }, { timeout: 30000 });
        console.log(`# traffic moved ${Date.now() - lost} ms after the cluster was lost`);
        const moved = Date.now();
        await sleep(3000);
        const failed = reads.not([200], mark);
        assert.deepEqual(failed.filter((e) => e.sent > moved + 1000), [], 'after the move');
        // nginx has read its configuration again: connections that idled are gone.
        const noticed = load.not([201, 409], since).filter((e) => e.error !== 'ECONNRESET');
        assert.deepEqual(noticed, [], 'bets never noticed');
        const now = await all.fans[0].wallet();
        assert.ok(Number(now.balance) + Number(now.staked) <=
          Number(wallet.balance) + Number(wallet.staked) + 0.001, 'nothing came from nowhere');
      } finally {
        heal();
      }
    }));

  test('the cluster of bets is lost: pages say so, and it comes back by failover', () =>
    apart([['feed', 'odds', 'settle', 'web'], ['bets']], async (all) => {
      const { world, one, load, events } = all;
      cut();
      const lost = Date.now();
      try {
        const event = await world.server.call('GET', `/v1/events/${events[0].id}`);
        assert.equal(event.status, 200, 'prices are shown');
        const wallet = await eventually(async () => {
          const answer = await all.fans[0].call('GET', '/v1/wallet', { timeout: 90000 });
          assert.notEqual(answer.status, 200, 'nobody knows the balance');
          return answer;
        }, { timeout: 90000 });
        assert.equal(wallet.status, 503, wallet.text);
        assert.equal(wallet.code, 'busy');
        assert.doesNotMatch(wallet.text, /balance/);
        // Failover: the same release, with bets; its keys, sessions and bets are the store's.
        await one.upgrade(only('feed', 'odds', 'bets', 'settle', 'web'));
        await load.takes(Date.now(), 120000);
        console.log(`# bets again ${Date.now() - lost} ms after their cluster was lost (RTO); ` +
          'the journal proves that no acknowledged bet was (RPO 0)');
      } finally {
        heal();
      }
    }));
});
