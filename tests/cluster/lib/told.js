// All that happened to money was told: each account's events are numbered
// from 1 without gaps over the topics bets and transfers (docs/EVENTS.md).
'use strict';

const assert = require('node:assert/strict');
const { psql } = require('../../api/lib/store');
const { eventually } = require('../../api/lib/wait');

// account -> its numbers, each once; the first time one comes in a topic it is
// above those before it.
function numbersOf(kafka, bus) {
  const all = new Map();
  for (const topic of ['bets', 'transfers']) {
    const last = new Map();
    const seen = new Set();
    for (const { key, value } of kafka.records(bus, topic)) {
      const { id } = JSON.parse(value);
      const [account, seq] = id.split('-');
      assert.equal(key, account, topic);
      if (seen.has(id)) continue;
      seen.add(id);
      assert.ok(Number(seq) > (last.get(account) ?? 0), `${id} comes late in ${topic}`);
      last.set(account, Number(seq));
      if (!all.has(account)) all.set(account, new Set());
      all.get(account).add(Number(seq));
    }
  }
  return all;
}

// Nothing happens any more: waits until the relays have told it, and reads it.
async function allIsTold(store, kafka, bus, options = { timeout: 60000, every: 250 }) {
  await eventually(() => assert.equal(psql(store.url, 'SELECT count(*) FROM outbox'), '0'),
    options);
  const told = numbersOf(kafka, bus);
  const rows = psql(store.url, 'SELECT id, seq FROM accounts WHERE seq > 0').split('\n');
  assert.ok(rows.length > 1, 'something was told');
  for (const [account, seq] of rows.map((row) => row.split('|'))) {
    const wanted = Array.from({ length: Number(seq) }, (_, i) => i + 1);
    const numbers = [...(told.get(account) ?? [])].sort((a, b) => a - b);
    assert.deepEqual(numbers, wanted, `of account ${account}`);
  }
}

module.exports = { allIsTold };
