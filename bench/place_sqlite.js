// Placement over HTTP, durable on SQLite, against a bare C loop that writes
// the same rows: same schema, WAL, synchronous=FULL, as many bets as the
// server took in the round before, in batches of the size that it reached.
// Each round begins with a fresh copy of 5,000 customers, on both sides.
'use strict';

const { CUSTOMERS, Server, alternate, binary, folder, load, medianOf, prepare, round, run, save,
  GENERATOR_CORE, SERVER_CORE } = require('./lib');
const fs = require('node:fs');
const path = require('node:path');

const connections = Number(process.env.BENCH_CONNECTIONS ?? 256);

async function main() {
  fs.mkdirSync(folder, { recursive: true });
  const place = fs.mkdtempSync(path.join(folder, 'sqlite-'));
  process.on('exit', () => fs.rmSync(place, { recursive: true, force: true }));
  const state = path.join(place, 'customers');
  const prepared = path.join(place, 'prepared.db');
  const database = path.join(place, 'server.db');
  const bare = path.join(place, 'loop.db');
  const first = await Server.start(`sqlite:${prepared}`);
  await prepare(first, state);
  await first.stop();

  const ours = async () => {
    fs.copyFileSync(prepared, database);
    const server = await Server.start(`sqlite:${database}`);
    const result = await load(server, state, { connections });
    await server.stop();
    await run(GENERATOR_CORE, [binary, 'audit', '--store', `sqlite:${database}`]);
    fs.rmSync(database);
    return result;
  };
  const peer = async (i, last) => {
    const text = await run(SERVER_CORE, [path.join(folder, 'sqlite_loop'), bare,
      last.accepted, last.batch, CUSTOMERS].map(String));
    fs.rmSync(bare);
    return JSON.parse(text);
  };
  const results = await alternate(ours, peer, (a, b) =>
    `${a.rate} bets/s (batch ${a.batch}; ours ${a.our_cpu_s} s, generator `
    + `${a.generator_cpu_s} s of CPU)  bare loop ${b.rate} bets/s (batch ${b.batch}; `
    + `${b.cpu_s} s)`);
  const rate = medianOf(results.ours, 'rate');
  const bets = medianOf(results.peer, 'rate');
  save('place_sqlite', [{
    claim: 'placement, SQLite',
    ours: `${rate} bets/s`,
    peer: `bare C loop ${bets} bets/s`,
    ratio: `${round(rate / bets, 2)}`,
    aim: '0.6, not below 0.4',
    cpu: `us/bet: ours ${medianOf(results.ours, 'our_us')}; loop `
      + `${medianOf(results.peer, 'us')}`,
  }], results);
}

main();
