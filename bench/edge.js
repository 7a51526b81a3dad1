// The edge: price to page, and to a thousand readers, at 20, 80 and 200 ms from the origin,
// each behind an edge node there and beside it without one, in the same run.
//
//   poll      1,000 readers who ask each second: from the feed message's write to the first
//             answer with its price; every second one is a suspension
//   stream    1,000 readers of one event: from the same write to the frame; also behind a
//             node that passes each stream on to the origin (node.fanout: false)
//   page      a real page in Chromium: its first price on a cold connection, the next
//             prices by stream and by poll, and when it locks because nothing comes
//
// The origin is `overround serve` on SQLite.  Time counts from the write of the feed
// message at the origin, so what the server itself takes is in it.  Readers, nodes, wires
// and the origin share the machine's cores.
//
//   BENCH_PLACES=20,80,200  BENCH_CLIENTS=1000  BENCH_PARTS=poll,stream,page
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { GENERATOR_CORE, Server, TOKEN, folder, median, round, save, seconds, sleep,
  spawnOn } = require('./lib');
const { HOST, startPlace } = require('./edge/places');
const { Page } = require('./edge/page');
const { draw } = require('./edge/plot');
const uof = require('../tests/api/lib/uof');

const CLIENTS = Number(process.env.BENCH_CLIENTS ?? 1000);
const PLACES = (process.env.BENCH_PLACES ?? '20,80,200').split(',').map(Number);
const PARTS = (process.env.BENCH_PARTS ?? 'poll,stream,page').split(',');
const POLL_S = 5 * seconds; // a change is measured every 2.37 s
const STREAM_RATE = 5; // changes a second
const VISITS = 5;
const STREAMED = 'sr:match:7000001'; // of bench/stream_clients.c
const CHANGES = 8; // of a page's price, by stream, and half as many by poll
const LIVE = { status: 1, match_status: 6, home_score: 0, away_score: 0 };
const oneXTwo = (home, status = 1) =>
  ({ id: 1, status, outcomes: { 1: home, 2: '3.40', 3: '4.00' } });

const place = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-edge-'));
process.on('exit', () => fs.rmSync(place, { recursive: true, force: true }));
const portOf = (address) => address.split(':').pop();

let events = 0;

// A match that is live; with a name and markets as a page has them.
async function newEvent(server, markets = [], id = `sr:match:${7100000 + events++}`) {
  await server.feed(uof.fixture(id, { home: 'Home', away: 'Away', start: '2026-01-01T00:00:00Z' }));
  await server.feed(uof.oddsChange(id, markets, { status: LIVE }));
  return id;
}

// The stretch between the generator's two words: what the others used meanwhile.
async function measured(server, node, wire, command) {
  const child = spawnOn(GENERATOR_CORE, command);
  const at = {};
  const note = async (word) => {
    at[word] = { origin: server.cpu(), node: node?.cpu() ?? 0, wire: wire.cpu(),
      time: Date.now() };
    at[word].metrics = await server.metrics();
  };
  child.stdout.on('data', (chunk) => {
    for (const word of String(chunk).split('\n'))
      if (word === 'measuring' || word === 'measured') at[`${word}_noted`] = note(word);
  });
  if ((await child.ended) !== 0) throw new Error(`${command[0]}: ${child.text.stderr}`);
  await Promise.all([at.measuring_noted, at.measured_noted]);
  const { measuring, measured: after } = at;
  const took = (after.time - measuring.time) / 1000;
  const sum = (metrics, name) => Object.entries(metrics)
    .filter(([key]) => key.startsWith(name)).reduce((all, [, value]) => all + value, 0);
  const asked = (metrics) => sum(metrics, 'overround_http_requests_total{route="/v1/events');
  const share = (name) => round((100 * (after[name] - measuring[name])) / took, 1);
  return {
    ...JSON.parse(child.text.stdout.trim().split('\n').pop()),
    origin_per_s: round((asked(after.metrics) - asked(measuring.metrics)) / took, 2),
    subscriptions: sum(measuring.metrics, 'overround_stream_subscriptions'),
    origin_cpu: share('origin'), // percent of a core
    node_cpu: share('node'),
    wire_cpu: share('wire'),
    said: child.text.stderr.slice(0, 1000) || undefined,
  };
}

