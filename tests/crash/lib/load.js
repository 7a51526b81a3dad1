// Load with a journal: what every customer sent under which key, and what was
// answered.  After a crash the journal says what must be true.
'use strict';

const assert = require('node:assert/strict');
const { makeAgent, newKey, eventually, sleep } = require('../../api/lib/world');

const VERDICTS = new Set([200, 201, 400, 401, 403, 404, 409, 422]);

class Load {
  // entries: { fan, key, leg, stake, status, text } - status undefined = no answer
  constructor(fans, legs, { stake = '0.10' } = {}) {
    Object.assign(this, { fans, legs, stake, entries: [], going: false });
    this.agent = makeAgent(fans.length);
  }

  async send(entry, { patient = false } = {}) {
    const options = { key: entry.key, stake: entry.stake, accept: 'any' };
    const answer = await entry.fan.call('POST', '/v1/bets', {
      key: options.key,
      agent: this.agent,
      noRetry: !patient,
      timeout: 30000,
      json: { stake: entry.stake, type: 'single', accept: 'any', legs: [entry.leg] },
    });
    return answer;
  }

  cashOut({ fan, id, cash }, { patient = false } = {}) {
    return fan.call('POST', `/v1/bets/${id}/cashout`, {
      key: cash.key,
      agent: this.agent,
      noRetry: !patient,
      timeout: 30000,
      json: { minimum: '0.01' },
    });
  }

  // Every third bet is sold back at once.
  async sellSome(entry, n) {
    if (entry.status !== 201 || n % 3 !== 0) return;
    entry.cash = { key: newKey('cash') };
    const answer = await this.cashOut(entry);
    Object.assign(entry.cash, { status: answer.status, text: answer.text });
  }

  async loop(fan, index) {
    for (let n = 0; this.going; n++) {
      const entry = {
        fan,
        key: newKey('load'),
        leg: this.legs[(index + n) % this.legs.length],
        stake: this.stake,
        sent: Date.now(),
      };
      this.entries.push(entry);
      try {
        const answer = await this.send(entry);
        Object.assign(entry, { status: answer.status, text: answer.text, id: answer.json?.id });
        if (answer.status !== 201) await sleep(10);
        await this.sellSome(entry, n);
      } catch (error) {
        entry.error = error.code ?? error.message;
        await sleep(5);
      }
    }
  }

  start() {
    this.going = true;
    this.loops = this.fans.map((fan, index) => this.loop(fan, index));
  }

  async stop() {
    this.going = false;
    await Promise.all(this.loops);
    this.agent.destroy();
    this.agent = makeAgent(32);
  }

  answered(status) {
    return this.entries.filter((e) => e.status === status);
  }

  // Every 201 is there, exactly once, as it was answered.
  async check201s() {
    const accepted = this.answered(201);
    assert.equal(new Set(accepted.map((e) => e.id)).size, accepted.length, 'an id twice');
    const ids = await this.allIds();
    for (const entry of accepted) {
      assert.equal(
        ids.get(entry.fan).filter((id) => id === entry.id).length,
        1,
        `bet ${entry.id} was answered 201 and is there once`,
      );
    }
  }

  // Sends every key again until it has its verdict.
  async retryAll() {
    const waiting = [...this.entries];
    const worker = async () => {
      for (let entry = waiting.pop(); entry; entry = waiting.pop()) await this.retry(entry);
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  }

  async retry(entry) {
    const answer = await eventually(
      async () => {
        const now = await this.send(entry, { patient: true });
        assert.ok(VERDICTS.has(now.status), `no verdict yet: ${now.status} ${now.text}`);
        return now;
      },
      { timeout: 30000, every: 50 },
    );
    if (entry.status === 201) assert.equal(answer.text, entry.text, 'a retry says the same');
    assert.equal(answer.status, 201, answer.text);
    entry.final = answer.json.id;
    if (entry.cash) await this.retryCashOut(entry);
  }

  async retryCashOut(entry) {
    const { cash } = entry;
    const answer = await eventually(
      async () => {
        const now = await this.cashOut(entry, { patient: true });
        assert.ok(VERDICTS.has(now.status), `no verdict yet: ${now.status} ${now.text}`);
        return now;
      },
      { timeout: 30000, every: 50 },
    );
    if (cash.status === 200) assert.equal(answer.text, cash.text, 'a retry says the same');
    assert.equal(answer.status, 200, answer.text);
  }

  sold() {
    return this.entries.filter((e) => e.cash);
  }

  // After the retries: each that was sold was paid for once, and no other.
  async checkCashOuts() {
    for (const fan of this.fans) {
      const mine = this.sold().filter((e) => e.fan === fan).map((e) => e.final);
      const paid = [];
      for (let next = ''; next !== null;) {
        const page = await fan.read(`/v1/wallet/transfers?limit=200${next && `&after=${next}`}`);
        paid.push(...page.transfers.filter((t) => t.kind === 'cashout').map((t) => t.bet));
        next = page.next;
      }
      assert.deepEqual(paid.sort(), mine.sort());
    }
  }

  // After the retries: one bet a key, and none that nobody asked for.
  async checkOneBetAKey() {
    const ids = await this.allIds();
    for (const fan of this.fans) {
      const mine = this.entries.filter((e) => e.fan === fan).map((e) => e.final);
      assert.deepEqual([...new Set(mine)].sort(), [...ids.get(fan)].sort());
      assert.equal(new Set(mine).size, mine.length, 'two keys with one bet');
    }
  }

  async allIds() {
    const all = new Map();
    for (const fan of this.fans) {
      const ids = [];
      for (let next = ''; next !== null;) {
        const page = await fan.read(`/v1/bets?limit=200${next && `&after=${next}`}`);
        ids.push(...page.bets.map((b) => b.id));
        next = page.next;
      }
      all.set(fan, ids);
    }
    return all;
  }
}

module.exports = { Load };
