// ClickHouse fed from Kafka by records of docs/EVENTS.md: what a report says of
// it is what the store says, however often the records come.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { startProcess } = require('../api/lib/server');
const { makeStore } = require('../api/lib/store');
const { eventually } = require('../api/lib/world');
const { ClickHouse } = require('./lib/clickhouse');
const { REPORTS, openEvening, recordsOf, report } = require('./lib/evening');
const { PRICES, checkFigures, knownOf, trafficLines } = require('./lib/figures');
const { sendLines, sharedBus } = require('./lib/kafka');

const OPTIONS = { experiments: 'slip=control:50/quick:50', rates: 'USD=0.92' };
const PATIENCE = { timeout: 60000, every: 500 };

describe('ClickHouse behind Kafka', () => {
  let clickhouse;
  let url;
  let bus;
  let world;   // says it from its store
  let fans;
  let sport;
  let reader;  // an empty store, and ClickHouse
  let nothing;
  before(async () => {
    clickhouse = new ClickHouse();
    bus = sharedBus();
    sendLines(bus, 'traffic', ['not JSON', '{"v":2,"kind":"requests","n":77}']);
    url = clickhouse.schema('overround', bus);
    ({ world, fans, sport } = await openEvening(OPTIONS));
    nothing = makeStore({ kind: 'sqlite' });
    reader = await startProcess({ store: nothing.url, options: { ...OPTIONS, analytics: url } });
  });
  after(async () => {
    await reader?.stop();
    nothing?.remove();
    await world?.close();
    clickhouse?.stop();
  });

  const rows = (sql) => clickhouse.rows(url, sql);
  const same = (routes = REPORTS) =>
    eventually(async () => {
      for (const route of routes)
        assert.deepEqual(await report(reader, route), await report(world.server, route), route);
    }, PATIENCE);
  const tell = (told) => {
    for (const [topic, lines] of Object.entries(told)) sendLines(bus, topic, lines);
  };

  test('reports say what the store says', async () => {
    assert.deepEqual((await report(reader, REPORTS[0])).days, []);
    tell(await recordsOf(fans, sport, 'slip'));
    await same();
    const { days, open } = await report(reader, REPORTS[0]);
    assert.ok(days.length === 2 && open.length === 2, 'two currencies, open bets in both');
    const { arms } = await report(reader, REPORTS[2]);
    assert.equal(arms.reduce((sum, { bettors }) => sum + bettors, 0), fans.length - 1);
  });

  test('also when everything is told again', async () => {
    const [[before]] = await rows('SELECT count() FROM bets');
    tell(await recordsOf(fans, sport, 'slip'));
    await eventually(async () => {
      const [[raw]] = await rows('SELECT count() FROM bet_events');
      assert.ok(Number(raw) > Number(before));
    }, PATIENCE);
    await same();
  });

  test('every query of the folder has the figures of the evening', async () => {
    const lines = PRICES.map(([key, value]) => `${key}\t${value ? JSON.stringify(value) : 'NULL'}`);
    sendLines(bus, 'prices', lines,
      ['--property', 'parse.key=true', '--property', 'null.marker=NULL']);
    sendLines(bus, 'traffic', trafficLines(Date.now()));
    const known = await knownOf(fans, sport, 'slip');
    await eventually(() => checkFigures(rows, known), PATIENCE);
  });

  test('without ClickHouse a report is refused, not made up; then it answers again', async () => {
    clickhouse.kill();
    const gone = await reader.operate('GET', REPORTS[0]);
    assert.equal(gone.status, 503, gone.text);
    clickhouse.restart();
    await same();
  });
});
