// A story of a whole cluster: pairs of each role under pressure, something
// happens, and afterwards everything that was answered is true.
'use strict';

const { World, market, eventually } = require('../../api/lib/world');
const { makeStore } = require('../../api/lib/store');
const { Fleet, PAIRS } = require('./fleet');
const { Feeder, Pressure } = require('./pressure');
const { Reads, readsOf } = require('./reads');

// settings: { counts, options, bus, store, fans, product }
async function openCluster(settings = {}) {
  const store = settings.store ?? makeStore({ kind: 'postgres' });
  const world = new World(store, {});
  world.server = new Fleet({
    store: store.url,
    counts: settings.counts ?? PAIRS,
    options: settings.options,
    ...(settings.bus && { bus: settings.bus }),
  });
  await world.server.start();
  return world;
}

async function underPressure(world, { fans = 12, events = 3, ...options } = {}) {
  await world.feed.up();
  const all = await Promise.all(
    Array.from({ length: events }, () => world.event(market.oneXTwo())),
  );
  const customers = await Promise.all(
    Array.from({ length: fans }, () => world.customer({ balance: '9000.00' })),
  );
  const feeder = new Feeder(world.server, all).start();
  const load = new Pressure(customers, all.map((event) => event.home()), options);
  load.start();
  await load.steady(); // every book has every event, and nobody joins a group any more
  const reads = new Reads(readsOf(world, { fans: customers, events: all })).start();
  return { load, feeder, reads, events: all, fans: customers };
}

// story(world, { load, feeder, reads, events, fans }): what happens.
async function storyOf(settings, story) {
  const world = await openCluster(settings);
  let pressure;
  try {
    pressure = await underPressure(world, settings);
    await story(world, pressure);
    await pressure.load.takes(Date.now());
    await pressure.reads.stop();
    await pressure.load.prove();
    await pressure.feeder.stop();
    for (const event of pressure.events) await eventually(() => event.result(1, 0, 0));
    await eventually(() => world.quiet(), { timeout: 60000, every: 1000 });
    world.audit();
    await world.server.stop();
  } catch (error) {
    error.message += `\n${world.server.log.slice(-6000)}`;
    throw error;
  } finally {
    for (const loop of ['load', 'feeder', 'reads']) if (pressure) pressure[loop].going = false;
    await world.server.kill();
    world.store.remove();
  }
}

// story(world, bus): a quiet cluster on a Kafka of its own, which something
// happens to.
async function storyOfKafka(kafka, settings, story) {
  const bus = kafka.bus();
  const world = await openCluster({ bus, ...settings });
  try {
    await world.feed.up();
    await story(world, bus);
    world.audit();
    await world.server.stop();
  } catch (error) {
    error.message += `\n${world.server.log.slice(-6000)}`;
    throw error;
  } finally {
    await world.server.kill();
    world.store.remove();
    kafka.stop();
  }
}

module.exports = { openCluster, underPressure, storyOf, storyOfKafka };
