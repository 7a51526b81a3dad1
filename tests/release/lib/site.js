// A small site that gets a new release: PostgreSQL, Kafka, nginx, Prometheus,
// the roles that stay in one process, and bets in two tracks.  It is also the
// driver of deploy/release.sh, whose verbs come by HTTP (see verbs()).
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { World, market } = require('../../api/lib/world');
const { makeStore, makeFolder, root, binary } = require('../../api/lib/store');
const { runAsync, OPERATOR_TOKEN } = require('../../api/lib/server');
const { eventually } = require('../../api/lib/wait');
const { Fleet } = require('../../cluster/lib/fleet');
const { Prometheus } = require('./prometheus');

const RATE = 120; // bets a second
const CORE = 'feed,odds,settle,web';

const fault = (name) => path.join(root, 'build/faults', name, 'overround');

// Another program in the place of the one under test.
const insteadOf = (program) => ['bash', '-c', 'exec "$0" "${@:2}"', program];

function capture(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (out += text));
    child.on('close', (status) => resolve({ status, out }));
  });
}

class Site {
  async start() {
    this.store = makeStore({ kind: 'postgres' });
    this.fleet = new Fleet({ store: this.store.url, counts: { [CORE]: 1, bets: 1 },
      options: { 'stake-max': '1000.00' } });
    await this.fleet.start();
    this.world = new World(this.store, {});
    this.world.server = this.fleet;
    this.prometheus = await new Prometheus().start(this.targets());
    await this.world.feed.up();
    await this.evening();
    await this.listen();
    await this.load();
    return this;
  }

  // Bets that are over, for a release to grade again: one of them is paid
  // 6.49, of 6.4935.
  async evening() {
    const fan = await this.world.customer();
    const events = await Promise.all([1, 2, 3].map(() =>
      this.world.event(market.oneXTwo('1.95'))));
    const legs = events.map((event) => event.home('1.95'));
    const place = (what, more) => eventually(() => fan.placed(what, { stake: '3.33', ...more }));
    const bets = [await place(legs[0]), await place(legs.slice(0, 2)),
      await place(legs, { type: 'system', system: [2, 3] })];
    await events[0].result(1, 0, 0);
    await events[1].result({ result: 1, void: 0.5 }, 0, 0);
    await events[2].result(0, 1, 0);
    for (const bet of bets) await fan.becomes(bet, { state: 'settled' });
  }

  // Customers who go on betting until the end.
  async load() {
    this.betting = runAsync(['load', '--url', this.fleet.publicUrl,
      '--operator-url', this.fleet.operatorUrl, '--operator-token', OPERATOR_TOKEN,
      '--customers', '300', '--rate', String(RATE), '--seconds', '3600', '--retry', '--json']);
    const [bets] = this.fleet.of('bets');
    await eventually(async () => {
      const n = await this.fleet.number(bets, 'overround_bets_total{result="accepted"}');
      if (n < 3 * RATE) throw new Error(`${n} bets`);
    }, { timeout: 120000, every: 200 });
  }

  targets() {
    const where = (members) => members.map(({ server }) => server.operator).join(',');
    const all = [`role=core@${where(this.fleet.of('feed'))}`,
      `role=bets,track=stable@${where(this.fleet.of('bets'))}`];
    if (this.canary) all.push(`role=bets,track=canary@${where([this.canary])}`);
    return all;
  }

  route(weight) {
    const canary = this.canary && {
      bets_canary: [this.canary.server.public], weight: [String(weight)],
    };
    this.fleet.nginx.route({ ...this.fleet.upstreams(), ...canary });
  }

  // ---- the driver -----------------------------------------------------------

  async version() {
    return (await capture(this.release, ['--version'])).out;
  }

  async shadow() {
    return (await capture(this.release, ['shadow', '--store', this.store.url, '--json'])).out;
  }

  async launch() {
    const { fleet } = this;
    const launcher = fleet.launcher;
    fleet.launcher = insteadOf(this.release);
    const member = await fleet.launch('bets').finally(() => (fleet.launcher = launcher));
    await member.server.ready();
    return member;
  }

  async deploy() {
    await this.back();
    this.canary = await this.launch();
    this.route(0);
    this.prometheus.targets(this.targets());
  }

  weight(percent) {
    this.weights.push(Number(percent));
    this.route(Number(percent));
  }

  // Another process of the new release takes the stable one's place.
  async promote() {
    const [old] = this.fleet.of('bets');
    const fresh = await this.launch();
    this.fleet.members.splice(this.fleet.members.indexOf(old), 1, fresh);
    await this.back();
    await old.server.stop();
  }

  async back() {
    const { canary } = this;
    this.canary = undefined;
    this.route(0);
    this.prometheus.targets(this.targets());
    if (canary && !canary.server.exit) await canary.server.stop();
  }

  // GET /VERB/ARGUMENT: 200 with what it prints, else 500.
  async listen() {
    const verbs = ['version', 'shadow', 'deploy', 'weight', 'promote', 'back'];
    this.driver = http.createServer(async (request, response) => {
      const [, verb, argument] = request.url.split('/');
      try {
        if (!verbs.includes(verb)) throw new Error(`no verb ${verb}`);
        response.end((await this[verb](argument)) ?? '');
      } catch (error) {
        this.errors.push(error);
        response.writeHead(500).end(`${error.stack}\n`);
      }
    });
    await new Promise((resolve) => this.driver.listen(0, '127.0.0.1', resolve));
  }

  // deploy/release.sh to its end: { status, out, weights }.
  async brings(release, more = []) {
    Object.assign(this, { release, weights: [], errors: [] });
    const url = `http://127.0.0.1:${this.driver.address().port}`;
    const verbs = ['version', 'deploy', 'shadow', 'promote', 'back'].flatMap((verb) =>
      [`--${verb}`, `curl -sS --fail-with-body ${url}/${verb}`]);
    const done = await capture(path.join(root, 'deploy/release.sh'), [...verbs,
      '--set-weight', `curl -sS --fail-with-body ${url}/weight/{}`,
      '--prometheus', `http://${this.prometheus.address}`, '--overround', binary(),
      '--steps', '10 50 100', '--window', '15s', '--limit', '150s', '--min-bets', '100',
      '--verdict', '--slower-ms 25 --grown-mib 24', ...more]);
    const name = path.basename(path.dirname(release));
    const log = path.join(root, 'build/test', `release-${name}.txt`);
    fs.mkdirSync(path.dirname(log), { recursive: true });
    fs.writeFileSync(log, done.out); // to be read by people
    return { ...done, weights: this.weights, errors: this.errors };
  }

  async stop() {
    if (this.betting) {
      this.betting.child.kill('SIGINT');
      this.loaded = await this.betting.done;
    }
    this.driver?.close();
    this.prometheus?.stop();
    await this.canary?.server.kill();
    await this.fleet?.stop();
    this.store?.remove();
  }
}

module.exports = { Site, fault, makeFolder };
