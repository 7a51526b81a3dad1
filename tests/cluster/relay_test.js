// The relay (RULES.md 27): every event of the outbox is on the bus, in the order
// of its account, whoever dies, sleeps or begins again meanwhile.
//
// Transactions as placement makes them - locks, then sequence numbers, then
// the outbox's row - come from pgbench: some take their time between the row
// and the commit, some are rolled back.  relay_drive.c is a process with nothing
// but a relay, or one that hears what they tell.
'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { makeFolder, makeStore, Postgres, psql, root } = require('../api/lib/store');
const { eventually, sleep } = require('../api/lib/wait');
const { Kafka } = require('./lib/kafka');

const drive = path.join(root, process.env.OVERROUND_TEST_RELAY_DRIVE ??
  'build/release/cluster/relay_drive');
const ACCOUNTS = 40;
const SCHEMA = `
  INSERT INTO accounts (id, currency) SELECT 1000 + i, 'EUR' FROM generate_series(1, ${ACCOUNTS}) i;
  CREATE FUNCTION place(a bigint, b bigint, pause float8) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE ids bigint[];
  BEGIN
    ids := array(SELECT id FROM accounts WHERE id IN (a, b) ORDER BY id FOR NO KEY UPDATE);
    UPDATE accounts SET seq = seq + 1, balance = balance + 7 WHERE id = ANY (ids);
    INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts)
      SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint, array_agg(id),
        array_agg(seq), array_agg(5::smallint), array_agg(seq), array_agg(balance),
        array_agg(0::bigint), array_agg(7::bigint) FROM accounts WHERE id = ANY (ids);
    PERFORM pg_sleep(pause);
  END $$`;
const SCRIPT = `\\set a random(1001, ${1000 + ACCOUNTS})
\\set b random(1001, ${1000 + ACCOUNTS})
\\set pause random(0, 30)
\\set fails random(1, 15)
BEGIN;
SELECT place(:a, :b, :pause / 1000.0);
\\if :fails = 1
ROLLBACK;
\\else
COMMIT;
\\endif
`;

// How long somebody tells before the next thing happens, while pgbench goes on: the time is
// what is tried.
const A_WHILE_MS = 1500;

