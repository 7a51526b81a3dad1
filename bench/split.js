// A deployment with its roles apart, for the benches: Kafka, and a process
// for each name, with nginx in front of the bets processes.
'use strict';

const { BOTH_CORES, Server, TOKEN, binary, cpuOf, run, sleep } = require('./lib');
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
    kafka.address = (await run(BOTH_CORES, ['scripts/kafka.sh', 'start', kafka.folder])).trim();
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

// The cluster's own load balancer, as it is deployed.
class Balancer {
  static async start({ feed, settle, web, bets }) {
    const balancer = new Balancer();
    balancer.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-nginx-'));
    process.on('exit', () => fs.rmSync(balancer.folder, { recursive: true, force: true }));
    balancer.public = `127.0.0.1:${await freePort()}`;
    const upstreams = Object.entries({
      bets_public: bets.map((server) => server.public),
      web_public: [web.public],
      feed_operator: [feed.operator],
      bets_operator: bets.map((server) => server.operator),
      settle_operator: [settle.operator],
      web_operator: [web.operator],
    }).map(([name, addresses]) => `${name}=${addresses}`);
    await run(BOTH_CORES, ['scripts/nginx.sh', 'start', balancer.folder, balancer.public,
      `127.0.0.1:${await freePort()}`, ...upstreams]);
    balancer.pid = Number(fs.readFileSync(path.join(balancer.folder, 'nginx.pid'), 'latin1'));
    return balancer;
  }

  cpu() {
    return cpuOf(this.pid);
  }

  stop() {
    return run(BOTH_CORES, ['scripts/nginx.sh', 'stop', this.folder]);
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
    split.balancer = await Balancer.start(split);
    return split;
  }

  add(role) {
    return Server.start(this.store, { ...this.settings, role }, BOTH_CORES);
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
