// The stream: one server on one core, WebSocket clients and the publisher on
// the other (stream_clients.c).
//
//   fan-out    1,000 clients, updates of 200 bytes: deliveries per CPU second
//              of the server, against nginx-nchan and nats-server, at one
//              update a tick (25/s) and at 250 updates/s a client
//   latency    10,000 connected, 1,000 of them on the event
//   node       the same 1,000 behind an edge node's fan-out: its CPU, and the origin's
//   stalled    one client in ten reads nothing in the second half
'use strict';

const { Server, SERVER_CORE, GENERATOR_CORE, binary, folder, median, round, rounds, save, seconds,
  sleep, spawnOn } = require('./lib');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const TOKEN = 'operator-of-the-bench';
const CLIENTS = Number(process.env.BENCH_CLIENTS ?? 1000);
const IDLE = Number(process.env.BENCH_IDLE ?? 9000);
const place = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-stream-'));
process.on('exit', () => fs.rmSync(place, { recursive: true, force: true }));

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function listens(port) {
  for (let tries = 0; tries < 100; tries++) {
    const up = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (up) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
}

// Each kind gives { pid, subscribe, publish, stop }.
const kinds = {
  async overround() {
    const store = path.join(place, `server-${Date.now()}.db`);
    const server = await Server.start(`sqlite:${store}`, { 'stream-tick-ms': 40 });
    const port = (address) => Number(address.split(':').pop());
    const now = Date.now();
    for (const event of ['sr:match:7000001', 'sr:match:7000002']) {
      await server.feed(`<fixtures_fixture generated_at="2026-01-01T00:00:00Z">
        <fixture id="${event}" start_time="2026-01-01T00:00:00Z" status="live">
        <tournament id="sr:tournament:1" name="T">
        <sport id="sr:sport:1" name="Soccer"/></tournament><competitors>
        <competitor id="sr:competitor:1" name="Home" qualifier="home"/>
        <competitor id="sr:competitor:2" name="Away" qualifier="away"/>
        </competitors></fixture></fixtures_fixture>`);
      await server.feed(`<odds_change product="1" event_id="${event}" timestamp="${now}">
        <sport_event_status status="1" match_status="6"/></odds_change>`);
    }
    await server.feed(`<alive product="1" timestamp="${now}" subscribed="1"/>`);
    return {
      pid: server.child.pid,
      subscribe: port(server.public),
      publish: port(server.operator),
      stop: () => server.stop(),
    };
  },
  // An edge node's: the clients are its, the origin has one.
  async fanout() {
    const origin = await kinds.overround();
    const port = await freePort();
    const child = spawnOn(SERVER_CORE, [binary, 'fanout',
      '--origin', `127.0.0.1:${origin.subscribe}`, '--listen', `127.0.0.1:${port}`]);
    await listens(port);
    return {
      pid: child.pid,
      origin: origin.pid,
      subscribe: port,
      publish: origin.publish,
      stop: async () => {
        await stop(child, 'SIGTERM');
        await origin.stop();
      },
    };
  },
  async nchan() {
    const port = await freePort();
    const file = path.join(place, 'nginx.conf');
    fs.writeFileSync(file, `load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; worker_processes 1; pid ${place}/nginx.pid; error_log ${place}/nginx.log;
worker_rlimit_nofile 20000;
events { worker_connections 18000; }
http { access_log off; client_body_temp_path ${place}/b; proxy_temp_path ${place}/p;
  fastcgi_temp_path ${place}/f; uwsgi_temp_path ${place}/u; scgi_temp_path ${place}/s;
  keepalive_requests 100000000; nchan_max_reserved_memory 512M;
  server { listen 127.0.0.1:${port} backlog=4096;
    location = /sub { nchan_subscriber websocket; nchan_channel_id updates;
      nchan_subscriber_first_message newest; }
    location = /elsewhere { nchan_subscriber websocket; nchan_channel_id elsewhere; }
    location = /pub { nchan_publisher http; nchan_channel_id updates;
      nchan_message_buffer_length 100; nchan_message_timeout 5s; } } }
`);
    const child = spawnOn(SERVER_CORE, ['nginx', '-c', file, '-p', place]);
    await listens(port);
    return { pid: child.pid, subscribe: port, publish: port, stop: () => stop(child, 'SIGQUIT') };
  },
  async nats() {
    const port = await freePort();
    const socket = await freePort();
    const file = path.join(place, 'nats.conf');
    fs.writeFileSync(file, `listen: "127.0.0.1:${port}"
websocket { listen: "127.0.0.1:${socket}", no_tls: true, compression: false }
max_connections: 18000
`);
    const child = spawnOn(SERVER_CORE, ['nats-server', '-c', file], {
      env: { ...process.env, GOMAXPROCS: '1' },
    });
    await listens(socket);
    return { pid: child.pid, subscribe: socket, publish: port, stop: () => stop(child, 'SIGKILL') };
  },
};

async function stop(child, signal) {
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 2000);
  await child.ended;
  clearTimeout(late);
}

