// Random odds, stops, desk orders, stalls, resumes and restarts: whatever a
// client lived through, versions only rise, and in the end what it has put
// together is what GET /v1/events/{event} says.
//
//   OVERROUND_STREAM_SEED, OVERROUND_STREAM_STEPS: to repeat, to go on longer
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, uof, eventually, sleep } = require('./lib/world');
const { Reader, keyOf } = require('./lib/reader');

const SEED = Number(process.env.OVERROUND_STREAM_SEED ?? Date.now() % 2 ** 31);
const STEPS = Number(process.env.OVERROUND_STREAM_STEPS ?? 400);
const EVENTS = 12;
const CLIENTS = 8;
const SPORTS = ['sr:sport:1', 'sr:sport:2'];

// Numbers that a seed repeats (mulberry32).
function randomOf(seed) {
  let state = seed;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

describe(`stream, random (seed ${SEED})`, () => {
  const world = worldFor({ before, after }, { 'stream-tick-ms': 20 });
  const random = randomOf(SEED);
  const one = (list) => list[random(list.length)];
  const readers = [];
  let events;

  const price = () => (1.1 + random(400) / 100).toFixed(2);
  const markets = () => {
    const all = [market.oneXTwo(price(), price(), price())];
    for (let i = random(4); i > 0; i--) all.push(market.total(price(), price(), `${random(9)}.5`));
    return all.map((m) => ({ ...m, status: random(8) === 0 ? -1 : 1 }));
  };
  const status = () => ({ status: 1, match_status: 6, home_score: random(5), away_score: 0 });
  const desk = (route, json) =>
    world().server.operate('POST', `/v1/desk/${route}`, { json: { reason: 'a test', ...json } });
  const scope = () => (random(2) ? { all: true } : { event: String(one(events)) });

  const subscription = () => ({
    events: events.filter(() => random(2)).map(String),
    sports: SPORTS.filter(() => random(2)),
  });

  async function reopen(reader) {
    const resume = random(3) > 0;
    await reader.close();
    if (random(2)) await one(events).odds(markets());
    await reader.open(world().server.public, resume ? reader.subscription : subscription(), resume);
  }

  async function restart() {
    for (const reader of readers) reader.client.socket.resume();
    await world().restart({ kill: random(2) === 0 });
    for (const reader of readers) {
      reader.read();
      await reader.open(world().server.public, reader.subscription, true);
    }
  }

  function stall(reader) {
    reader.client.socket.pause();
    setTimeout(() => reader.client.socket.resume(), random(400));
  }

  async function rename(event) {
    await world().feed.send(uof.fixture(String(event), {
      home: `Home ${random(9)}`, away: 'Away', sport: [one(SPORTS), 'A sport'],
      start: '2030-01-01T12:00:00Z',
    }));
  }

  const steps = [
    [60, () => one(events).odds(markets(), { status: random(3) ? undefined : status() })],
    [8, () => one(events).stop({ marketStatus: random(2) ? 0 : undefined })],
    [4, () => rename(one(events))],
    [4, () => desk(one(['suspend', 'resume']), { scope: scope() })],
    [3, () => desk('margin', { scope: scope(), margin: random(2) ? '0.08' : null })],
    [10, () => stall(one(readers))],
    [10, () => reopen(one(readers))],
    [10, () => sleep(random(60))],
    [1, () => restart()],
  ];
  const total = steps.reduce((sum, [n]) => sum + n, 0);

  async function step() {
    let at = random(total);
    for (const [n, act] of steps) {
      if (at < n) return act();
      at -= n;
    }
  }

  async function same(reader) {
    reader.read();
    for (const id of reader.subscription.events) {
      const { json } = await world().server.call('GET', `/v1/events/${id}`);
      const wants = new Map(json.markets.map((m) => [keyOf(m), m]));
      assert.deepEqual(reader.events.get(id), { ...json, markets: wants }, reader.name);
    }
    for (const sport of reader.subscription.sports) {
      const { json } = await world().server.call('GET', `/v1/events?sport=${sport}&limit=500`);
      for (const row of json.events) {
        const { version: _, ...has } = reader.rows.get(row.id) ?? {};
        const { version: __, ...want } = row;
        assert.deepEqual(has, want, `${reader.name}: ${sport}`);
      }
    }
  }

  test('versions rise, and the end is what GET says', async () => {
    events = await Promise.all([...Array(EVENTS)].map(() => world().event(market.oneXTwo())));
    for (const event of events) await rename(event);
    for (let i = 0; i < CLIENTS; i++) {
      readers.push(new Reader(`reader ${i}`));
      await readers[i].open(world().server.public, subscription(), false);
    }
    for (let i = 0; i < STEPS; i++) {
      await step();
      for (const reader of readers) reader.read();
    }
    for (const reader of readers) reader.client.socket.resume();
    for (const reader of readers) await eventually(() => same(reader));
    for (const reader of readers) await reader.close();
  });
});
