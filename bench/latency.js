// Latency of placement at half the maximum rate, on both stores.  Open loop:
// each bet is due at its time, and its latency counts from then, however late
// it could be sent.  The peer is pgbench at half its own maximum (-R, whose
// latencies count from the scheduled time as well), on the same PostgreSQL.
'use strict';

const { Postgres, Server, alternate, binary, folder, load, median, medianOf, pgbench,
  pgbenchPrepare, prepare, round, run, save, GENERATOR_CORE } = require('./lib');
const fs = require('node:fs');
const path = require('node:path');

const connections = Number(process.env.BENCH_CONNECTIONS ?? 256);

// What pgbench's log says: the third field is the latency in microseconds.
function percentiles(prefix) {
  const place = path.dirname(prefix);
  const times = [];
  for (const name of fs.readdirSync(place)) {
    if (!name.startsWith(path.basename(prefix))) continue;
    const file = path.join(place, name);
    for (const line of fs.readFileSync(file, 'latin1').split('\n')) {
      const field = line.split(' ')[2];
      if (field !== undefined) times.push(Number(field));
    }
    fs.rmSync(file);
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.ceil(times.length * share) - 1)];
  return { p50_ms: at(0.5) / 1000, p99_ms: at(0.99) / 1000, p999_ms: at(0.999) / 1000 };
}

const tell = (r) => `${r.rate}/s p50 ${r.p50_ms} p99 ${r.p99_ms} p99.9 ${r.p999_ms} ms`;
const told = (results) => `p50 ${round(medianOf(results, 'p50_ms'), 1)}, p99 `
  + `${round(medianOf(results, 'p99_ms'), 1)}, p99.9 ${round(medianOf(results, 'p999_ms'), 1)} ms`;

function row(store, ours, peer) {
  return {
    claim: `latency at half rate, ${store}`,
    ours: `${round(medianOf(ours, 'rate'))} bets/s: ${told(ours)}`,
    peer,
    ratio: '',
    aim: 'p99 under 25 ms',
    cpu: `us/bet: PostgreSQL ${medianOf(ours, 'pg_us')}, ours ${medianOf(ours, 'our_us')}`,
  };
}

async function postgres() {
  const cluster = await Postgres.start('latency');
  const store = await cluster.create('overround');
  const state = path.join(cluster.folder, 'customers');
  await pgbenchPrepare(cluster);
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  const server = await Server.start(store);
  await prepare(server, state);
  const most = [], most_tps = [];
  for (let i = 0; i < 3; i++) {
    most.push((await load(server, state, { connections: 512, duration: 4 })).rate);
    most_tps.push((await pgbench(cluster, { duration: 4 })).rate);
  }
  const half = { bets: median(most) / 2, tps: median(most_tps) / 2 };
  console.log(`  PostgreSQL: half of ${median(most)} bets/s, of ${median(most_tps)} tps`);
  const logs = path.join(cluster.folder, 'pgbench');
  const results = await alternate(
    () => load(server, state, { connections, rate: half.bets, cluster }),
    async () => ({ ...(await pgbench(cluster, { rate: half.tps, logs })), ...percentiles(logs) }),
    (a, b) => `bets ${tell(a)} (PostgreSQL ${a.pg_cpu_s} s, ours ${a.our_cpu_s} s of CPU); `
      + `pgbench ${tell(b)} (PostgreSQL ${b.pg_cpu_s} s)`,
  );
  await server.stop();
  cluster.drop();
  return { half, ...results };
}

async function sqlite() {
  fs.mkdirSync(folder, { recursive: true });
  const place = fs.mkdtempSync(path.join(folder, 'latency-'));
  process.on('exit', () => fs.rmSync(place, { recursive: true, force: true }));
  const state = path.join(place, 'customers');
  const server = await Server.start(`sqlite:${place}/server.db`);
  await prepare(server, state);
  const most = [];
  for (let i = 0; i < 3; i++) {
    most.push((await load(server, state, { connections, duration: 4 })).rate);
  }
  const half = { bets: median(most) / 2 };
  console.log(`  SQLite: half of ${median(most)} bets/s`);
  const results = await alternate(
    () => load(server, state, { connections, rate: half.bets }),
    async () => null,
    (a) => `bets ${tell(a)} (ours ${a.our_cpu_s} s of CPU)`,
  );
  await server.stop();
  return { half, ours: results.ours };
}

async function main() {
  const results = { postgres: await postgres(), sqlite: await sqlite() };
  const { ours, peer } = results.postgres;
  save('latency', [
    row('PostgreSQL', ours, `pgbench at half: ${told(peer)}`),
    row('SQLite', results.sqlite.ours, ''),
  ], results);
}

main();
