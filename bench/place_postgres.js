// Placement over HTTP, durable on PostgreSQL, against pgbench's TPC-B-like
// transaction on the same server: one bet and one transaction each change a
// balance and add rows, and both are answered after their commit.
'use strict';

const { Postgres, Server, alternate, load, medianOf, pgbench, pgbenchPrepare, prepare, round,
  run, save, binary, GENERATOR_CORE } = require('./lib');
const path = require('node:path');

const connections = Number(process.env.BENCH_CONNECTIONS ?? 512);

async function main() {
  const cluster = await Postgres.start('place');
  const store = await cluster.create('overround');
  const state = path.join(cluster.folder, 'customers');
  await pgbenchPrepare(cluster);
  await run(GENERATOR_CORE, [binary, 'migrate', '--store', store]);
  const server = await Server.start(store);
  await prepare(server, state);
  const ours = () => load(server, state, { connections, cluster });
  const peer = () => pgbench(cluster);
  await ours(); // warm-up: pages, plans, the first full-page images
  await peer();

  const results = await alternate(ours, peer, (a, b) =>
    `${a.rate} bets/s (batch ${a.batch}; PostgreSQL ${a.pg_cpu_s} s, ours ${a.our_cpu_s} s, `
    + `generator ${a.generator_cpu_s} s of CPU)  pgbench ${b.rate} tps (PostgreSQL `
    + `${b.pg_cpu_s} s, pgbench ${b.generator_cpu_s} s)`);
  const rate = medianOf(results.ours, 'rate');
  const tps = medianOf(results.peer, 'rate');
  save('place_postgres', [{
    claim: 'placement, PostgreSQL',
    ours: `${rate} bets/s`,
    peer: `pgbench TPC-B ${tps} tps`,
    ratio: `${round(rate / tps, 1)}`,
    aim: '10, not below 6',
    cpu: `us/bet: PostgreSQL ${medianOf(results.ours, 'pg_us')}, ours `
      + `${medianOf(results.ours, 'our_us')}; pgbench: PostgreSQL `
      + `${medianOf(results.peer, 'pg_us')} us/tx`,
  }], results);
  await run(GENERATOR_CORE, [binary, 'audit', '--store', store]);
  await server.stop();
  cluster.drop();
}

main();
