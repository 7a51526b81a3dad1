// A program before a real server, as a generated configuration has it: Varnish or
// HAProxy in a temporary folder on a free loopback port, ended by its process id.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../api/lib/server');
const { makeFolder, root } = require('../../api/lib/store');
const { call } = require('../../api/lib/http');
const { eventually } = require('../../api/lib/wait');
const { answers, freePort } = require('../../cluster/lib/ports');

const CDN_SECRET = 'Secret of "the" CDN/1+=';

// deploy/edge/edge.yaml for a server of this machine: plain HTTP, this machine's word
// about addresses and countries believed.  `changes`: [[what, what instead], …].
function policyText({ origin, port, folder, changes = [] }) {
  const [host, originPort] = origin.split(':');
  const kept = fs.readFileSync(path.join(root, 'deploy/edge/edge.yaml'), 'utf8');
  const all = [
    [/ {2}- name: main\n.*\n.*\n.*\n/,
      `  - name: main\n    host: ${host}\n    port: ${originPort}\n    tls: false\n`],
    [/ {2}- name: trial\n.*\n.*\n.*\n.*\n/, ''],
    [/networks: #.*\n.*\n.*\n/, 'networks: ["127.0.0.0/8"]\n'],
    [/listen: .*/, 'listen: 127.0.0.1'],
    [/ {2}port: 443\n {2}certificate: .*/, `  port: ${port}\n  certificate: ""`],
    [/geoip: .*/, 'geoip: ""'],
    [/run: .*/, `run: ${folder}`],
    [/cache: .*/, `cache: ${folder}/cache`],
    ...changes,
  ];
  return all.reduce((text, [from, to]) => {
    if (text.search(from) < 0) throw new Error(`edge.yaml has no ${from}`);
    return text.replace(from, to);
  }, kept);
}

const given = (headers) =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));

class Front {
  // target: 'varnish'; origin: '127.0.0.1:PORT'; command: (folder) -> [program, arguments]
  // secret: what a CDN must say; null: not set.
  async start(target, { origin, changes, command, secret = CDN_SECRET }) {
    this.folder = makeFolder(`overround-${target}`);
    this.port = await freePort();
    const policy = path.join(this.folder, 'edge.yaml');
    fs.writeFileSync(policy, policyText({ origin, port: this.port, folder: this.folder, changes }));
    const made = run(['edge', '--for', target, '--policy', policy, '--out', this.folder]);
    if (made.status !== 0) throw new Error(made.stderr);
    const [program, args] = command(this.folder);
    const env = { ...process.env, OVERROUND_CDN_SECRET: secret };
    if (secret === null) delete env.OVERROUND_CDN_SECRET;
    this.child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.said = '';
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (text) => {
        this.said = (this.said + text).slice(-20000);
      });
    this.ended = new Promise((resolve) => this.child.on('close', resolve));
    this.child.on('close', (status) => {
      this.status = status ?? 'killed';
    });
    process.on('exit', () => this.child.kill('SIGKILL'));
    await eventually(
      async () => {
        if (this.status !== undefined)
          throw Object.assign(new Error(`${target} ended: ${this.said}`), { final: true });
        await answers(`127.0.0.1:${this.port}`);
      },
      { timeout: 60000 },
    );
    return this;
  }

  // As a customer at an address in a country, as the CDN before it says.
  call(method, target, { address = '198.51.100.1', country = 'MT', headers, ...more } = {}) {
    return call(method, `http://127.0.0.1:${this.port}${target}`, {
      ...more,
      headers: given({
        host: 'www.example.com',
        'user-agent': 'a browser',
        'x-overround-edge': CDN_SECRET,
        'x-forwarded-for': address,
        ...(country && { 'x-edge-country': `${country};t=1;sig=0` }),
        ...headers,
      }),
    });
  }

  async stop() {
    this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10000);
    await this.ended;
    clearTimeout(late);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { Front, policyText, CDN_SECRET };
