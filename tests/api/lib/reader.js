// What a page makes of the stream, strictly: nothing may be older than before.
'use strict';

const assert = require('node:assert/strict');
const { connect } = require('./ws');

const keyOf = ({ market: id, specifiers }) => `${id}/${specifiers}`;

function merged(old, wire) {
  const before = new Map((old?.outcomes ?? []).map((o) => [o.outcome, o]));
  const name = (o) => o.name ?? before.get(o.outcome)?.name;
  const outcomes = wire.outcomes.map((o) => ({ ...o, name: name(o) }));
  return { ...old, ...wire, outcomes };
}

class Reader {
  constructor(name) {
    this.name = name;
    this.clk = undefined;
    this.events = new Map();
    this.rows = new Map();
    this.pauses = 0;
  }

  async open(address, subscription, resume, options) {
    this.subscription = subscription;
    if (!resume) {
      this.events.clear();
      this.rows.clear();
      this.clk = undefined;
    }
    this.client = await connect(address, options);
    this.client.send({ op: 'subscribe', id: 1, ...subscription, clk: this.clk });
  }

  async close() {
    this.read();
    await this.client.end();
  }

  read() {
    for (const message of this.client.messages.splice(0)) this.take(message);
  }

  take(message) {
    if (message.op === 'status') assert.equal(message.status, 'ok', JSON.stringify(message));
    if (message.clk !== undefined) this.clk = message.clk;
    if (message.op !== 'change') return;
    for (const wire of message.events) {
      if (wire.main !== undefined) this.row(wire);
      else if (wire.gone) this.events.delete(wire.id);
      else this.event(wire);
    }
  }

  newer(what, before, now) {
    assert.ok(!before || now.version >= before.version,
      `${this.name}: ${what} from ${before?.version} to ${now.version}`);
  }

  row(wire) {
    const old = this.rows.get(wire.id);
    this.newer(`row ${wire.id}`, old, wire);
    if (wire.main && old?.main) this.newer(`main of ${wire.id}`, old.main, wire.main);
    this.rows.set(wire.id, wire);
  }

  event(wire) {
    const old = this.events.get(wire.id);
    assert.ok(old || wire.img, `${this.name}: a delta of nothing`);
    if (old) this.newer(wire.id, old, wire);
    const markets = new Map(wire.img ? [] : old.markets);
    for (const m of wire.markets) {
      const before = old?.markets.get(keyOf(m));
      if (before) this.newer(`${wire.id} ${keyOf(m)}`, before, m);
      markets.set(keyOf(m), wire.img ? m : merged(before, m));
    }
    const { img, ...rest } = wire;
    this.events.set(wire.id, { ...(img ? {} : old), ...rest, markets });
  }
}

module.exports = { Reader, keyOf };