class Process {
  constructor(...args) {
    this.child = spawn(drive, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.output = '';
    this.log = '';
    this.child.stdout.on('data', (text) => (this.output += text));
    this.child.stderr.on('data', (text) => (this.log += text));
    this.exited = new Promise((resolve) => {
      this.child.on('close', (status) => resolve((this.status = status)));
    });
  }

  async ready() {
    await eventually(() => assert.match(this.output, /^ready/, this.log));
    return this;
  }

  async stop() {
    this.child.kill('SIGTERM');
    assert.equal(await this.exited, 0, this.log);
    if (!this.output.includes('{')) return undefined; // it tells
    return this.heard();
  }

  // What one that hears said last: { account: events }.
  heard() {
    return JSON.parse(this.output.trim().split('\n').at(-1));
  }

  hears(seqs) {
    return eventually(() => {
      this.child.kill('SIGUSR1');
      assert.deepEqual(this.heard(), seqs);
    }, { timeout: 60000, every: 100 });
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}

describe('relay', () => {
  let postgres;
  let kafka;
  let folder;
  let script;

  before(() => {
    postgres = new Postgres();
    kafka = new Kafka();
    folder = makeFolder('overround-relay');
    script = path.join(folder, 'place.sql');
    fs.writeFileSync(script, SCRIPT);
  });
  after(() => {
    kafka.stop();
    postgres.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  // What each story begins with, and whether everything was told at its end.
  async function story(tell) {
    const store = makeStore({ kind: 'postgres', server: postgres.url });
    const bus = kafka.bus();
    const processes = [];
    const begin = (what) => {
      processes.push(new Process(what, store.url, bus));
      return processes.at(-1).ready();
    };
    const traffic = (seconds) => new Promise((resolve, reject) => {
      const child = spawn('pgbench', ['-n', '-M', 'prepared', '-c', '8', '-T', String(seconds),
        '-f', script, store.url], { stdio: 'ignore' });
      child.on('close', (status) => (status === 0 ? resolve() : reject(new Error('pgbench'))));
    });
    psql(store.url, SCHEMA);
    try {
      await tell({ start: () => begin('tell'), hear: () => begin('hear'), traffic, store });
      await eventually(() => assert.equal(psql(store.url, 'SELECT count(*) FROM outbox'), '0'),
        { timeout: 60000, every: 250 });
      expectAll(store, kafka.records(bus, 'transfers'));
    } finally {
      for (const one of processes) if (one.status === undefined) await one.kill();
      store.remove();
    }
  }

  // The first time each event comes it is the account's next; none is missing.
  function expectAll(store, records) {
    const last = new Map();
    const bodies = new Map();
    for (const { key, value } of records) {
      const event = JSON.parse(value);
      const id = `${event.account}-${event.seq}`;
      assert.equal(event.id, id);
      assert.equal(key, String(event.account));
      assert.equal(event.balance, event.seq * 7);
      assert.equal(bodies.get(id) ?? value, value, 'a repeat says the same');
      bodies.set(id, value);
      const seen = last.get(event.account) ?? 0;
      assert.ok(event.seq <= seen + 1, `${id} comes behind ${seen}`);
      last.set(event.account, Math.max(seen, event.seq));
    }
    const rows = psql(store.url, 'SELECT id, seq FROM accounts ORDER BY id').split('\n');
    for (const [id, seq] of rows.map((row) => row.split('|').map(Number)))
      assert.equal(last.get(id) ?? 0, seq, `of account ${id}`);
    assert.ok(bodies.size > 100, `${bodies.size} events are no test`);
  }

  test('kill -9, a pause and newcomers: each event, in order', () =>
    story(async ({ start, traffic }) => {
      const [first, second] = [await start(), await start()];
      const placed = traffic(9);
      await sleep(A_WHILE_MS);
      await first.kill();
      await start();
      await sleep(A_WHILE_MS);
      process.kill(second.child.pid, 'SIGSTOP'); // longer than its lease
      await sleep(4500);
      process.kill(second.child.pid, 'SIGCONT');
      await placed;
    }));

  test('Kafka away: all of it comes afterwards', () =>
    story(async ({ start, traffic }) => {
      await start();
      const placed = traffic(7);
      await sleep(A_WHILE_MS);
      kafka.kill();
      await sleep(2 * A_WHILE_MS);
      kafka.restart();
      await placed;
    }));

  test('SIGTERM gives the classes back, and another one goes on at once', () =>
    story(async ({ start, traffic }) => {
      const first = await start();
      const placed = traffic(5);
      await sleep(A_WHILE_MS);
      await start();
      await sleep(A_WHILE_MS);
      await first.stop();
      await placed;
    }));

  test('who counts under a snapshot and then listens has each event once', () =>
    story(async ({ start, hear, traffic, store }) => {
      const [first] = [await start(), await start()];
      const placed = traffic(7);
      const listeners = [];
      for (let i = 0; i < 3; i++) {
        await sleep(A_WHILE_MS);
        listeners.push(await hear());
        if (i === 1) await first.kill(); // what it told last is told again
      }
      await placed;
      const rows = psql(store.url, 'SELECT id, seq FROM accounts WHERE seq > 0').split('\n');
      const seqs = Object.fromEntries(rows.map((row) => row.split('|').map(Number)));
      await eventually(() => assert.equal(psql(store.url, 'SELECT count(*) FROM outbox'), '0'),
        { timeout: 60000, every: 250 });
      for (const listener of listeners) {
        await listener.hears(seqs);
        assert.deepEqual(await listener.stop(), seqs);
        assert.equal(listener.log.replace(/^\{.*\n/gm, ''), '');
      }
    }));
});
