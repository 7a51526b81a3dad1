// ClickHouse fed from Kafka by records of docs/EVENTS.md: what a report says of
// it is what the store says, however often the records come.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { startProcess } = require('../api/lib/server');
const { makeStore, root } = require('../api/lib/store');
const { eventually, openWorld } = require('../api/lib/world');
const { ClickHouse } = require('./lib/clickhouse');
const { playEvening, recordsOf } = require('./lib/evening');
const { sendLines, sharedBus } = require('./lib/kafka');

const OPTIONS = { experiments: 'slip=control:50/quick:50', rates: 'USD=0.92' };
const PATIENCE = { timeout: 60000, every: 500 };
const REPORTS = [
  '/v1/reports/daily',
  '/v1/reports/series?minutes=60',
  '/v1/reports/experiments?experiment=slip',
];

const PRICES = [
  ['m|sr:match:1|1|', {
    v: 1, e: 1, p: 5, event: 'sr:match:1', market: 1, specifiers: '', version: 5, status: 1,
    outcomes: [{ id: '1', fed_e4: 20000, odds_e4: 20000, active: true },
      { id: '2', fed_e4: 18000, odds_e4: 18000, active: true }],
  }],
  ['e|sr:match:1', {
    v: 1, e: 1, p: 6, event: 'sr:match:1', version: 6, sport: 'sr:sport:1',
    sport_name: 'Foot "ball"\t', start_ms: 1790000000000, match_status: 6,
  }],
  // A proposal of the desk, which is neither.
  ['q|1', {
    v: 1, e: 1, p: 7, event: 'sr:match:1', market: 1, specifiers: '', version: 7, start_ms: 1,
    outcomes: [{ id: '1', result: 1, void_e12: 0, dead_heat_e12: 0 }],
  }],
  ['t', { v: 1, e: 1 }],
];

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
    world = await openWorld(OPTIONS, { store: makeStore({ kind: 'sqlite' }) });
    const evening = await playEvening(world);
    await evening.takeBack();
    fans = [...evening.fans, world.sentry];
    sport = (await stored(REPORTS[0])).days[0].sport;
    nothing = makeStore({ kind: 'sqlite' });
    reader = await startProcess({ store: nothing.url, options: { ...OPTIONS, analytics: url } });
  });
  after(async () => {
    await reader?.stop();
    nothing?.remove();
    await world?.close();
    clickhouse?.stop();
  });

  const ask = async (server, route) => {
    const { status, json, text } = await server.operate('GET', route);
    assert.equal(status, 200, `${route}: ${text}`);
    return json;
  };
  const stored = (route) => ask(world.server, route);
  const rows = (sql) => clickhouse.rows(url, sql);
  const same = (routes = REPORTS) =>
    eventually(async () => {
      for (const route of routes)
        assert.deepEqual(await ask(reader, route), await stored(route), route);
    }, PATIENCE);
  const tell = (told) => {
    for (const [topic, lines] of Object.entries(told)) sendLines(bus, topic, lines);
  };

  test('reports say what the store says', async () => {
    assert.deepEqual((await ask(reader, REPORTS[0])).days, []);
    tell(await recordsOf(fans, sport, 'slip'));
    await same();
    const { days, open } = await ask(reader, REPORTS[0]);
    assert.ok(days.length === 2 && open.length === 2, 'two currencies, open bets in both');
    const { arms } = await ask(reader, REPORTS[2]);
    assert.equal(arms.reduce((sum, { bettors }) => sum + bettors, 0), fans.length);
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

  test('prices: their margin by sport, and tombstones passed over', async () => {
    const lines = PRICES.map(([key, value]) => `${key}\t${JSON.stringify(value)}`);
    sendLines(bus, 'prices', ['m|sr:match:9|1|\tNULL', ...lines, lines[0]],
      ['--property', 'parse.key=true', '--property', 'null.marker=NULL']);
    await eventually(async () => {
      const margin = await rows(
        'SELECT sport, market, round(overround, 4) FROM (SELECT * FROM prices FINAL) AS p' +
        ' ANY LEFT JOIN (SELECT event, sport FROM events FINAL) AS e USING event');
      assert.deepEqual(margin, [['sr:sport:1', '1', '0.0556']]);
    }, PATIENCE);
  });

  test('requests: the funnel, without what is malformed or of another version', async () => {
    const at_ms = Date.now();
    const requests = (status, code, n) => JSON.stringify({
      v: 1, kind: 'requests', at_ms, process: 'h:1', route: '/v1/bets', method: 'POST', status,
      code, n, us: n * 1000,
    });
    sendLines(bus, 'traffic', [requests(201, '', 7), requests(409, 'odds_changed', 3)]);
    await eventually(async () => {
      const all = await rows('SELECT code, n FROM requests FINAL ORDER BY code');
      assert.deepEqual(all, [['', '7'], ['odds_changed', '3']]);
    }, PATIENCE);
  });

  test('every query of the folder answers', async () => {
    const file = fs.readFileSync(path.join(root, 'deploy/clickhouse/queries.sql'), 'utf8');
    const queries = file.replace(/^--.*$/gm, '').split(/;\s*$/m).map((q) => q.trim());
    assert.ok(queries.length > 5);
    for (const query of queries.filter(Boolean)) {
      const sql = query
        .replaceAll('{from_ms}', String(Date.now() - 86400000))
        .replaceAll('{to_ms}', String(Date.now() + 86400000));
      assert.ok((await rows(sql)).length > 0, sql);
    }
  });

  test('without ClickHouse a report is refused, not made up; then it answers again', async () => {
    clickhouse.kill();
    const gone = await reader.operate('GET', REPORTS[0]);
    assert.equal(gone.status, 503, gone.text);
    clickhouse.restart();
    await same();
  });
});
