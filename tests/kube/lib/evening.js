// A release under pressure: customers bet, operators and customers look, prices come,
// sockets are open, and every connection to a Service is new, so that a pod that ends too
// early is noticed.  Something happens, and afterwards all that was answered is true.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { World, eventually, sleep } = require('../../api/lib/world');
const { connect } = require('../../api/lib/ws');
const { Journal } = require('../../cluster/lib/journal');
const { underPressure } = require('../../cluster/lib/story');
const { draw } = require('./plot');
const { sharedRig } = require('./rig');
const { Release, rigStore } = require('./release');

// Looks by new connections at a Service itself: nobody sends again what failed.
class Strangers extends Journal {
  constructor(release, { every = 10 } = {}) {
    super();
    const [web, bets] = ['web', 'bets'].map((role) => release.service(role));
    this.targets = [`http://${web}/v1/events`, `http://${bets}/v1/wallet`];
    this.every = every;
  }

  one(url) {
    return new Promise((resolve, reject) => {
      const request = http.get(url, { agent: false, timeout: 5000 }, (response) => {
        response.resume();
        response.on('end', () => resolve({ status: response.statusCode, text: '' }));
        response.on('error', reject);
      });
      request.on('timeout', () => request.destroy(new Error('no answer in 5 s')));
      request.on('error', reject);
    });
  }

  async loop(n) {
    for (; this.going; await sleep(this.every))
      await this.ask('stranger', () => this.one(this.targets[n % this.targets.length]));
  }

  start() {
    this.going = true;
    this.done = Promise.all([0, 1, 2, 3].map((n) => this.loop(n)));
    return this;
  }

  // A wallet without a token is 401: an answer.
  get failed() {
    return this.entries.filter((entry) => ![200, 401].includes(entry.status));
  }

  async stop() {
    this.going = false;
    await this.done;
  }
}

// Streams through the edge: one that ends goes on elsewhere, by the clk it has.
class Watchers {
  constructor(release, events, { n = 8 } = {}) {
    Object.assign(this, { release, events: events.map(({ id }) => id), n });
    this.resumed = 0;
    this.images = 0; // after a resume: the server had to begin anew
    this.lost = []; // ended without a word, or could not come back
  }

  async follow() {
    let clk;
    while (this.going) {
      const client = await this.open(clk);
      if (!client) continue;
      this.clients.add(client);
      clk = await this.read(client, clk);
      this.clients.delete(client);
      if (this.going) this.resumed++;
    }
  }

  async open(clk) {
    try {
      const client = await connect(this.release.public);
      client.send({ op: 'subscribe', id: 1, events: this.events, ...(clk && { clk }) });
      return client;
    } catch (error) {
      if (this.going) this.lost.push(error.message);
      await sleep(100);
      return undefined;
    }
  }

  async read(client, since) {
    let clk = since;
    for (;;) {
      const change = await Promise.race([client.next('change').catch(() => {}), client.closed]);
      if (!change) return clk;
      if (since && change.img) this.images++;
      clk = change.clk;
    }
  }

  start() {
    this.going = true;
    this.clients = new Set();
    this.done = Promise.all(Array.from({ length: this.n }, () => this.follow()));
    return this;
  }

  async stop() {
    this.going = false;
    for (const client of this.clients) client.socket.destroy();
    await this.done;
  }
}

// What a story gets: { world, release, load, reads, feeder, strangers, watchers, events, fans,
// mark(what) } - now something happens, for the picture.
async function pressOn(world) {
  const pressure = await underPressure(world, { fans: 8 });
  const moments = [];
  return {
    from: Date.now(),
    moments,
    mark: (what) => moments.push({ at: Date.now(), what }),
    ...pressure,
    world,
    release: world.server,
    strangers: new Strangers(world.server).start(),
    watchers: new Watchers(world.server, pressure.events).start(),
  };
}

// Every answer holds, nothing was lost or doubled, the books are right.
async function prove(world, { load, reads, feeder, strangers, watchers, events }) {
  await load.takes(Date.now());
  await Promise.all([reads.stop(), strangers.stop(), watchers.stop()]);
  await load.prove();
  await feeder.stop();
  for (const event of events) await eventually(() => event.result(1, 0, 0));
  await eventually(() => world.quiet(), { timeout: 60000, every: 1000 });
  world.audit();
}

// story({ … }): what happens in a release of its own.  settings.plot: its picture's name.
async function evening(settings, story) {
  const rig = settings.rig ?? sharedRig();
  const world = new World(rigStore(rig), {});
  world.server = new Release(rig, { ...settings, store: world.store.url });
  let pressure;
  try {
    await world.server.start();
    pressure = await pressOn(world);
    await story(pressure);
    await prove(world, pressure);
    if (settings.plot)
      draw(settings.plot, pressure.load.entries, pressure.from, pressure.moments);
  } catch (error) {
    error.message += `\n${world.server.log.slice(-6000)}`;
    throw error;
  } finally {
    for (const loop of ['load', 'feeder', 'reads', 'strangers', 'watchers'])
      if (pressure) pressure[loop].going = false;
    await world.server.kill();
  }
}

const marks = ({ load, reads, strangers }) => ({
  load: load.entries.length, reads: reads.entries.length, strangers: strangers.entries.length,
});

// From the marks on nobody was failed: no bet, no look, no stranger.
function nobodyFailed({ load, reads, strangers }, since, why) {
  assert.deepEqual(load.not([201, 409], since.load).slice(0, 5), [], `bets: ${why}`);
  assert.deepEqual(reads.not([200], since.reads).slice(0, 5), [], `looks: ${why}`);
  const failed = strangers.not([200, 401], since.strangers);
  assert.deepEqual(failed.slice(0, 5), [], `new connections: ${why}`);
  assert.ok(strangers.entries.length > since.strangers + 100, 'strangers came');
}

module.exports = { Strangers, Watchers, evening, marks, nobodyFailed };
