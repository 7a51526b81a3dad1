// What the benches share: servers on one core and generators on the other,
// the CPU each process used, alternation, medians, and the table at the end.
//
//   BENCH_SECONDS   of one measured stretch (6)
//   BENCH_ROUNDS    alternations of ours and the peer (5)
//
// `node bench/lib.js` prints the table of what build/bench/ holds.
'use strict';

const { spawn, execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');
const folder = path.join(root, 'build/bench');
const binary = process.env.BENCH_BINARY ?? path.join(root, 'build/overround');
const seconds = Number(process.env.BENCH_SECONDS ?? 6);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const SERVER_CORE = 0;
const GENERATOR_CORE = 1;
const BOTH_CORES = '0,1'; // of a deployment whose processes are on several machines
const TOKEN = 'operator-of-the-bench';
const CUSTOMERS = 5000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const round = (x, digits = 0) => Number(x.toFixed(digits));

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

// The median of one member over many results; rates need no fractions.
function medianOf(results, name) {
  const middle = median(results.map((result) => result[name]));
  return round(middle, middle < 1000 ? 2 : 0);
}

// ---- processes ------------------------------------------------------------

const children = new Set();
const clusters = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  for (const cluster of clusters) cluster.drop();
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
process.on('unhandledRejection', (error) => {
  console.error(`bench: ${error.message}`);
  process.exit(1);
});

// With one core there is nothing to keep apart.
function pinned(core, command) {
  return os.cpus().length > 1 ? ['taskset', '-c', String(core), ...command] : command;
}

function start(core, command, options = {}) {
  const [program, ...args] = pinned(core, command);
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  child.text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream].on('data', (chunk) => {
      child.text[stream] += chunk;
    });
  }
  children.add(child);
  child.ended = new Promise((resolve) => {
    child.on('close', (status, signal) => {
      children.delete(child);
      child.status = status ?? signal;
      resolve(child.status);
    });
  });
  return child;
}

// Runs to the end; what it wrote.  Anything but success ends the bench.
async function run(core, command, options) {
  const child = start(core, command, options);
  if ((await child.ended) !== 0) {
    throw new Error(`${command.join(' ')}: ended with ${child.status}\n${child.text.stderr}`);
  }
  return child.text.stdout;
}

// ---- CPU ------------------------------------------------------------------

const tick = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

// /proc/PID/stat: the parent, CPU seconds, and those of children waited for.
function stat(pid) {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    return {
      parent: fields[1],
      used: (fields[11] + fields[12]) / tick,
      reaped: (fields[13] + fields[14]) / tick,
    };
  } catch {
    return null; // it has ended
  }
}

// A process with its children, those that have ended included.
function cpuOf(pid) {
  const own = stat(pid);
  let sum = own.used + own.reaped;
  for (const name of fs.readdirSync('/proc')) {
    const other = /^\d+$/.test(name) ? stat(name) : null;
    if (other?.parent === pid) sum += other.used;
  }
  return sum;
}

// ---- PostgreSQL -------------------------------------------------------------

class Postgres {
  static async start(name) {
    const cluster = new Postgres();
    cluster.folder = fs.mkdtempSync(path.join(os.tmpdir(), `overround-bench-${name}-`));
    clusters.add(cluster);
    // A ledger's hot pages belong in memory; the peer gets the same server.
    const url = await run(SERVER_CORE, ['scripts/pg.sh', 'start', cluster.folder,
      '-c', 'shared_buffers=2GB', '-c', 'max_wal_size=8GB']);
    cluster.url = url.trim().replace(/\/[^/]*$/, '');
    const pid = fs.readFileSync(path.join(cluster.folder, 'data/postmaster.pid'), 'latin1');
    cluster.pid = Number(pid.split('\n')[0]);
    return cluster;
  }

  async sql(text, database = 'postgres') {
    const out = await run(GENERATOR_CORE, ['psql', '-qAtX', '-v', 'ON_ERROR_STOP=1', '-c', text,
      `${this.url}/${database}`]);
    return out.trim();
  }

  // template: a database to copy
  async create(database, template = 'template1') {
    await this.sql(`CREATE DATABASE ${database} TEMPLATE ${template}`);
    return `${this.url}/${database}`;
  }

  cpu() {
    return cpuOf(this.pid);
  }