// nginx serves from a child of its own: the whole family is looked at.
function family(pid) {
  const stat = (id) => {
    const text = fs.readFileSync(`/proc/${id}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ').map(Number);
    return { parent: fields[1], ticks: fields[11] + fields[12], rss: fields[21] * 4096 };
  };
  const sum = stat(pid);
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const other = stat(name);
      if (other.parent !== pid) continue;
      sum.ticks += other.ticks;
      sum.rss += other.rss;
    } catch {
      // it has ended
    }
  }
  return { cpu_s: sum.ticks / 100, rss: sum.rss };
}

// One run of the clients against a fresh server.
async function measure(kind, options) {
  const server = await kinds[kind]();
  const empty = family(server.pid);
  const seen = {};
  const settings = { subscribe: server.subscribe, publish: server.publish, clients: CLIENTS,
    seconds, token: TOKEN, ...options };
  const speaks = kind === 'fanout' ? 'overround' : kind;
  const child = spawnOn(GENERATOR_CORE, [path.join(folder, 'stream_clients'), speaks,
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`)]);
  child.stdout.on('data', (chunk) => {
    for (const word of String(chunk).split('\n')) {
      if (!/^[a-z]+$/.test(word)) continue;
      seen[word] = family(server.pid);
      if (server.origin) seen[word].origin_s = family(server.origin).cpu_s;
    }
  });
  if ((await child.ended) !== 0) throw new Error(`${kind}: ${child.text.stderr}`);
  await server.stop();
  const result = JSON.parse(child.text.stdout.trim().split('\n').pop());
  const cpu = seen.measured.cpu_s - seen.measuring.cpu_s;
  const connections = result.clients + result.idle;
  return {
    ...result,
    cpu_s: round(cpu, 2),
    origin_cpu_s: server.origin && round(seen.measured.origin_s - seen.measuring.origin_s, 2),
    per_cpu_s: Math.round(result.deliveries / cpu),
    connection_kib: round((seen.connected.rss - empty.rss) / 1024 / connections, 2),
    rss_mib: round(seen.measured.rss / 1048576, 1),
    rss_before_stall_mib: seen.stalled ? round(seen.stalled.rss / 1048576, 1) : undefined,
  };
}

const tell = (name, r) => `${name} ${r.per_cpu_s}/CPU s (${r.deliveries} in ${r.cpu_s} s, p99 `
  + `${r.latency.p99_ms} ms${r.late ? `, ${r.late} late` : ''})`;
const middle = (list, of) => median(list.map(of));

async function fanOut(name, options, aim) {
  const results = { overround: [], nchan: [], nats: [] };
  for (let i = 0; i < rounds; i++) {
    const line = [];
    for (const kind of Object.keys(results)) {
      const result = await measure(kind, options);
      results[kind].push(result);
      line.push(tell(kind, result));
    }
    console.log(`  ${i + 1}/${rounds}  ${line.join('  ')}`);
  }
  const rate = (kind) => Math.round(middle(results[kind], (r) => r.per_cpu_s));
  const better = Math.max(rate('nchan'), rate('nats'));
  const row = {
    claim: `stream: ${name}`,
    ours: `${rate('overround')} deliveries/CPU s`,
    peer: `nchan ${rate('nchan')}, nats ${rate('nats')}`,
    ratio: `${round(rate('overround') / better, 2)}`,
    aim,
    cpu: `of one core: ours ${round((100 * middle(results.overround, (r) => r.cpu_s)) / seconds)}`
      + ` %, nchan ${round((100 * middle(results.nchan, (r) => r.cpu_s)) / seconds)} %`,
  };
  return { row, results };
}

