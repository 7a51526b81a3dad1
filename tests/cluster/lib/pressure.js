// What a cluster is under while something happens to it: a feed that goes on
// speaking, and customers who bet and keep a journal.
'use strict';

const assert = require('node:assert/strict');
const { Load } = require('../../crash/lib/load');
const { market, newKey, uof, eventually, sleep } = require('../../api/lib/world');
const { Journal, strange } = require('./journal');

// A producer and its markets: says that it is alive, and everything again,
// for who takes over has put it down and waits for what it sells.
class Feeder extends Journal {
  constructor(fleet, events, { every = 300, product = 1, markets = [market.oneXTwo()] } = {}) {
    super();
    Object.assign(this, { fleet, events, every, product, markets });
  }

  async post(xml) {
    const options = { body: xml, type: 'application/xml', timeout: 10000 };
    await this.ask('feed', () => this.fleet.through('POST', '/v1/feed', options));
  }

  async round() {
    await this.post(uof.alive({ product: this.product }));
    for (const event of this.events)
      await this.post(uof.oddsChange(event.id, this.markets, { product: this.product }));
  }

  async loop() {
    while (this.going) {
      await this.round();
      await sleep(this.every);
    }
  }

  start() {
    this.going = true;
    this.done = this.loop();
    return this;
  }

  async stop() {
    this.going = false;
    await this.done;
  }
}

const VERDICTS = [201, 409, 422];

// Of a bet that nobody had heard the end of: it is taken, or the price is not
// sold now.  Whoever sends the same again is not told that the customer, the
// stake or the selection is wrong.
const OF_PRICES = ['market_suspended', 'market_closed'];

// A suspended market is a verdict here, and stays one.
class Pressure extends Load {
  constructor(fans, legs, { pause = 20, ...options } = {}) {
    super(fans, legs, options);
    this.pause = pause;
  }

  async loop(fan, index) {
    for (let n = 0; this.going; n++) {
      const leg = this.legs[(index + n) % this.legs.length];
      const entry = { fan, key: newKey('load'), leg, stake: this.stake, sent: Date.now() };
      this.entries.push(entry);
      try {
        const answer = await this.send(entry);
        Object.assign(entry, { status: answer.status, text: answer.text, id: answer.json?.id });
      } catch (error) {
        entry.error = error.code ?? error.message;
      }
      entry.answered = Date.now();
      await sleep(this.pause);
    }
  }

  async retry(entry) {
    const answer = await eventually(
      async () => {
        const now = await this.send(entry, { patient: true });
        assert.ok(VERDICTS.includes(now.status), `no verdict yet: ${now.status} ${now.text}`);
        return now;
      },
      { timeout: 30000, every: 100 },
    );
    if (VERDICTS.includes(entry.status))
      assert.equal(answer.text, entry.text, 'a retry says the same');
    else if (answer.status !== 201)
      assert.ok(OF_PRICES.includes(answer.code), `in flight, then ${answer.text}`);
    if (answer.status === 201) entry.final = answer.json.id;
  }

  async check201s() {
    const ids = await this.allIds();
    const there = new Set([...ids.values()].flat());
    assert.equal(there.size, [...ids.values()].flat().length, 'an id twice');
    const accepted = this.answered(201).map((e) => e.id);
    assert.equal(new Set(accepted).size, accepted.length, 'an id answered twice');
    assert.deepEqual(accepted.filter((id) => !there.has(id)), [], 'answered 201, and lost');
  }

  async checkOneBetAKey() {
    const ids = await this.allIds();
    for (const fan of this.fans) {
      const mine = this.entries.filter((e) => e.fan === fan && e.final).map((e) => e.final);
      assert.deepEqual([...new Set(mine)].sort(), [...ids.get(fan)].sort());
      assert.equal(new Set(mine).size, mine.length, 'two keys with one bet');
    }
  }

  // What was neither a verdict nor "not now, or not known".
  failures(since = 0) {
    return this.not([...VERDICTS, 202, 503], since);
  }

  // Of the entries from the one numbered `since`.
  not(statuses, since = 0) {
    return strange(this.entries, statuses, since);
  }

  // Bets go on being taken: one that was sent after `since`.
  takes(since, timeout = 30000) {
    return eventually(
      () => {
        const some = this.entries.some((e) => e.status === 201 && e.sent >= since);
        assert.ok(some, `nothing was taken since; last ${this.entries.at(-1)?.text}`);
      },
      { timeout, every: 50 },
    );
  }

  // Each of the prices is sold again, and none was refused for a while.
  steady({ since = Date.now(), quiet = 700, timeout = 30000 } = {}) {
    return eventually(
      () => {
        const sold = this.answered(201).filter((e) => e.sent >= since);
        assert.equal(new Set(sold.map((e) => e.leg)).size, this.legs.length);
        const lately = (e) => e.answered > Date.now() - quiet && e.status !== 201;
        assert.ok(Date.now() > since + quiet && !this.entries.some(lately));
      },
      { timeout, every: 50 },
    );
  }

  // Every answer holds, every key has one bet, nothing was lost.
  async prove() {
    await this.stop();
    await this.check201s();
    await this.retryAll();
    await this.checkOneBetAKey();
  }
}

module.exports = { Feeder, Pressure };
