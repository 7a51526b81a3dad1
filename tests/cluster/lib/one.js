// A fleet as one server, for the api's own stories: what was done is known
// wherever the story looks next.  Between processes that takes some
// milliseconds, by design; in one process it does not, and the stories rely
// on that.
//
//   POST /v1/feed, /v1/desk   until every book that sells or shows has it
//   what an operator reads    and until every process has heard of the money
'use strict';

const { psql } = require('../../api/lib/store');
const { eventually } = require('../../api/lib/wait');
const { Fleet, PAIRS } = require('./fleet');
const { value } = require('./metrics');

const LIMIT_MS = 10000;
const EVENTS = 'select coalesce(sum(seq), 0) from accounts';
const buses = new Map(); // of stores: who starts again finds its topics

class One extends Fleet {
  constructor(wanted) {
    super({ counts: PAIRS, bus: buses.get(wanted.store), ...wanted });
    buses.set(wanted.store, this.bus);
    this.last = Promise.resolve();
  }

  async start(more) {
    this.before = this.events();
    return super.start(more);
  }

  // Of money, ever: each account counts its own without gaps.
  events() {
    return Number(psql(this.store, EVENTS));
  }

  async operate(method, path, options = {}) {
    if (method === 'GET') await this.abreast();
    if (path === '/v1/feed') return this.inTurn(() => this.post(path, options));
    const answer = await super.operate(method, path, options);
    if (method === 'POST' && path.startsWith('/v1/desk')) await this.followed();
    return answer;
  }

  async post(path, options) {
    const answer = await this.through('POST', path, options);
    if (answer.status === 202) await this.followed();
    return answer;
  }

  // One after the other: the last one's position is then everybody's.
  inTurn(act) {
    const turn = this.last.then(act);
    this.last = turn.catch(() => {});
    return turn;
  }

  async abreast() {
    if (this.exit) return;
    await this.followed();
    if (this.bus !== 'local') await this.heard();
  }

  async heard() {
    const wanted = this.events() - this.before;
    const deaf = async ({ role, server }) => {
      const { text } = await server.operate('GET', '/metrics');
      const heard = value(text, 'overround_money_heard_total{result="told"}');
      if (heard < wanted) throw new Error(`${role} has heard ${heard} events of ${wanted}`);
    };
    await this.all(this.readers(), deaf);
  }

  async followed() {
    const feeds = this.alive('feed').map((m) => this.number(m, 'overround_feed_log_position'));
    const posted = Math.max(...(await Promise.all(feeds)));
    const behind = async (member) => {
      const position = await this.number(member, 'overround_feed_position');
      if (position < posted) throw new Error(`${member.role} is at ${position} of ${posted}`);
    };
    await this.all(this.readers(), behind);
  }

  alive(role) {
    return this.of(role).filter(({ server }) => !server.exit);
  }

  readers() {
    return [...this.alive('bets'), ...this.alive('web')];
  }

  all(members, claim) {
    return eventually(() => Promise.all(members.map(claim)), { timeout: LIMIT_MS, every: 5 });
  }
}

module.exports = { One };