  // Keeps what filling left to be written out of what is measured.
  checkpoint() {
    return this.sql('CHECKPOINT');
  }

  drop() {
    if (clusters.delete(this)) {
      execFileSync('scripts/pg.sh', ['drop', this.folder], { cwd: root, stdio: 'ignore' });
    }
  }
}

// ---- pgbench ----------------------------------------------------------------

const PGBENCH_SCALE = 20;

async function pgbenchPrepare(cluster) {
  const url = await cluster.create('pgbench');
  await run(GENERATOR_CORE, ['pgbench', '-q', '-i', '-s', String(PGBENCH_SCALE), url]);
  await cluster.checkpoint();
}

// TPC-B-like, prepared, 16 clients; rate: transactions/s, open loop.
async function pgbench(cluster, { duration = seconds, rate = 0, logs = '' } = {}) {
  const command = ['pgbench', '-n', '-M', 'prepared', '-c', '16', '-j', '1',
    '-T', String(duration)];
  if (rate > 0) command.push('-R', String(Math.round(rate)));
  if (logs !== '') command.push('-l', `--log-prefix=${logs}`);
  const before = { pg: cluster.cpu(), own: cpuOf(process.pid) };
  const text = await run(GENERATOR_CORE, [...command, `${cluster.url}/pgbench`]);
  const pg = cluster.cpu() - before.pg;
  const tps = Number(/tps = ([\d.]+)/.exec(text)[1]);
  const done = Number(/actually processed: (\d+)/.exec(text)[1]);
  return {
    rate: round(tps),
    done,
    pg_cpu_s: round(pg, 2),
    generator_cpu_s: round(cpuOf(process.pid) - before.own, 2),
    pg_us: round((pg * 1e6) / done, 1),
  };
}

// ---- Overround --------------------------------------------------------------

class Server {
  // options: settings of serve, by name
  static async start(store, options = {}, core = SERVER_CORE) {
    const settings = {
      store,
      listen: '127.0.0.1:0',
      'operator-listen': '127.0.0.1:0',
      'operator-token': TOKEN,
      'password-kib': 8,
      'password-passes': 1,
      'bet-rate': 0,
      'login-rate': 0,
      'producer-silence-s': 3600,
      'log-level': 'warn',
      ...options,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const server = new Server();
    server.child = start(core, [binary, 'serve', ...flags]);
    let at = null;
    for (let tries = 0; !at; tries++) {
      at = /^listening public=(\S+) operator=(\S+)/m.exec(server.child.text.stdout);
      if (server.child.status !== undefined || tries > 600) {
        throw new Error(`the server does not start: ${server.child.text.stderr}`);
      }
      await sleep(50);
    }
    [, server.public, server.operator] = at;
    return server;
  }

  // taskset has become the server: exec keeps the pid.
  cpu() {
    return cpuOf(this.child.pid);
  }

  async metrics() {
    const text = await (await fetch(`http://${this.operator}/metrics`)).text();
    const values = {};
    for (const line of text.split('\n')) {
      const match = /^(\w+(?:\{.*\})?) (\S+)$/.exec(line);
      if (match) values[match[1]] = Number(match[2]);
    }
    return values;
  }

  async feed(xml) {
    const answer = await fetch(`http://${this.operator}/v1/feed`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/xml' },
      body: xml,
    });
    if (answer.status !== 202) throw new Error(`feed: ${answer.status} ${await answer.text()}`);
  }

  async stop() {
    this.child.kill('SIGTERM');
    if ((await this.child.ended) !== 0) {
      throw new Error(`the server ended with ${this.child.status}\n${this.child.text.stderr}`);
    }
  }
}