// ---- readers ----------------------------------------------------------------

// node: null for readers who go over the wire themselves
async function poll(server, where, node) {
  const event = await newEvent(server);
  const at = node ?? where.wire;
  const result = await measured(server, node, where.wire, [path.join(folder, 'pollers'),
    `at=${at.at}:${at.port}`, `publish=${server.operator}`, `event=${event}`, `token=${TOKEN}`,
    `name=${HOST}`, `clients=${CLIENTS}`, `seconds=${POLL_S}`]);
  result.generator_cpu = round(result.cpu_ms / 10 / result.seconds, 1);
  return result;
}

async function stream(server, where, node) {
  const at = node ?? where.wire;
  const result = await measured(server, node, where.wire, [path.join(folder, 'stream_clients'),
    'overround', `subscribe=${at.port}`, `at=${at.at}`, `name=${HOST}`,
    `publish=${portOf(server.operator)}`, `token=${TOKEN}`, `clients=${CLIENTS}`,
    `rate=${STREAM_RATE}`, `seconds=${2 * seconds}`]);
  result.generator_cpu = round(result.cpu_ms / 10 / result.seconds, 1);
  if (result.closed > 0) throw new Error(`${result.closed} streams were closed`);
  return result;
}

// ---- a page -----------------------------------------------------------------

const spread = (times) => ({ n: times.length, p50_ms: round(median(times)),
  max_ms: round(Math.max(...times)), all_ms: times.map((ms) => round(ms)) });

// Prices and suspensions in turn, as the page shows them.
async function changes(server, page, event, n) {
  const prices = [], suspensions = [];
  for (let i = 0; i < 2 * n; i++) {
    const suspends = i % 2 === 1;
    const odds = `${2 + (i >> 1)}.${suspends ? 55 : 45}`;
    const began = Date.now();
    await server.feed(uof.oddsChange(event, [oneXTwo(odds, suspends ? -1 : 1)]));
    const took = await page.shown(suspends ? 'locked' : odds, began);
    (suspends ? suspensions : prices).push(took);
    await sleep(200 + 271 * ((3 * i) % 8)); // at all parts of a poll
  }
  return { price: spread(prices), suspension: spread(suspensions) };
}

// From when nothing comes over the wire any more to when the page locks.
async function silence(server, where, page, event) {
  let began = Date.now();
  await server.feed(uof.oddsChange(event, [oneXTwo('9.95')]));
  await page.shown('9.95', began);
  began = Date.now();
  where.wire.stall();
  try {
    return await page.shown('locked', began);
  } finally {
    where.wire.resume();
  }
}

async function pageOf(server, where, node) {
  const lines = Array.from({ length: 40 },
    (_, i) => ({ id: 18, specifiers: `total=${i}.5`, outcomes: { 12: '1.95', 13: '1.85' } }));
  const event = await newEvent(server, [oneXTwo('1.95'), ...lines]);
  const at = node ?? where.wire;
  const page = await Page.open({ name: HOST, at: at.at, port: at.port });
  const first = [];
  for (let i = 0; i < VISITS; i++) first.push(await page.visit(event));
  await page.settled();
  const result = { first: spread(first), stream: await changes(server, page, event, CHANGES) };
  result.stream.silence_ms = await silence(server, where, page, event);
  await page.visit(event, { stream: false });
  await page.settled();
  result.poll = await changes(server, page, event, CHANGES / 2);
  result.poll.silence_ms = await silence(server, where, page, event);
  await page.close();
  return result;
}

// ---- the run ----------------------------------------------------------------

const PART = { poll, stream, page: pageOf };
const times = ({ p50_ms: p50, p99_ms: p99, max_ms: max }) =>
  `p50 ${round(p50)}${p99 === undefined ? '' : `, p99 ${round(p99)}`}, max ${round(max)} ms`;
