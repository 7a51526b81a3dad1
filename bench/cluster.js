// Roles apart: what that costs, and how soon it is there.
//
//   placement at half the maximum of one process, and at a quarter: p99 through
//   nginx and two bets processes with Kafka on, beside one process; CPU a bet, by
//   process.  Apart they need more than a core: they have both, and the generator,
//   too
//   feed to web: from POST /v1/feed to a client of another process
//   a new bets process: ready with 100,000 markets
'use strict';

const { Postgres, Server, alternate, binary, load, median, medianOf, prepare, round, run, save,
  sleep, GENERATOR_CORE } = require('./lib');
const { Split, waitUntilReady } = require('./split');
const http = require('node:http');
const path = require('node:path');

const connections = Number(process.env.BENCH_CONNECTIONS ?? 256);
const MARKETS = Number(process.env.BENCH_MARKETS ?? 100000);
const MARKETS_AN_EVENT = 200;
const UPDATES = 1500;
const UPDATE_MS = 10;
const WARM = { rate: 3000, duration: 30 }; // what Java runs often it compiles first

// What lib's load() wants of a server: the balancer's address, one's metrics.
function front(split) {
  return {
    public: split.balancer.public,
    operator: split.feed.operator,
    cpu: () => Object.values(split.cpu()).reduce((sum, used) => sum + used, 0),
    async metrics() {
      const all = await Promise.all(split.bets.map((server) => server.metrics()));
      const sum = {};
      for (const one of all) {
        for (const [name, value] of Object.entries(one)) sum[name] = (sum[name] ?? 0) + value;
      }
      return sum;
    },
  };
}

async function loadSplit(split, state, options) {
  const before = split.cpu();
  const result = await load(front(split), state, options);
  const after = split.cpu();
  result.by_process = Object.fromEntries(Object.keys(after)
    .map((name) => [name, round(((after[name] - before[name]) * 1e6) / result.accepted, 1)]));
  return result;
}

// share: of the most bets of one process.
async function placementAt(share, { most, postgres, server, split, states }) {
  const options = { connections, rate: most * share, cluster: postgres };
  console.log(`  ${round(options.rate, 0)} bets/s, ${share} of the most`);
  const results = await alternate(
    () => loadSplit(split, states[1], options),
    () => load(server, states[0], options),
    (a, b) => `apart ${a.rate}/s p50 ${a.p50_ms} p99 ${a.p99_ms} ms, us/bet `
      + `${JSON.stringify(a.by_process)} PostgreSQL ${a.pg_us}; one process ${b.rate}/s `
      + `p50 ${b.p50_ms} p99 ${b.p99_ms} ms, us/bet ${b.our_us} PostgreSQL ${b.pg_us}`,
  );
  const by = Object.keys(results.ours[0].by_process)
    .map((name) => `${name} ${median(results.ours.map((r) => r.by_process[name]))}`);
  const row = {
    claim: `roles apart: p99 at ${share} of the most`,
    ours: `${medianOf(results.ours, 'rate')} bets/s: p50 ${medianOf(results.ours, 'p50_ms')}, `
      + `p99 ${medianOf(results.ours, 'p99_ms')} ms`,
    peer: `one process: p50 ${medianOf(results.peer, 'p50_ms')}, `
      + `p99 ${medianOf(results.peer, 'p99_ms')} ms`,
    ratio: String(round(medianOf(results.ours, 'p99_ms') / medianOf(results.peer, 'p99_ms'), 2)),
    aim: 'not over 2',
    cpu: `us/bet: ${by.join(', ')}, PostgreSQL ${medianOf(results.ours, 'pg_us')}; one process `
      + `${medianOf(results.peer, 'our_us')}, PostgreSQL ${medianOf(results.peer, 'pg_us')}`,
  };
  return { row, results };
}

async function placement() {
  const postgres = await Postgres.start('cluster');
  const alone = await postgres.create('alone');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', alone]);
  const apart = await postgres.create('apart');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', apart]);
  const states = ['alone', 'apart'].map((name) => path.join(postgres.folder, name));
  const server = await Server.start(alone);
  await prepare(server, states[0]);
  const split = await Split.start(apart);
  await prepare(front(split), states[1]);
  const rates = [];
  for (let i = 0; i < 3; i++) {
    rates.push((await load(server, states[0], { connections: 512, duration: 4 })).rate);
  }
  await load(front(split), states[1], { connections, ...WARM });
  const bench = { most: median(rates), postgres, server, split, states };
  const all = [await placementAt(0.5, bench), await placementAt(0.25, bench)];
  await split.stop();
  await server.stop();
  postgres.drop();
  return all;
}

