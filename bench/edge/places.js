// Places that are far from the origin.  Each is a network namespace with an edge node in
// it, a link to this machine, where the readers are, and a long wire (bench/delay.c) to
// the origin; readers who go over the wire themselves are those who have no edge.
//
//     readers -- link -- node | namespace -- link -- delay -- origin
//     readers ------------------------------------- delay -- origin
//
// Where namespaces cannot be made (they need root), all of it is on 127.0.0.1.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { BOTH_CORES, binary, cpuOf, folder, run, sleep, spawnOn } = require('../lib');
const { freePort } = require('../../tests/cluster/lib/ports');

const root = path.join(__dirname, '../..');
const HOST = 'www.example.com';
const many = { per_address: 1000000, per_network: 10000000, burst: 100000 };
const namespaces = new Set();
const nodes = new Set();

const ip = (...args) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

process.on('exit', () => {
  for (const node of nodes) node.kill();
  for (const name of namespaces) ip('netns', 'del', name);
});

// { name, near, far }: this machine's end of the link and the namespace's; null: cannot.
function namespace(number) {
  const name = `overround-bench-${process.pid}-${number}`;
  const [near, far] = [`10.209.${number}.1`, `10.209.${number}.2`];
  const link = `orb${process.pid % 100000}-${number}`;
  try {
    ip('netns', 'add', name);
    namespaces.add(name);
    ip('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
    ip('addr', 'add', `${near}/30`, 'dev', link);
    ip('link', 'set', link, 'up');
    ip('-n', name, 'addr', 'add', `${far}/30`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
  } catch {
    return null;
  }
  return { name, near, far };
}

function policy(place, dir, origin, port, more) {
  const [host, at] = origin.split(':');
  return {
    hostnames: { public: HOST, direct: 'direct.example.com', operator: 'desk.example.com' },
    origins: [{ name: 'origin', host, port: Number(at), tls: false }],
    countries: { elsewhere: 'allowed', unknown: 'allowed' },
    rates: { login: many, money: many, read: many, stream: many },
    connections: { per_address: 20000 },
    cdn: { networks: ['127.0.0.0/8', '10.209.0.0/16'] },
    node: {
      listen: place.far, port, run: `${dir}/run`, cache: `${dir}/cache`, passed_s: 100000,
      streams_s: 100000, ...more,
    },
  };
}

class Node {
  // more: of the policy's section node
  static async start(place, more = {}) {
    const node = new Node();
    node.dir = fs.mkdtempSync(path.join(os.tmpdir(), 'overround-bench-node-'));
    node.inside = place.name === null ? [] : ['ip', 'netns', 'exec', place.name];
    node.port = await freePort();
    fs.writeFileSync(path.join(node.dir, 'edge.yaml'),
      JSON.stringify(policy(place, node.dir, place.wire.address, node.port, more)));
    nodes.add(node);
    await node.script('start');
    node.at = place.far;
    node.address = `${node.at}:${node.port}`;
    await answers(node.address);
    return node;
  }

  script(verb) {
    return run(BOTH_CORES, [...this.inside, path.join(root, 'scripts/edge.sh'), verb, this.dir],
      { env: { ...process.env, OVERROUND: binary } });
  }

  // CPU seconds of all that the node's folder knows by a pid: nginx, and what is beside it.
  cpu() {
    const pids = fs.readdirSync(path.join(this.dir, 'run')).filter((file) => /\.pid$/.test(file));
    return pids.reduce((sum, file) =>
      sum + cpuOf(Number(fs.readFileSync(path.join(this.dir, 'run', file), 'latin1'))), 0);
  }

  kill() {
    if (!nodes.delete(this)) return;
    execFileSync(path.join(root, 'scripts/edge.sh'), ['kill', this.dir], { stdio: 'ignore' });
    fs.rmSync(this.dir, { recursive: true, force: true });
  }
}

async function answers(address) {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`http://${address}/edge/health`).catch(() => null);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`no edge node at ${address}`);
}

// A wire of so many ms, there and back, to an address.
async function startWire(near, to, ms) {
  const child = spawnOn(BOTH_CORES, [path.join(folder, 'delay'), `listen=${near}:0`, `to=${to}`,
    `ms=${ms}`]);
  let at = null;
  for (let tries = 0; !at && tries < 200; tries++) {
    await sleep(20);
    at = /^listening (\S+)$/m.exec(child.text.stdout);
  }
  if (!at) throw new Error(`no wire: ${child.text.stderr}`);
  const [host, port] = at[1].split(':');
  return {
    address: at[1],
    at: host,
    port: Number(port),
    cpu: () => cpuOf(child.pid),
    stall: () => child.kill('SIGSTOP'), // nothing comes any more, and nothing says so
    resume: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGKILL');
      await child.ended;
    },
  };
}

// ms: the round trip to the origin
async function startPlace(number, ms, origin) {
  const made = namespace(number);
  const place = { ms, ...(made ?? { name: null, near: '127.0.0.1', far: '127.0.0.1' }) };
  place.wire = await startWire(place.near, origin, ms);
  place.node = (more) => Node.start(place, more);
  return place;
}

module.exports = { startPlace, HOST };
