// A world for a story: a server with a store of its own, a feed that is up,
// events to bet on, and customers with money.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const { makeAgent, call } = require('./http');
const { startServer, run } = require('./server');
const { slotOf } = require('./slot');
const { makeStore, where } = require('./store');
const uof = require('./uof');
const { eventually, sleep } = require('./wait');

let customers = 0;
let keys = 0;
const newKey = (name = 'k') => `${name}-${process.pid}-${++keys}`;

// ONE_X_TWO and friends: markets as most stories need them.
const market = {
  oneXTwo: (home = '2.00', draw = '3.40', away = '4.00') => ({
    id: 1,
    outcomes: { 1: home, 2: draw, 3: away },
  }),
  total: (over = '1.95', under = '1.85', line = '2.5') => ({
    id: 18,
    specifiers: `total=${line}`,
    outcomes: { 12: over, 13: under },
  }),
  handicap: (home = '1.90', away = '1.90', line = '-0.25') => ({
    id: 16,
    specifiers: `hcp=${line}`,
    outcomes: { 1714: home, 1715: away },
  }),
};

// A leg of a slip on an outcome; `event` may be an Event of this file.
function leg(event, id, outcome, odds, more = {}) {
  return { event: String(event), market: String(id), outcome: String(outcome), odds, ...more };
}

class Feed {
  constructor(world) {
    this.world = world;
  }

  post(xml, options = {}) {
    return this.world.server.operate('POST', '/v1/feed', {
      body: xml,
      type: 'application/xml',
      ...options,
    });
  }

  async send(xml) {
    const answer = await this.post(xml);
    assert.equal(answer.status, 202, `feed: ${answer.status} ${answer.text}\n${xml.slice(0, 800)}`);
    return answer;
  }

  // The producer says hello; whoever pushes then owes the snapshot.
  async up(product = 1) {
    await this.send(uof.alive({ product }));
  }

  // One alive after the other, until what is returned is called.
  beats(product) {
    let going = true;
    const beating = (async () => {
      for (; going; await sleep(250)) await this.up(product).catch(() => {});
    })();
    return () => {
      going = false;
      return beating;
    };
  }
}

// One sport event and what its producer says of it.
class Event {
  constructor(world, id) {
    this.world = world;
    this.id = id;
  }
  toString() {
    return this.id;
  }
  get feed() {
    return this.world.feed;
  }

  odds(markets, options) {
    return this.feed.send(uof.oddsChange(this.id, [markets].flat(), options));
  }
  stop(options) {
    return this.feed.send(uof.betStop(this.id, options));
  }
  settle(markets, options) {
    return this.feed.send(uof.betSettlement(this.id, [markets].flat(), options));
  }
  cancel(markets, options) {
    return this.feed.send(uof.betCancel(this.id, [markets].flat(), options));
  }
  rollbackSettle(markets, options) {
    return this.feed.send(uof.rollbackSettlement(this.id, [markets].flat(), options));
  }
  rollbackCancel(markets, options) {
    return this.feed.send(uof.rollbackCancel(this.id, [markets].flat(), options));
  }
  // The home side wins or not: market 1.
  result(home, draw, away, options) {
    return this.settle({ id: 1, outcomes: { 1: home, 2: draw, 3: away } }, options);
  }
  leg(id, outcome, odds, more) {
    return leg(this, id, outcome, odds, more);
  }
  home(odds = '2.00', more = {}) {
    return leg(this, 1, 1, odds, more);
  }
  away(odds = '4.00', more = {}) {
    return leg(this, 1, 3, odds, more);
  }