// ---- feed to web ------------------------------------------------------------

const alive = () => `<alive product="1" timestamp="${Date.now()}" subscribed="1"/>`;

function oddsChange(event, markets, odds) {
  const text = markets.map((specifiers) => `<market id="18" specifiers="total=${specifiers}" `
    + `status="1"><outcome id="12" odds="${odds}" active="1"/>`
    + '<outcome id="13" odds="1.90" active="1"/></market>').join('');
  return `<odds_change product="1" event_id="sr:match:${event}" timestamp="${Date.now()}">`
    + `<odds>${text}</odds></odds_change>`;
}

// Server-Sent Events of one event: calls back with each chunk of text.
function listen(server, event, on_text) {
  return new Promise((resolve, reject) => {
    const request = http.get(`http://${server.public}/v1/events/sr:match:${event}/stream`,
      (response) => {
        response.setEncoding('utf8');
        response.on('data', on_text);
        resolve(() => request.destroy());
      });
    request.on('error', () => {});
    request.setTimeout(10000, () => reject(new Error('no stream')));
  });
}

// Each update has odds of its own, which name it.
async function feedToWeb(split) {
  const event = 7000001, sent = new Map(), times = [];
  await split.feed.feed(alive());
  await split.feed.feed(oddsChange(event, ['2.5'], '1.01'));
  await sleep(2000);
  const stop = await listen(split.web, event, (text) => {
    const now = performance.now();
    for (const [, odds] of text.matchAll(/"odds":"?(\d+\.\d+)/g)) {
      const began = sent.get(odds);
      if (began === undefined) continue;
      times.push(now - began);
      sent.delete(odds);
    }
  });
  for (let i = 0; i < UPDATES; i++) {
    const odds = (2 + i / 100).toFixed(2);
    sent.set(odds, performance.now());
    // Updates come one at a time, as a match's do; the tick merges nearer ones.
    await split.feed.feed(oddsChange(event, ['2.5'], odds));
    await sleep(UPDATE_MS + Math.random() * 60);
  }
  await sleep(500);
  stop();
  times.sort((a, b) => a - b);
  const last = times.length - 1;
  const at = (share) => round(times[Math.min(last, Math.floor(times.length * share))], 1);
  return {
    n: times.length, lost: sent.size, p50_ms: at(0.5), p99_ms: at(0.99), p999_ms: at(0.999),
  };
}

// ---- a new process ------------------------------------------------------------

async function newProcess(split) {
  const names = Array.from({ length: MARKETS_AN_EVENT }, (_, i) => `${i}.5`);
  for (let i = 0; i < MARKETS / MARKETS_AN_EVENT; i++) {
    await split.feed.feed(oddsChange(8000000 + i, names, '2.00'));
    if (i % 50 === 0) await split.feed.feed(alive());
  }
  const times = [];
  for (let tries = 0; ; tries++) {
    const { overround_book_markets: n } = await split.bets[0].metrics();
    if (n >= MARKETS) break;
    if (tries > 1200) throw new Error(`only ${n} markets came through`);
    await sleep(50);
  }
  for (let i = 0; i < 3; i++) {
    const began = performance.now();
    const server = await split.add('bets');
    await waitUntilReady(server);
    times.push(performance.now() - began);
    const { overround_book_markets: n } = await server.metrics();
    if (n < MARKETS) throw new Error(`ready with ${n} markets`);
    await server.stop();
  }
  return { ready_ms: round(median(times)), times };
}

async function bus() {
  const postgres = await Postgres.start('bus');
  const store = await postgres.create('overround');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  const split = await Split.start(store, { bets: 1 });
  const latency = await feedToWeb(split);
  console.log(`  feed to web: ${JSON.stringify(latency)}`);
  const ready = await newProcess(split);
  console.log(`  a new bets process, ${MARKETS} markets: ready after ${ready.ready_ms} ms`);
  await split.stop();
  postgres.drop();
  return { latency, ready };
}

async function main() {
  const { latency, ready } = await bus();
  const placed = await placement();
  save('cluster', [...placed.map(({ row }) => row), {
    claim: 'roles apart: feed message to a client',
    ours: `p50 ${latency.p50_ms}, p99 ${latency.p99_ms}, p99.9 ${latency.p999_ms} ms`,
    peer: '', ratio: '', aim: 'p99 under 50 ms',
    cpu: `${latency.n} updates, ${latency.lost} merged`,
  }, {
    claim: `a new bets process with ${MARKETS} markets`,
    ours: `ready after ${ready.ready_ms} ms`, peer: '', ratio: '', aim: 'under 5 s', cpu: '',
  }], { placed: placed.map(({ results }) => results), latency, ready });
}

main();
