// Settlement of a million open bets on one market (PostgreSQL), alone and
// while bets are placed; and placement's p99 meanwhile against the quiet one
// at the same rate.
//
// Each round works on a fresh copy of the same filled database:
//   place at RATE | the result arrives | place at RATE | settle alone
// The first round settles to the end, and the books are proven; the others
// stop after a stretch of settling alone.
//
//   BENCH_SETTLE_BETS   open bets (1000000; a multiple of 20000)
//   BENCH_SETTLE_RATE   bets placed each second (half of the maximum)
'use strict';

const { Postgres, Server, binary, folder, load, median, medianOf, prepare, round, rounds, run,
  save, seconds, sleep, GENERATOR_CORE } = require('./lib');
const path = require('node:path');

const bets = Number(process.env.BENCH_SETTLE_BETS ?? 1000000);
const CUSTOMERS = 20000;
const EVENT = 'sr:match:800000001';
const connections = Number(process.env.BENCH_CONNECTIONS ?? 256);

function result() {
  return `<bet_settlement product="1" event_id="${EVENT}" timestamp="${Date.now()}" certainty="2">`
    + '<outcomes><market id="1"><outcome id="1" result="1"/><outcome id="2" result="0"/>'
    + '<outcome id="3" result="0"/></market></outcomes></bet_settlement>';
}

async function settled(server) {
  return (await server.metrics())['overround_settle_bets_total{result="settled"}'] ?? 0;
}

async function fill(cluster, state) {
  const store = await cluster.create('filled');
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  const server = await Server.start(store);
  await prepare(server, state);
  const most = [];
  for (let i = 0; i < 3; i++) {
    most.push((await load(server, state, { connections: 512, duration: 3 })).rate);
  }
  await server.stop();
  await run(GENERATOR_CORE, [path.join(folder, 'settle_fill'), store, bets, CUSTOMERS,
    EVENT].map(String));
  return median(most);
}

// Settles until `until` bets are settled or the time is over.
async function alone(server, cluster, duration) {
  const from = { at: Date.now(), n: await settled(server), pg: cluster.cpu(), our: server.cpu() };
  let n = from.n;
  while (n < bets && Date.now() - from.at < duration * 1000) {
    await sleep(100);
    n = await settled(server);
  }
  const took = (Date.now() - from.at) / 1000;
  const pg = cluster.cpu() - from.pg;
  const our = server.cpu() - from.our;
  return {
    alone: round((n - from.n) / took),
    alone_bets: n - from.n,
    alone_pg_cpu_s: round(pg, 2),
    alone_our_cpu_s: round(our, 2),
    alone_pg_us: round((pg * 1e6) / (n - from.n), 1),
    alone_our_us: round((our * 1e6) / (n - from.n), 1),
  };
}

async function oneRound(cluster, state, rate, whole) {
  await cluster.sql('CREATE DATABASE round TEMPLATE filled STRATEGY file_copy');
  const store = `${cluster.url}/round`;
  await cluster.checkpoint();
  const server = await Server.start(store);
  const options = { connections, rate, cluster };
  await load(server, state, { connections, rate, duration: 2 }); // warm-up
  const quiet = await load(server, state, options);
  await server.feed(`<alive product="1" timestamp="${Date.now()}" subscribed="1"/>`);
  await server.feed(result());
  const begin = Date.now();
  while ((await settled(server)) === 0) await sleep(20);
  const before = await settled(server);
  const from = Date.now();
  const busy = await load(server, state, options);
  const during = round(((await settled(server)) - before) / ((Date.now() - from) / 1000));
  const rest = await alone(server, cluster, whole ? 600 : seconds);
  const total_s = round((Date.now() - begin) / 1000, 1);
  await server.stop();
  if (whole) {
    const books = await run(GENERATOR_CORE, [binary, 'audit', '--store', store]);
    console.log(`  ${books.trim()}`);
  }
  await cluster.sql('DROP DATABASE round');
  return { quiet, busy, during, total_s, ...rest, p99_ratio: busy.p99_ms / quiet.p99_ms };
}

const tell = (r) => `${r.rate} bets/s p99 ${r.p99_ms} ms (PostgreSQL ${r.pg_cpu_s} s, ours `
  + `${r.our_cpu_s} s of CPU)`;

async function main() {
  const cluster = await Postgres.start('settle');
  const state = path.join(cluster.folder, 'customers');
  const most = await fill(cluster, state);
  const rate = Number(process.env.BENCH_SETTLE_RATE ?? round(most / 2));
  console.log(`  ${bets} open bets; placing ${round(rate)} of at most ${most} bets/s`);
  const results = [];
  for (let i = 0; i < rounds; i++) {
    const r = await oneRound(cluster, state, rate, i === 0);
    results.push(r);
    console.log(`  ${i + 1}/${rounds}  quiet ${tell(r.quiet)}; settling ${r.during}/s beside `
      + `${tell(r.busy)}; alone ${r.alone}/s over ${r.alone_bets} (PostgreSQL `
      + `${r.alone_pg_cpu_s} s, ours ${r.alone_our_cpu_s} s)`);
  }
  cluster.drop();
  const p99 = (which) => round(median(results.map((r) => r[which].p99_ms)), 1);
  save('settle', [{
    claim: `settlement, ${bets} bets`,
    ours: `${medianOf(results, 'alone')} bets/s alone, ${medianOf(results, 'during')} beside `
      + `${round(rate)} placed/s`,
    peer: '',
    ratio: '',
    aim: '20000 bets/s',
    cpu: `us/bet: PostgreSQL ${medianOf(results, 'alone_pg_us')}, ours `
      + `${medianOf(results, 'alone_our_us')}`,
  }, {
    claim: `placement's p99 while settling`,
    ours: `${p99('busy')} ms`,
    peer: `quiet, same rate: ${p99('quiet')} ms`,
    ratio: `${round(medianOf(results, 'p99_ratio'), 2)}`,
    aim: 'not over 2',
    cpu: '',
  }], { most, rate, results });
}

main();