const cpu = (r) => `origin ${r.origin_cpu} %, node ${r.node_cpu} %, wire ${r.wire_cpu} %, readers `
  + `${r.generator_cpu} % of a core`;

const tell = {
  poll: (r) => `price ${times(r.price)}; suspension ${times(r.suspension)}; poll ${times(r.poll)}; `
    + `origin ${r.origin_per_s}/s, Age at most ${r.age_s_max}; late ${r.late}, wrong ${r.wrong}; `
    + cpu(r),
  stream: (r) => `price ${times(r.latency)}; ${r.subscriptions} subscriptions; ${cpu(r)}`,
  page: (r) => `first ${times(r.first)}; stream: price ${times(r.stream.price)}, suspension `
    + `${times(r.stream.suspension)}, silence ${r.stream.silence_ms} ms; poll: price `
    + `${times(r.poll.price)}, suspension ${times(r.poll.suspension)}, silence `
    + `${r.poll.silence_ms} ms`,
};

function row(claim, ms, ours, peer, figure, aim, used = '') {
  const p50 = (r) => figure(r).p50_ms;
  return {
    claim: `edge, ${ms} ms: ${claim}`,
    ours: times(figure(ours)),
    peer: `no edge ${times(figure(peer))}`,
    ratio: String(round(p50(ours) / p50(peer), 2)),
    aim,
    cpu: used,
  };
}

function rowsOf({ ms, poll: polls, stream: streams, page: pages }) {
  const rows = [];
  if (polls) {
    const { edge, none } = polls;
    const used = `origin ${edge.origin_per_s} requests/s, ${none.origin_per_s} without`;
    rows.push(row('price to a reader who polls', ms, edge, none, (r) => r.price, '', used),
      row('suspension to a reader who polls', ms, edge, none, (r) => r.suspension,
        'max under 2 s and the wire'));
  }
  if (streams) {
    const { edge, none, passed } = streams;
    const used = (r) => `origin ${r.origin_cpu} %, ${r.subscriptions} subscriptions`;
    rows.push(row('price to a reader who streams', ms, edge, none, (r) => r.latency, '',
      used(edge)), row('the same, streams passed on by the node', ms, passed, none,
      (r) => r.latency, '', used(passed)));
  }
  if (pages) {
    const { edge, none } = pages;
    rows.push(row('first price on a page', ms, edge, none, (r) => r.first, ''),
      row('price to page by stream', ms, edge, none, (r) => r.stream.price, ''),
      row('price to page by poll', ms, edge, none, (r) => r.poll.price, ''),
      row('suspension to page by poll', ms, edge, none, (r) => r.poll.suspension, ''));
  }
  return rows;
}

// Each part behind the node, then without: they share the cores with nothing else.
async function measure(server, where) {
  const results = { ms: where.ms };
  for (const part of PARTS) {
    const kinds = { edge: {}, none: null };
    if (part === 'stream') kinds.passed = { fanout: false };
    results[part] = {};
    for (const [kind, more] of Object.entries(kinds)) {
      const node = more === null ? null : await where.node(more);
      const result = await PART[part](server, where, node);
      node?.kill();
      results[part][kind] = result;
      console.log(`  ${where.ms} ms, ${part}, ${kind === 'none' ? 'no edge' : kind}: `
        + tell[part](result));
    }
  }
  return results;
}

async function main() {
  const server = await Server.start(`sqlite:${place}/server.db`, { 'stream-tick-ms': 40 });
  await server.feed(uof.alive({ product: 1 }));
  await newEvent(server, [], STREAMED);
  const results = [];
  for (const [i, ms] of PLACES.entries()) {
    const where = await startPlace(i + 1, ms, server.public);
    if (i === 0 && where.name === null)
      console.log('  no network namespaces here (they need root): all on 127.0.0.1');
    results.push(await measure(server, where));
    await where.wire.stop();
  }
  await server.stop();
  save('edge', results.flatMap(rowsOf), results);
  fs.writeFileSync(path.join(folder, 'edge.svg'), draw(results));
}

main();
