// What traces cost: placement over HTTP, durable on SQLite, without tracing,
// with 1 % and with all bets traced, in turn.  The collector takes everything
// and looks at nothing; it and the generator have the one core, the server
// with its thread that exports the other.
'use strict';

const { Server, binary, folder, load, medianOf, prepare, round, rounds, run, save,
  GENERATOR_CORE } = require('./lib');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');

const connections = Number(process.env.BENCH_CONNECTIONS ?? 256);
const SHARES = ['off', '1.00', '100.00'];

async function collector() {
  if (os.cpus().length > 1)
    await run(GENERATOR_CORE, ['taskset', '-acp', String(GENERATOR_CORE), String(process.pid)]);
  const server = http.createServer((req, res) => {
    req.resume();
    req.on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function main() {
  fs.mkdirSync(folder, { recursive: true });
  const place = fs.mkdtempSync(path.join(folder, 'trace-'));
  process.on('exit', () => fs.rmSync(place, { recursive: true, force: true }));
  const state = path.join(place, 'customers');
  const prepared = path.join(place, 'prepared.db');
  const database = path.join(place, 'server.db');
  const first = await Server.start(`sqlite:${prepared}`);
  await prepare(first, state);
  await first.stop();
  const sink = await collector();
  const url = `http://127.0.0.1:${sink.address().port}`;

  const once = async (share) => {
    fs.copyFileSync(prepared, database);
    const server = await Server.start(`sqlite:${database}`, share === 'off' ? {} : {
      'trace-otlp': url, 'trace-ratio': share, 'trace-rate': 1000000,
    });
    const result = await load(server, state, { connections });
    const spans = await server.metrics();
    for (const name of ['exported', 'dropped', 'failed'])
      result[name] = spans[`overround_trace_spans_total{result="${name}"}`] ?? 0;
    await server.stop();
    await run(GENERATOR_CORE, [binary, 'audit', '--store', `sqlite:${database}`]);
    fs.rmSync(database);
    return result;
  };
  const results = Object.fromEntries(SHARES.map((share) => [share, []]));
  for (let i = 0; i < rounds; i++) {
    for (const share of SHARES) results[share].push(await once(share));
    console.log(`  ${i + 1}/${rounds}  ${SHARES.map((share) => {
      const { rate, our_us: us, exported, dropped } = results[share][i];
      return `${share}: ${rate} bets/s, ${us} us, spans ${exported} + ${dropped} dropped`;
    }).join('  ')}`);
  }
  sink.close();
  sink.closeAllConnections();
  const rate = (share) => medianOf(results[share], 'rate');
  const us = (share) => medianOf(results[share], 'our_us');
  save('trace', SHARES.slice(1).map((share) => ({
    claim: `placement, SQLite, ${Number(share)} % traced`,
    ours: `${rate(share)} bets/s`,
    peer: `not traced ${rate('off')} bets/s`,
    ratio: `${round(rate(share) / rate('off'), 2)}`,
    aim: share === '1.00' ? '1, not below 0.95' : '-',
    cpu: `us/bet: ${us(share)}; not traced ${us('off')}`,
  })), results);
}

main();
