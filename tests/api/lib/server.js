// The real binary as a child process on free loopback ports; or several.
'use strict';

const { spawn, spawnSync } = require('node:child_process');
const { after } = require('node:test');
const { call } = require('./http');
const { binary, isPostgres, root } = require('./store');
const { eventually } = require('./wait');

const OPERATOR_TOKEN = 'operator-of-the-tests';
const children = new Set();
// A story that fails leaves its server behind: it ends with its file.
function killAll() {
  for (const child of children) child.kill('SIGKILL');
}
after(killAll);
process.on('exit', killAll);

// A test's environment must not configure the server behind its back.
function cleanEnv(extra = {}) {
  const env = { ...process.env, ...extra };
  for (const name of Object.keys(env)) {
    if (name.startsWith('OVERROUND_') && !(name in extra)) delete env[name];
  }
  return env;
}

const DEFAULTS = {
  listen: '127.0.0.1:0',
  'operator-listen': '127.0.0.1:0',
  'operator-token': OPERATOR_TOKEN,
  'password-kib': '64',
  'password-passes': '1',
  'bet-rate': '0',
  'login-rate': '0',
  'producer-silence-s': '3600',
};

function serveArguments(store, options) {
  const settings = { ...DEFAULTS, store, ...options };
  const args = ['serve'];
  for (const [name, value] of Object.entries(settings)) args.push(`--${name}`, String(value));
  return args;
}

// Runs a subcommand to its end: { status, stdout, stderr }.
function run(args, { env, input, timeout = 60000, cwd = root } = {}) {
  return spawnSync(binary(), args, {
    encoding: 'utf8',
    env: cleanEnv(env),
    killSignal: 'SIGKILL',
    input,
    timeout,
    cwd,
    maxBuffer: 64 << 20,
  });
}

// The same without blocking this process, which may be serving it.
function runAsync(args, { env, cwd = root } = {}) {
  const child = spawn(binary(), args, {
    env: cleanEnv(env),
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => {
    out.stdout += text;
  });
  child.stderr.on('data', (text) => {
    out.stderr += text;
  });
  const done = new Promise((resolve) => {
    child.on('close', (status, signal) => {
      children.delete(child);
      resolve({ status, signal, ...out });
    });
  });
  return { child, done };
}

class Server {
  constructor(child) {
    this.child = child;
    this.output = '';
    this.log = '';
    this.token = OPERATOR_TOKEN;
    this.partitions = 1; // of the topics that events are divided by
    children.add(child);
    child.stdout.on('data', (text) => {
      this.output += text;
    });
    child.stderr.on('data', (text) => {
      this.log = (this.log + text).slice(-200000);
    });
    this.exited = new Promise((resolve) => {
      child.on('close', (status, signal) => {
        children.delete(child);
        this.exit = { status, signal };
        resolve(this.exit);
      });
    });
  }

  async listening() {
    await eventually(
      () => {
        const match = /^listening public=(\S+) operator=(\S+)/m.exec(this.output);
        if (!match && this.exit) throw Object.assign(new Error(this.log), { final: true });
        if (!match) throw new Error(`the server does not listen: ${this.log.slice(-2000)}`);
        [, this.public, this.operator] = match;
      },
      { timeout: 60000 },
    );
    this.publicUrl = `http://${this.public}`;
    this.operatorUrl = `http://${this.operator}`;
  }

  ready() {
    return eventually(
      async () => {
        const answer = await call('GET', `${this.operatorUrl}/readyz`);
        if (answer.status !== 200) throw new Error(`/readyz ${answer.status}: ${answer.text}`);
      },
      { timeout: 60000 },
    );
  }

  call(method, path, options) {
    return call(method, (this.callUrl ?? this.publicUrl) + path, options);
  }

  operate(method, path, options = {}) {
    return call(method, this.operatorUrl + path, { token: this.token, ...options });
  }

  // SIGTERM; anything but a clean exit is a failure (with asan: a leak, too).
  async stop() {
    await this.fanout?.stop();
    if (!this.exit) this.child.kill('SIGTERM');
    const late = setTimeout(() => this.child.kill('SIGKILL'), 60000);
    const { status, signal } = await this.exited;
    clearTimeout(late);
    if (status !== 0) {
      throw new Error(`the server ended with ${status ?? signal}: ${this.log.slice(-4000)}`);
    }
  }

  async kill() {
    await this.fanout?.kill();
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

// An edge node's fan-out: `origin` is "host:port" or "unix:PATH", and so may `listen` be.
async function startFanout(origin, { listen = '127.0.0.1:0', operator = '127.0.0.1:0' } = {}) {
  const args = ['fanout', '--origin', origin, '--listen', listen, '--operator-listen', operator];
  const fanout = new Server(spawn(binary(), args, {
    env: cleanEnv(), cwd: root, stdio: ['ignore', 'pipe', 'pipe'],
  }));
  await fanout.listening();
  await fanout.ready();
  return fanout;
}

// OVERROUND_TEST_SHAPE=fanout: streams come through a fan-out, calls past it.
async function standBefore(server) {
  server.fanout = await startFanout(server.public);
  server.callUrl = server.publicUrl;
  server.public = server.fanout.public;
  server.publicUrl = server.fanout.publicUrl;
}

// One process.
// startProcess({ store, options: { 'bet-rate': 5 }, launcher: ['bash', '-c', …] })
async function startProcess({ store, options = {}, env, launcher = [], ready = true }) {
  const command = [...launcher, binary(), ...serveArguments(store, options)];
  const child = spawn(command[0], command.slice(1), {
    env: cleanEnv(env),
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = new Server(child);
  await server.listening();
  if (ready) await server.ready();
  if (ready && process.env.OVERROUND_TEST_SHAPE === 'fanout') await standBefore(server);
  return server;
}

// OVERROUND_TEST_SHAPE: each server is several processes behind nginx, unless
// the test says what its process plays.  cluster: each role apart, on Kafka;
// split: the feed apart; kube: the chart, in the Kubernetes of tests/kube.
const shapes = {
  cluster: {},
  split: { bus: 'local', counts: { feed: 1, 'odds,bets,settle,web': 1 } },
};

async function startServer(wanted) {
  const { role, bus } = wanted.options ?? {};
  if (process.env.OVERROUND_TEST_SHAPE === 'kube') {
    const { startRelease } = require('../../kube/lib/release');
    return startRelease(wanted);
  }
  const shape = isPostgres && shapes[process.env.OVERROUND_TEST_SHAPE];
  if (!shape || role || bus) return startProcess(wanted);
  const { One } = require('../../cluster/lib/one');
  return new One({ ...wanted, ...shape }).start({ ready: wanted.ready });
}

module.exports = {
  startServer, startProcess, startFanout, run, runAsync, serveArguments, OPERATOR_TOKEN,
};
