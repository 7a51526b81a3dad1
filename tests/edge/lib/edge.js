// An edge node, as it is deployed (scripts/edge.sh), before real servers.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { call } = require('../../api/lib/http');
const { makeFolder, root } = require('../../api/lib/store');
const { eventually, World } = require('../../api/lib/world');
const { makeStore } = require('../../api/lib/store');
const { answers, freePort } = require('../../cluster/lib/ports');
const { mmdb } = require('./mmdb');

const script = path.join(root, 'scripts/edge.sh');
const SECRET = 'edge-secret-of-the-tests';
const HOST = 'www.example.com';

// Addresses for documents, and where they are in these tests.
const COUNTRIES = {
  '203.0.113.0/24': 'MT',
  '198.51.100.0/24': 'US',
  '192.0.2.0/24': 'GB',
  '198.18.0.0/15': 'MT',
  '2001:db8::/32': 'MT',
  '127.9.0.0/16': 'MT', // who really calls from there, of this machine
  '127.8.0.0/16': 'US',
};
const AT_HOME = '203.0.113.7';
const ABROAD = '198.51.100.7';

const many = { per_address: 1000000, per_network: 10000000, burst: 100000 };

// What the operator decided; a test says what is to be otherwise, section by section.
function policyOf(folder, port, origins, more) {
  return {
    hostnames: { public: HOST, direct: 'direct.example.com', operator: 'desk.example.com' },
    origins: origins.map((address, i) => ({
      name: `origin-${i}`,
      host: address.split(':')[0],
      port: Number(address.split(':')[1]),
      tls: false,
    })),
    countries: { elsewhere: 'refused', unknown: 'refused' },
    jurisdictions: [{ name: 'home', betting: 'allowed', countries: ['MT', 'GB'] }],
    rates: { login: many, money: many, read: many, stream: many },
    connections: { per_address: 10000 },
    cdn: { networks: ['127.0.0.0/8'] },
    ...more,
    node: {
      listen: '127.0.0.1',
      port,
      geoip: `${folder}/country.mmdb`,
      run: `${folder}/run`,
      cache: `${folder}/cache`,
      ...more.node,
    },
  };
}

class Edge {
  // origins: ['127.0.0.1:1234', …]
  async start(origins, more = {}) {
    this.folder = makeFolder('overround-edge');
    const port = await freePort();
    fs.writeFileSync(path.join(this.folder, 'country.mmdb'), mmdb(COUNTRIES));
    this.write(policyOf(this.folder, port, origins, more));
    if (this.local) fs.writeFileSync(path.join(this.folder, 'local.conf'), this.local);
    process.on('exit', () => this.stop());
    this.run('start');
    this.address = `127.0.0.1:${port}`;
    this.url = `http://${this.address}`;
    await eventually(() => answers(this.address));
    return this;
  }

  write(policy) {
    this.policy = policy;
    fs.writeFileSync(path.join(this.folder, 'edge.yaml'), JSON.stringify(policy, null, 1));
  }

  // Another policy from now on; no request is lost.
  change(more) {
    this.write({ ...this.policy, ...more });
    this.run('reload');
  }

  run(verb) {
    execFileSync(script, [verb, this.folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env, OVERROUND_EDGE_SECRET: SECRET, OVERROUND_CDN_SECRET: this.cdnSecret ?? '',
      },
    });
  }

  // As a customer at this address, who comes through the CDN.
  call(method, target, { from = AT_HOME, headers, ...options } = {}) {
    return call(method, this.url + target, {
      ...options,
      headers: {
        host: HOST,
        'user-agent': 'Mozilla/5.0 (a test)',
        'x-forwarded-for': from,
        ...headers,
      },
    });
  }

  // The same as bytes, when what they are is the question.
  get(target, headers, agent) {
    return new Promise((resolve, reject) => {
      const req = http.get(this.url + target, {
        agent,
        headers: { host: HOST, 'user-agent': 'a test', 'x-forwarded-for': AT_HOME, ...headers },
      });
      req.on('error', reject);
      req.on('response', (res) => {
        const parts = [];
        res.on('data', (part) => parts.push(part));
        res.on('error', reject);
        res.on('end', () =>
          resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
      });
    });
  }

  log() {
    return fs.readFileSync(path.join(this.folder, 'run/error.log'), 'utf8');
  }

  // One object a request.
  requests() {
    const text = fs.readFileSync(path.join(this.folder, 'run/access.log'), 'utf8');
    return text.trim().split('\n').map((line) => JSON.parse(line));
  }

  kill() {
    this.run('kill');
  }

  stop() {
    if (this.stopped || !this.folder) return;
    this.stopped = true;
    this.run('stop');
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

// A server that trusts one proxy, and an edge before it: what a world's customers ask
// goes through it, what its feed says does not.
async function openEdge({ options = {}, through = (address) => address, ...more } = {}) {
  const world = new World(makeStore(), { proxies: 1, ...options });
  await world.start();
  await world.feed.up();
  const edge = await new Edge().start([await through(world.server.public)], more);
  world.server.call = (...args) => edge.call(...args);
  return { world, edge };
}

function edgeFor(hooks, options) {
  const holder = {};
  hooks.before(async () => {
    Object.assign(holder, await openEdge(options));
  });
  hooks.after(async () => {
    holder.edge?.stop();
    await holder.world?.close();
  });
  return () => holder;
}

module.exports = { Edge, openEdge, edgeFor, SECRET, HOST, AT_HOME, ABROAD, COUNTRIES };