function loadCommand(server, state, options) {
  const settings = {
    url: `http://${server.public}`,
    'operator-url': `http://${server.operator}`,
    'operator-token': TOKEN,
    customers: CUSTOMERS,
    deposit: '10000.00',
    stake: '0.10',
    state,
    ...options,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return [binary, 'load', '--json', ...flags];
}

// Customers with money: paid for once, before anything is measured.
async function prepare(server, state) {
  const command = loadCommand(server, state, { connections: 64 });
  await run(GENERATOR_CORE, [...command, '--prepare-only']);
}

/*
 * Bets over HTTP.  rate 0: as fast as answers come.  The CPU told is of the
 * whole run of the generator, so that some thousand reads of wallets before
 * the measured stretch are counted to the bets.
 */
async function load(server, state, options = {}) {
  const { rate = 0, duration = seconds, connections = 256, cluster = null } = options;
  const command = loadCommand(server, state, {
    connections,
    seconds: duration,
    rate: rate > 0 ? Math.round(rate) : 'max',
  });
  const before = { pg: cluster?.cpu() ?? 0, own: server.cpu(), metrics: await server.metrics() };
  const result = JSON.parse((await run(GENERATOR_CORE, command)).trim().split('\n').pop());
  const pg = (cluster?.cpu() ?? 0) - before.pg;
  const own = server.cpu() - before.own;
  const after = await server.metrics();
  const count = (name) => after[name] - before.metrics[name];
  if (result.accepted === 0 || result.errors > 0 || result.differences > 0) {
    throw new Error(`the load went wrong: ${JSON.stringify(result)}`);
  }
  return {
    rate: result.accepted_per_s,
    accepted: result.accepted,
    refused: result.refused,
    late: result.unsent + result.unanswered + result.pending,
    p50_ms: result.p50_us / 1000,
    p99_ms: result.p99_us / 1000,
    p999_ms: result.p999_us / 1000,
    batch: round(count('overround_batch_size_sum') / count('overround_batch_size_count')),
    pg_cpu_s: round(pg, 2),
    our_cpu_s: round(own, 2),
    generator_cpu_s: round(result.cpu_ms / 1000, 2),
    pg_us: round((pg * 1e6) / result.accepted, 1),
    our_us: round((own * 1e6) / result.accepted, 1),
  };
}

// ---- results ----------------------------------------------------------------

// Runs ours and the peer in turn; { ours: [...], peer: [...] }.
async function alternate(ours, peer, tell) {
  const results = { ours: [], peer: [] };
  for (let i = 0; i < rounds; i++) {
    results.ours.push(await ours(i));
    results.peer.push(await peer(i, results.ours[i]));
    console.log(`  ${i + 1}/${rounds}  ${tell(results.ours[i], results.peer[i])}`);
  }
  return results;
}

// rows: { claim, ours, peer, ratio, aim, cpu } as texts; raw: everything else.
function save(name, rows, raw) {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, `${name}.json`),
    `${JSON.stringify({ at: new Date().toISOString(), seconds, rounds, rows, raw }, null, 1)}\n`);
}

const COLUMNS = ['claim', 'ours', 'peer', 'ratio', 'aim', 'cpu'];
const ORDER = ['place_postgres', 'place_sqlite', 'trace', 'latency', 'settle', 'feed', 'stream',
  'relay', 'cluster', 'edge'];

// bench/feed prints one line of its own.
function feedRows() {
  const file = path.join(folder, 'feed.txt');
  const text = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
  const match = /book\s+(\d+) \S+ \| expat alone (\d+) \S+ \| ratio (\S+)/.exec(text);
  if (!match) return [];
  return [{
    claim: 'feed: UOF bytes to book',
    ours: `${match[1]} selections/s`,
    peer: `expat alone ${match[2]}/s`,
    ratio: match[3],
    aim: '0.8, not below 0.5',
    cpu: 'CPU time, one core',
  }];
}

function rowsOf(name) {
  const file = path.join(folder, `${name}.json`);
  if (name === 'feed') return feedRows();
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')).rows : [];
}

function table(names) {
  const rows = [Object.fromEntries(COLUMNS.map((name) => [name, name])),
    ...names.flatMap(rowsOf)];
  const width = (name) => Math.max(...rows.map((row) => (row[name] ?? '').length));
  for (const row of rows) {
    console.log(COLUMNS.map((name) => (row[name] ?? '').padEnd(width(name))).join('  ').trimEnd());
  }
}

if (require.main === module) table(process.argv.length > 2 ? process.argv.slice(2) : ORDER);

module.exports = {
  BOTH_CORES, CUSTOMERS, Postgres, Server, SERVER_CORE, GENERATOR_CORE, TOKEN, alternate, binary,
  cpuOf, folder, load, median, medianOf, pgbench, pgbenchPrepare, prepare, round, rounds, run, save,
  seconds, sleep, spawnOn: start,
};
