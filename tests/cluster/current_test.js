// The tables, the views, current.sql and every question on a current
// ClickHouse; clickhouse_test.js has the oldest one, and Kafka.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { startProcess } = require('../api/lib/server');
const { makeStore, root } = require('../api/lib/store');
const { eventually } = require('../api/lib/world');
const { Chdb, run } = require('./lib/chdb');
const { REPORTS, openEvening, recordsOf, report } = require('./lib/evening');
const { PRICES, checkFigures, knownOf, trafficLines } = require('./lib/figures');

const OPTIONS = { experiments: 'slip=control:50/quick:50', rates: 'USD=0.92' };
const PATIENCE = { timeout: 60000, every: 500 };
const DAY_MS = 86400000;
const YEAR = 365.25;
const KEPT = [ // table, its key, days
  ['bets', ['placed_ms'], 5 * YEAR],
  ['bet_legs', ['placed_ms'], 5 * YEAR],
  ['bet_events', ['at_ms'], 5 * YEAR],
  ['transfers', ['at_ms'], 5 * YEAR],
  ['exposures', ['at_ms'], 2 * YEAR],
  ['requests', ['at_ms'], 90],
  ['prices', ['at_ms', 'version'], 90],
];
const deployed = (name) => fs.readFileSync(path.join(root, 'deploy/clickhouse', name), 'utf8');

describe('a current ClickHouse', () => {
  let chdb;
  let world;  // says it from its store
  let known;
  let reader; // an empty store, and ClickHouse
  let nothing;
  before(async () => {
    chdb = new Chdb();
    const evening = await openEvening(OPTIONS);
    world = evening.world;
    known = await knownOf(evening.fans, evening.sport, 'slip');
    const told = await recordsOf(evening.fans, evening.sport, 'slip');
    told.traffic.push(...trafficLines(Date.now()));
    told.prices = PRICES.map(([, value]) => (value ? JSON.stringify(value) : ''));
    for (const [topic, lines] of [...Object.entries(told), ...Object.entries(told)])
      chdb.tell(topic, lines);
    nothing = makeStore({ kind: 'sqlite' });
    const options = { ...OPTIONS, analytics: await chdb.listen() };
    reader = await startProcess({ store: nothing.url, options });
  });
  after(async () => {
    await reader?.stop();
    nothing?.remove();
    await world?.close();
    chdb?.stop();
  });

  test('is current', async () => {
    const [[version]] = await chdb.rows('SELECT version()');
    assert.ok(Number(version.split('.')[0]) >= 26, version);
  });

  test('reports say what the store says', async () => {
    for (const route of REPORTS)
      await eventually(async () => {
        assert.deepEqual(await report(reader, route), await report(world.server, route), route);
      }, PATIENCE);
    const { days, open } = await report(reader, REPORTS[0]);
    assert.ok(days.length === 2 && open.length === 2, 'two currencies, open bets in both');
  });

  test('every query of the folder has the figures of the evening', async () => {
    await checkFigures((sql) => chdb.rows(sql), known);
  });

  // No consumer runs in a library, and it says so, after the settings.
  test('the settings of the Kafka engine are known', async () => {
    const kafka = deployed('2_kafka.sql').replaceAll('{brokers}', '127.0.0.1:1')
      .replaceAll('{prefix}', '');
    await assert.rejects(run(kafka), /Shutdown was called/);
    await assert.rejects(run(kafka.replaceAll('kafka_row', 'kafka_column')), /Unknown setting/);
  });

  test('current.sql: again, and what it makes', async () => {
    const columns = await chdb.rows(`${deployed('current.sql')}
      SELECT table, name, type, compression_codec, default_kind FROM system.columns
      WHERE database = 'overround' AND (type LIKE 'LowCardinality%' OR compression_codec != ''
        OR default_kind = 'ALIAS') ORDER BY table, name`);
    const text = columns.map((row) => row.filter(Boolean).join(' '));
    const coded = 'CODEC(Delta(8), ZSTD(1))';
    const time = "DateTime64(3, \\'UTC\\') ALIAS";
    assert.deepEqual(text, [
      `bet_events at ${time}`,
      `bet_legs placed_ms Int64 ${coded}`,
      'bets currency LowCardinality(String)',
      `bets placed_at ${time}`,
      `bets placed_ms Int64 ${coded}`,
      'bets sport LowCardinality(String)',
      'bets state LowCardinality(String)',
      'bets type LowCardinality(String)',
      `prices odds_e4 Array(Int64) ${coded}`,
      `transfers at ${time}`,
      `transfers at_ms Int64 ${coded}`,
    ]);
    const [[wrong]] = await chdb.rows('SELECT countIf(toUnixTimestamp64Milli(placed_at) !=' +
      ' placed_ms) FROM bets');
    assert.equal(wrong, '0');
  });

  test('what is old enough goes, and nothing else', async () => {
    const keep = ([table, key, days]) => {
      const row = (age) => {
        const ms = Math.floor(Date.now() - age * DAY_MS);
        const values = [Math.floor(ms / DAY_MS), ...key.map(() => ms)];
        return `INSERT INTO ${table} (day, ${key}) VALUES (${values});`;
      };
      return `TRUNCATE TABLE ${table}; ${row(days - 2)} ${row(days + 2)}
        OPTIMIZE TABLE ${table} FINAL;`;
    };
    const counts = KEPT.map(([table]) => `(SELECT count() FROM ${table})`);
    const [kept] = await chdb.rows(`${KEPT.map(keep).join('\n')} SELECT ${counts}`);
    assert.deepEqual(kept, KEPT.map(() => '1'));
  });
});
