// A fleet as one server, for the api's own stories: what was done is known
// wherever the story looks next.  Between processes that takes some
// milliseconds, by design; in one process it does not, and the stories rely
// on that.
//
//   POST /v1/feed, /v1/desk   until every book that sells or shows has it
//   what an operator reads    until every process has heard of the money
'use strict';

const { slotOf } = require('../../api/lib/slot');
const { psql } = require('../../api/lib/store');
const { eventually } = require('../../api/lib/wait');
const { Fleet, PAIRS } = require('./fleet');
const { value } = require('./metrics');

const LIMIT_MS = 10000;
// A machine that hangs for a second is no story here: ../silence_test.js.
const PATIENT = { 'live-silence-ms': '15000', 'queue-delay-ms': '5000' };
const EVENTS = `select (select coalesce(sum(seq), 0) from accounts) || ' ' ||
  (select count(*) from transfers where kind in (1, 2))`;
const PARTITION = /^overround_feed_partition_position\{partition="(\d+)"\} (\d+)$/gm;
const buses = new Map(); // of stores: who starts again finds its topics

function eventOf({ body, json }) {
  if (json) return json.event ?? json.scope?.event;
  return /<fixture id="([^"]*)"|event_id="([^"]*)"/.exec(String(body))?.slice(1).find(Boolean);
}

// Of the partitions that have the event; of a book that is whole, its own.
function positions(text, event) {
  const all = [];
  for (const [, n, position] of text.matchAll(PARTITION)) all[n] = Number(position);
  if (all.length === 0) return [value(text, 'overround_feed_position')];
  return event === undefined ? all : [all[slotOf(event) % all.length]];
}

class One extends Fleet {
  constructor(wanted) {
    const options = { ...PATIENT, ...wanted.options };
    super({ counts: PAIRS, bus: buses.get(wanted.store), ...wanted, options });
    buses.set(wanted.store, this.bus);
    this.last = Promise.resolve();
    this.proposals = new Map(); // of events
  }

  async start(more) {
    this.before = this.events();
    return super.start(more);
  }

  // Of money, ever: each account counts its own without gaps.  A process of
  // bets hears nothing of the wallet.
  events() {
    const [all, wallet] = psql(this.store, EVENTS).trim().split(' ').map(Number);
    return { web: all, bets: all - wallet };
  }

  async operate(method, path, options = {}) {
    if (method === 'GET' && this.bus !== 'local' && !this.exit) await this.heard();
    const told = path === '/v1/feed' || /^\/v1\/desk\/(?!holds)/.test(path);
    if (method !== 'POST' || !told) return super.operate(method, path, options);
    return this.inTurn(() => this.post(path, options));
  }

  async post(path, options) {
    const answer = await this.through('POST', path, options);
    const event = this.proposals.get(path.split('/')[4]) ?? eventOf(options);
    if (answer.json?.proposal) this.proposals.set(answer.json.proposal, event);
    if (answer.status < 300) await this.followed(event);
    return answer;
  }

  // One after the other: the log's last position is then the post's own.
  inTurn(act) {
    const turn = this.last.then(act);
    this.last = turn.catch(() => {});
    return turn;
  }

  async heard() {
    const events = this.events();
    const deaf = async ({ role, server }) => {
      const { text } = await server.operate('GET', '/metrics');
      const of = (result) => value(text, `overround_money_heard_total{result="${result}"}`);
      const heard = of('told') + of('passed');
      const wanted = events[role] - this.before[role];
      if (heard < wanted) throw new Error(`${role} has heard ${heard} events of ${wanted}`);
    };
    await this.all(this.readers(), deaf);
  }

  // Of one event: it is in one partition.  Of none: in all.
  async followed(event) {
    const feeds = this.alive('feed').map((m) => this.number(m, 'overround_feed_log_position'));
    const posted = Math.max(...(await Promise.all(feeds)));
    const behind = async ({ role, server }) => {
      const { text } = await server.operate('GET', '/metrics');
      const position = Math.min(...positions(text, event));
      if (position < posted) throw new Error(`${role} is at ${position} of ${posted}`);
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
