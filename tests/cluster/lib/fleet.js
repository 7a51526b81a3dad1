// Roles in processes of their own behind the load balancer, on one PostgreSQL
// and one Kafka.  To a story it is a server like any other (api/lib/server.js);
// a test of the cluster itself reaches each process.
'use strict';

const { call } = require('../../api/lib/http');
const { startProcess, OPERATOR_TOKEN } = require('../../api/lib/server');
const { eventually, sleep } = require('../../api/lib/wait');
const { sharedBus } = require('./kafka');
const { sum } = require('./metrics');
const { Nginx } = require('./nginx');

const SMALL = { feed: 1, odds: 1, bets: 2, settle: 1, web: 2 };
const PAIRS = { feed: 2, odds: 2, bets: 2, settle: 2, web: 2 };
const DEFAULTS = { partitions: '2', 'lease-ms': '3000' };
const FOLLOW_MS = 2500; // a tick and a half
const ABREAST_MS = 50; // the partitions of what was posted together

class Fleet {
  constructor({ store, bus = sharedBus(), counts = SMALL, options = {}, env, launcher }) {
    Object.assign(this, { store, bus, counts, env, launcher });
    this.options = { ...DEFAULTS, ...options };
    this.partitions = Number(this.options.partitions);
    this.members = []; // { role, server, listen }
    this.token = OPERATOR_TOKEN;
  }

  async start({ ready = true } = {}) {
    const roles = Object.entries(this.counts).flatMap(([role, n]) => Array(n).fill(role));
    this.members = await Promise.all(roles.map((role) => this.launch(role)));
    this.nginx = await new Nginx().start(this.upstreams());
    Object.assign(this, { public: this.nginx.public, operator: this.nginx.operator });
    this.publicUrl = `http://${this.public}`;
    this.operatorUrl = `http://${this.operator}`;
    if (ready) await this.ready();
    return this;
  }

  // bus: a way to Kafka of its own (lib/wire.js).
  async launch(role, listen = {}, bus = this.bus) {
    const { store, env, launcher } = this;
    const options = { ...this.options, ...listen, role, bus };
    const server = await startProcess({ store, options, env, launcher, ready: false });
    return { role, server };
  }

  // The same role on the same addresses, by the same way to Kafka: the load
  // balancer need not know.
  async relaunch(member) {
    const { server, role } = member;
    const listen = { 'operator-listen': server.operator };
    if (server.public !== 'none') listen.listen = server.public;
    member.server = (await this.launch(role, listen, member.bus)).server;
    await member.server.ready();
    return member;
  }

  of(role) {
    return this.members.filter((member) => member.role.split(',').includes(role));
  }

  upstreams() {
    const where = (role, listener) => this.of(role).map(({ server }) => server[listener]);
    return {
      bets_public: where('bets', 'public'),
      web_public: where('web', 'public'),
      feed_operator: where('feed', 'operator'),
      bets_operator: where('bets', 'operator'),
      settle_operator: where('settle', 'operator'),
      web_operator: where('web', 'operator'),
    };
  }

  async ready() {
    await Promise.all(this.members.filter((m) => !m.server.exit).map((m) => m.server.ready()));
    await eventually(() => this.led());
  }

  async led() {
    await this.leader();
  }

  // The feed process that writes the log.
  async leader() {
    const feeds = this.of('feed').filter((m) => !m.server.exit);
    const ask = ({ server }) => server.operate('GET', '/readyz');
    const all = await Promise.all(feeds.map(ask));
    const at = all.findIndex((answer) => answer.json?.role === 'leader');
    if (at < 0) throw new Error('nobody leads');
    return feeds[at];
  }

  call(method, path, options) {
    return call(method, this.publicUrl + path, options);
  }

  // What an operator asks of the whole: probes and numbers are of every process.
  async operate(method, path, options = {}) {
    if (path === '/metrics') return this.metrics(method);
    if (path === '/readyz' || path === '/healthz') return this.probe(method, path);
    const answer = await this.through(method, path, options);
    if (path === '/v1/feed' && answer.status === 202) await this.followed();
    return answer;
  }

  through(method, path, options = {}) {
    return call(method, this.operatorUrl + path, { token: this.token, ...options });
  }

  async probe(method, path) {
    const ask = ({ server }) => server.operate(method, path).catch((e) => ({ text: `${e}` }));
    const all = await Promise.all(this.members.map(ask));
    return all.find((answer) => answer.status !== 200) ?? all[0];
  }

  async metrics(method = 'GET') {
    const ask = ({ server }) => server.operate(method, '/metrics');
    const all = await Promise.all(this.members.map(ask));
    if (method !== 'GET') return all[0];
    return { ...all[0], text: sum(all.map((answer) => answer.text)) };
  }

  // What a process says of a number: of all its labels together, or of one,
  // 'name{label="…"}'.
  async number(member, name) {
    const { text } = await member.server.operate('GET', '/metrics');
    const isIt = (line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`);
    const lines = text.split('\n').filter(isIt);
    return lines.reduce((all, line) => all + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  // A story posts and then looks: until the books of those who sell and show
  // have what was posted.  What changes nothing is seen with the next tick.
  async followed() {
    const feeds = this.of('feed').filter((m) => !m.server.exit);
    const logs = feeds.map((m) => this.number(m, 'overround_feed_log_position'));
    const posted = Math.max(...(await Promise.all(logs)));
    const behind = async (member) =>
      (await this.number(member, 'overround_feed_position')) < posted;
    const late = async () => {
      const books = [...this.of('bets'), ...this.of('web')].filter((m) => !m.server.exit);
      const all = await Promise.all(books.map(behind));
      if (all.includes(true)) throw new Error('a book is behind');
    };
    await eventually(late, { timeout: FOLLOW_MS, every: 5 }).catch(() => {});
    await sleep(ABREAST_MS);
  }

  get log() {
    return this.members.map(({ role, server }) => `--- ${role}\n${server.log}`).join('\n');
  }

  get child() {
    return this.of('bets')[0].server.child;
  }

  get exit() {
    const all = this.members.map(({ server }) => server.exit);
    return all.includes(undefined) ? undefined : all[0];
  }

  async stop() {
    try {
      await Promise.all(this.members.map(({ server }) => server.exit ?? server.stop()));
    } finally {
      this.nginx?.stop();
    }
  }

  async kill() {
    await Promise.all(this.members.map(({ server }) => server.exit ?? server.kill()));
    this.nginx?.stop();
  }
}

module.exports = { Fleet, PAIRS, SMALL };