async function crowd() {
  const results = [];
  for (let i = 0; i < rounds; i++) {
    const r = await measure('overround', { idle: IDLE, rate: 25, markets: 1 });
    results.push(r);
    console.log(`  ${i + 1}/${rounds}  ${r.clients + r.idle} connected: p50 ${r.latency.p50_ms}`
      + ` p99 ${r.latency.p99_ms} ms, ${r.connection_kib} KiB a connection`);
  }
  const ms = (name) => round(middle(results, (r) => r.latency[name]), 1);
  const rows = [{
    claim: `stream: feed in to client, ${CLIENTS + IDLE} connected`,
    ours: `p50 ${ms('p50_ms')} p99 ${ms('p99_ms')} p99.9 ${ms('p999_ms')} ms`,
    peer: '-',
    ratio: '-',
    aim: 'p99 under 60 ms',
    cpu: `${round((100 * middle(results, (r) => r.cpu_s)) / seconds)} % of one core`,
  }, {
    claim: 'stream: memory of a connection',
    ours: `${round(middle(results, (r) => r.connection_kib), 1)} KiB`,
    peer: '-',
    ratio: '-',
    aim: '4 KiB, not above 16',
    cpu: '',
  }];
  return { rows, results };
}

async function node() {
  const results = [];
  for (let i = 0; i < rounds; i++) {
    const r = await measure('fanout', { rate: 25, markets: 1 });
    results.push(r);
    console.log(`  ${i + 1}/${rounds}  ${tell('node', r)}, origin ${r.origin_cpu_s} s`);
  }
  const row = {
    claim: `stream: ${CLIENTS} clients behind an edge node's fan-out`,
    ours: `${Math.round(middle(results, (r) => r.per_cpu_s))} deliveries/CPU s of the node, p99 `
      + `${round(middle(results, (r) => r.latency.p99_ms), 1)} ms`,
    peer: '-',
    ratio: '-',
    aim: '',
    cpu: `of one core: node ${round((100 * middle(results, (r) => r.cpu_s)) / seconds)} %, origin `
      + `${round((100 * middle(results, (r) => r.origin_cpu_s)) / seconds)} %`,
  };
  return { row, results };
}

async function stalled() {
  const results = [];
  for (let i = 0; i < Math.min(rounds, 3); i++) {
    const r = await measure('overround', { rate: 250, markets: 10, stall: 10, seconds: 20 });
    results.push(r);
    console.log(`  ${i + 1}  p99 ${r.latency.p99_ms} ms, with stalled clients `
      + `${r.while_stalled.p99_ms} ms; memory ${r.rss_before_stall_mib} -> ${r.rss_mib} MiB`);
  }
  const row = {
    claim: 'stream: one client in ten stalled for 10 s',
    ours: `p99 ${round(middle(results, (r) => r.while_stalled.p99_ms), 1)} ms, memory `
      + `${round(middle(results, (r) => r.rss_mib - r.rss_before_stall_mib), 1)} MiB more`,
    peer: `before: p99 ${round(middle(results, (r) => r.latency.p99_ms), 1)} ms`,
    ratio: '-',
    aim: 'unchanged',
    cpu: '',
  };
  return { row, results };
}

async function main() {
  const tick = await fanOut('one update a tick', { rate: 25, markets: 1 }, '1 of the better');
  const burst = await fanOut('250 updates/s a client', { rate: 250, markets: 10 },
    '5 of the better');
  const many = await crowd();
  const slow = await stalled();
  const behind = await node();
  save('stream', [tick.row, burst.row, ...many.rows, slow.row, behind.row],
    { tick: tick.results, burst: burst.results, crowd: many.results, stalled: slow.results,
      node: behind.results });
}

main();
