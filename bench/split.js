// A deployment with its roles apart, for the benches: Kafka, and a process
// for each name, with nginx in front of the bets processes.
'use strict';

const { Server, SERVER_CORE, TOKEN, binary, cpuOf, run, sleep, spawnOn } = require('./lib');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');

class Kafka {
  static async start() {
    const kafka = new Kafka();
    kafka.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-kafka-'));
    process.on('exit', () => kafka.drop());
    kafka.address = (await run(SERVER_CORE, ['scripts/kafka.sh', 'start', kafka.folder])).trim();
    kafka.pid = Number(fs.readFileSync(path.join(kafka.folder, 'pid'), 'latin1'));
    return kafka;
  }

  cpu() {
    return cpuOf(this.pid);
  }

  drop() {
    if (!this.folder) return;
    execFileSync('scripts/kafka.sh', ['drop', this.folder], { cwd: root, stdio: 'ignore' });
    this.folder = null;
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// nginx on one address: bets to several, the rest to web; keep-alive on both sides.
class Balancer {
  static async start(bets, web) {
    const balancer = new Balancer();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-nginx-'));
    const port = await freePort();
    const file = path.join(folder, 'nginx.conf');
    fs.writeFileSync(file, `daemon off; worker_processes 1; pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream bets { ${bets.map((a) => `server ${a};`).join(' ')} keepalive 512;
    keepalive_requests 1000000; }
  upstream web { server ${web}; keepalive 64; }
  server {
    listen 127.0.0.1:${port} backlog=4096; keepalive_requests 1000000;
    proxy_http_version 1.1; proxy_set_header Connection "";
    location ~ ^/v1/(bets|wallet|accounts|sessions|limits|exclusion) { proxy_pass http://bets; }
    location / { proxy_pass http://web; }
  }
}
`);
    balancer.child = spawnOn(SERVER_CORE, ['nginx', '-c', file, '-p', folder]);
    balancer.public = `127.0.0.1:${port}`;
    process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
    return balancer;
  }

  cpu() {
    return cpuOf(this.child.pid);
  }

  async stop() {
    this.child.kill('SIGTERM');
    await this.child.ended;
  }
}

async function waitUntilReady(server, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  let why = 'no answer';
  while (Date.now() < end) {
    try {
      const answer = await fetch(`http://${server.operator}/readyz`);
      if (answer.status === 200) return;
      why = await answer.text();
    } catch (error) {
      why = error.message;
    }
    await sleep(10);
  }
  throw new Error(`not ready after ${seconds} s: ${why}`);
}

// { feed, odds, settle, web, bets: [two], balancer, kafka }
class Split {
  static async start(store, { bets = 2, partitions = 8, kafka } = {}) {
    const split = new Split();
    split.kafka = kafka ?? await Kafka.start();
    split.settings = {
      bus: `kafka://${split.kafka.address}/bench`, partitions,
      // Watchers of prices share their core with what they watch.
      'live-silence-ms': 30000, 'prematch-silence-ms': 60000,
    };
    split.store = store;
    split.feed = await split.add('feed');
    split.odds = await split.add('odds');
    split.settle = await split.add('settle');
    split.web = await split.add('web');
    split.bets = [];
    for (let i = 0; i < bets; i++) split.bets.push(await split.add('bets'));
    for (const server of split.all()) await waitUntilReady(server);
    split.balancer = await Balancer.start(split.bets.map((server) => server.public),
      split.web.public);
    return split;
  }

  add(role) {
    return Server.start(this.store, { ...this.settings, role });
  }

  all() {
    return [this.feed, this.odds, this.settle, this.web, ...this.bets];
  }

  // CPU seconds by name.
  cpu() {
    return {
      nginx: this.balancer.cpu(), feed: this.feed.cpu(), odds: this.odds.cpu(),
      settle: this.settle.cpu(), web: this.web.cpu(),
      bets: this.bets.reduce((sum, server) => sum + server.cpu(), 0), kafka: this.kafka.cpu(),
    };
  }

  async stop() {
    await this.balancer.stop();
    for (const server of this.all().reverse()) await server.stop();
    this.kafka.drop();
  }
}

module.exports = { Kafka, Split, TOKEN, binary, waitUntilReady };