  async read() {
    const answer = await this.world.server.call('GET', `/v1/events/${this.id}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json;
  }

  async market(id, specifiers = '') {
    const { markets } = await this.read();
    return markets.find(
      (m) => String(m.market) === String(id) && (m.specifiers ?? '') === specifiers,
    );
  }
}

class Customer {
  constructor(world, fields, answer) {
    Object.assign(this, { world, fields, id: answer.customer, token: answer.token });
  }

  call(method, path, options = {}) {
    return this.world.server.call(method, path, { token: this.token, ...options });
  }

  deposit(amount, key = newKey('deposit')) {
    return this.call('POST', '/v1/wallet/deposits', { json: { amount }, key });
  }

  withdraw(amount, key = newKey('withdrawal')) {
    return this.call('POST', '/v1/wallet/withdrawals', { json: { amount }, key });
  }

  // bet(leg or legs, { stake, type, system, accept, key })
  bet(legs, options = {}) {
    const { key = newKey('bet'), ...rest } = options;
    const all = [legs].flat();
    const type = all.length === 1 ? 'single' : 'multiple';
    return this.call('POST', '/v1/bets', {
      json: { stake: '10.00', type, accept: 'none', legs: all, ...rest },
      key,
    });
  }

  // A bet that must be accepted.  The next one is later by a millisecond: ids of
  // the same one, by two processes, have no order.
  async placed(legs, options) {
    const answer = await this.bet(legs, options);
    assert.equal(answer.status, 201, answer.text);
    await sleep(1);
    return answer.json;
  }

  async read(path) {
    const answer = await this.call('GET', path);
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    return answer.json;
  }

  wallet() {
    return this.read('/v1/wallet');
  }
  betById(id) {
    return this.read(`/v1/bets/${id}`);
  }
  async bets(query = '') {
    return (await this.read(`/v1/bets${query}`)).bets;
  }
  async transfers(query = '') {
    return (await this.read(`/v1/wallet/transfers${query}`)).transfers;
  }

  async holds(balance, debt) {
    const wallet = await this.wallet();
    assert.equal(wallet.balance, balance, 'balance');
    if (debt !== undefined) assert.equal(wallet.debt, debt, 'debt');
  }

  // Settlement is asynchronous: waits until the bet is as described.
  becomes(bet, want) {
    return eventually(async () => {
      const now = await this.betById(bet.id ?? bet);
      for (const [name, value] of Object.entries(want)) {
        if (name === 'legs')
          assert.deepEqual(
            now.legs.map((l) => l.result ?? l.state),
            value,
            'legs',
          );
        else assert.deepEqual(now[name], value, name);
      }
      return now;
    });
  }
}

class World {
  constructor(store, options) {
    this.store = store;
    this.options = options;
    this.feed = new Feed(this);
    this.events = 0;
    this.launch = {}; // env, launcher: kept for restarts
  }

  async start(more = {}) {
    Object.assign(this.launch, more);
    this.server = await startServer({
      options: { ...(this.store.ledger && { ledger: this.store.ledger.url }), ...this.options },
      ...this.launch,
      store: this.store.url,
    });
    return this;
  }

  // Stops or kills and starts again on the same store.
  async restart({ kill = false, ...more } = {}) {
    await (kill ? this.server.kill() : this.server.stop());
    await this.start(more);
  }

  // A new event; with markets it is open for bets.
  async event(markets, options) {
    const event = new Event(
      this,
      `sr:match:${process.pid % 100000}${String(++this.events).padStart(5, '0')}`,
    );
    if (markets) await event.odds(markets, options);
    return event;
  }

  async customer({ balance = '100.00', currency = 'EUR', ...more } = {}) {
    const fields = {
      email: `fan-${process.pid}-${++customers}@example.com`,
      password: 'correct horse battery',
      currency,
      country: 'GB',
      date_of_birth: '1990-05-17',
      ...more,
    };
    const answer = await this.server.call('POST', '/v1/accounts', { json: fields });
    assert.equal(answer.status, 201, answer.text);
    const customer = new Customer(this, fields, answer.json);
    if (balance) assert.equal((await customer.deposit(balance)).status, 201);
    return customer;
  }

  // A number of /metrics: metric('overround_bets_total', 'result="accepted"').
  async metric(name, label) {
    const { text } = await this.server.operate('GET', '/metrics');
    const line = text
      .split('\n')
      .find((l) => l.startsWith(label ? `${name}{${label}}` : `${name} `));
    return line ? Number(line.split(' ').at(-1)) : 0;
  }

  // Bytes of memory the server holds.
  rss() {
    const pages = fs.readFileSync(`/proc/${this.server.child.pid}/statm`, 'latin1').split(' ')[1];
    return Number(pages) * 4096;
  }

  // Waits until operators are known everywhere, or out: each process looks by
  // itself, every few seconds.
  admits(...tokens) {
    return this.everywhere(tokens, (status) => assert.notEqual(status, 401));
  }
  dismisses(...tokens) {
    return this.everywhere(tokens, (status) => assert.equal(status, 401));
  }
  async everywhere(tokens, claim) {
    const { members = [{ server: this.server }] } = this.server;
    const ask = (server, token) => server.operate('GET', '/v1/desk/me', { token });
    await eventually(async () => {
      for (const { server } of members)
        for (const token of tokens) claim((await ask(server, token)).status);
    }, { timeout: 10000 });
  }

  // Waits until every fact sent so far has been acted on: a bet on a market
  // that is settled last is paid, one in each partition, and no market waits.
  async quiet() {
    this.sentry ??= await this.customer({ balance: '90000.00' });
    await this.feed.up(77);
    const left = new Set(Array(this.server.partitions).keys());
    while (left.size > 0) {
      const event = await this.event();
      if (!left.delete(slotOf(event.id) % this.server.partitions)) continue;
      await event.odds(market.oneXTwo(), { product: 77 });
      const bet = await eventually(() => this.sentry.placed(event.home(), { stake: '0.10' }));
      await event.result(0, 1, 0, { product: 77 });
      await this.sentry.becomes(bet, { state: 'settled' });
    }
    await eventually(async () => assert.equal(await this.metric('overround_settle_queue'), 0));
  }

  // The books agree; on the live server.
  audit() {
    const done = run(['audit', ...where(this.store)]);
    assert.equal(done.status, 0, `audit: ${done.stdout}${done.stderr}`);
  }

  async close() {
    try {
      if (this.server) await this.server.stop();
      this.audit();
    } finally {
      this.store.remove();
    }
  }
}

// openWorld({ 'stake-max': '50.00' }): options are the server's settings.
async function openWorld(options = {}, more = {}) {
  const world = new World(more.store ?? makeStore(), options);
  try {
    await world.start(more);
    await world.feed.up();
  } catch (error) {
    world.store.remove();
    throw error;
  }
  return world;
}

// For a test file: one server for all its stories, closed after the last.
function worldFor(hooks, options, more) {
  const holder = {};
  hooks.before(async () => {
    holder.world = await openWorld(options, more);
  });
  hooks.after(async () => {
    await holder.world?.close();
  });
  return () => holder.world;
}

module.exports = {
  openWorld,
  worldFor,
  World,
  Customer,
  market,
  leg,
  newKey,
  uof,
  call,
  makeAgent,
  run,
  eventually,
  sleep,
};
