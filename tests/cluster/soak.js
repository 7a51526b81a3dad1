// A steady load, of bets and of looks, and one fault a minute, drawn at random;
// at the end everything that was answered is proven, and the books are audited.
//   node tests/cluster/soak.js MINUTES [SEED]
// One line a minute; the last line sums it up.  Exit code 1: something is wrong.
'use strict';

const assert = require('node:assert/strict');
const mulberry32 = require('../property/mulberry32');
const { market, eventually, sleep } = require('../api/lib/world');
const { makeStore } = require('../api/lib/store');
const { Kafka } = require('./lib/kafka');
const { Pair } = require('./lib/pair');
const { openCluster, underPressure } = require('./lib/story');

const minutes = Number(process.argv[2] ?? 5);
const seed = Number(process.argv[3] ?? Date.now() % 1e9);
const random = mulberry32(seed);
const pick = (list) => list[random() % list.length];

const member = ({ world }) => pick(world.server.members);
const named = (one, world) => `${one.role}-${world.server.of(one.role).indexOf(one) + 1}`;

// Each says what it did when it has been made good again.
const faults = {
  async kill(soak) {
    const one = member(soak);
    await one.server.kill();
    await sleep(3000);
    await soak.world.server.relaunch(one);
    return named(one, soak.world);
  },
  async terminate(soak) {
    const one = member(soak);
    await one.server.stop();
    await soak.world.server.relaunch(one);
    return named(one, soak.world);
  },
  async freeze(soak) {
    const one = member(soak);
    one.server.child.kill('SIGSTOP');
    await sleep(8000);
    one.server.child.kill('SIGCONT');
    return `${named(one, soak.world)} for 8 s`;
  },
  async 'kafka-kill'(soak) {
    soak.kafka.kill();
    await sleep(15000);
    soak.kafka.restart();
    return 'back after 15 s';
  },
  async 'kafka-freeze'(soak) {
    soak.kafka.pause();
    await sleep(10000);
    soak.kafka.resume();
    return 'for 10 s';
  },
  // Long enough that it sells nothing any more.
  async cut(soak) {
    const { wire } = soak.kafka;
    wire.cut();
    await sleep(33000);
    wire.mend();
    return `${named(soak.wired, soak.world)} from Kafka for 33 s`;
  },
  async primary(soak) {
    soak.pair.killPrimary();
    await sleep(500);
    soak.pair.promote();
    await sleep(10000);
    soak.pair.rebuild();
    return 'killed, standby promoted, a new one made';
  },
};

// A feed that must be heard goes on until it is.
const heard = (act) => eventually(act, { timeout: 60000, every: 500 });

// Events end and others begin: settlement has something to do.
async function season(soak) {
  const { load, feeder } = soak.pressure;
  const event = await heard(() => soak.world.event(market.oneXTwo()));
  const over = feeder.events.shift();
  feeder.events.push(event);
  load.legs = feeder.events.map((e) => e.home());
  await heard(() => over.result(1, 0, 0));
}

async function minute(soak, n) {
  const { load } = soak.pressure;
  const begun = Date.now();
  const from = load.entries.length;
  const name = pick(Object.keys(faults));
  const what = await faults[name](soak);
  const healed = Date.now();
  await load.takes(healed, 60000);
  const back = ((Date.now() - healed) / 1000).toFixed(1);
  for (let i = 0; i < 3; i++) {
    await season(soak);
    await sleep(Math.max(0, begun + 60000 * ((i + 1) / 3) - Date.now()));
  }
  const all = load.entries.slice(from).filter((e) => e.answered);
  const counts = {};
  for (const e of all) counts[e.status ?? 'none'] = (counts[e.status ?? 'none'] ?? 0) + 1;
  console.log(`${n}. ${name}: ${what}; bets again after ${back} s; ${JSON.stringify(counts)}`);
}

// Answers that nothing accounts for: neither a verdict nor "not now".
function strangeOf({ load, reads, feeder }) {
  const all = [...load.failures(), ...reads.not([200, 503]), ...feeder.not([202, 503])];
  return all.filter((e) => e.status !== undefined);
}

async function finish(soak) {
  const { world, pressure } = soak;
  await pressure.reads.stop();
  await pressure.load.prove();
  await pressure.feeder.stop();
  for (const event of pressure.feeder.events) await heard(() => event.result(1, 0, 0));
  await eventually(() => world.quiet(), { timeout: 60000, every: 1000 });
  world.audit();
  const { entries } = pressure.load;
  const looks = pressure.reads.entries;
  const strange = strangeOf(pressure);
  console.log(JSON.stringify({
    seed,
    minutes,
    requests: entries.length,
    accepted: pressure.load.answered(201).length,
    unanswered: entries.filter((e) => e.status === undefined).length,
    looks: looks.length,
    unseen: looks.filter((e) => e.status !== 200).length,
    strange: strange.length,
    audit: 'clean',
  }));
  await world.server.stop();
  assert.deepEqual(strange, [], 'strange answers');
}

// One of those who take bets has a way to Kafka that can be cut.
async function wire({ world, kafka }) {
  const [member] = world.server.of('bets');
  member.bus = world.server.bus.replace(kafka.address, kafka.wire.address);
  await member.server.stop();
  return world.server.relaunch(member);
}

async function main() {
  const pair = new Pair(['-c', 'max_connections=250']);
  const kafka = await Kafka.withWire();
  const store = { ...makeStore({ kind: 'postgres', server: pair.url }), remove: () => {} };
  const world = await openCluster({ store, bus: kafka.bus() });
  try {
    const wired = await wire({ world, kafka });
    const pressure = await underPressure(world, { fans: 20, events: 6, pause: 250 });
    const soak = { pair, kafka, world, pressure, wired };
    for (let n = 1; n <= minutes; n++) await minute(soak, n);
    await finish(soak);
  } finally {
    await world.server.kill();
    kafka.stop();
    pair.stop();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
