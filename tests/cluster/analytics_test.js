// Reports from ClickHouse and from the store say the same, to the cent.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { startProcess } = require('../api/lib/server');
const { eventually } = require('../api/lib/world');
const { ClickHouse } = require('./lib/clickhouse');
const { REPORTS, playEvening, report } = require('./lib/evening');
const { checkFigures, knownOf } = require('./lib/figures');
const { sharedBus } = require('./lib/kafka');
const { openCluster } = require('./lib/story');

const COUNTS = { feed: 1, odds: 1, bets: 1, settle: 1, web: 1 };
const EXPERIMENTS = 'slip=control:50/quick:50';
const RATES = 'USD=0.92';
const TABLES = ['bets', 'bet_legs', 'bet_events', 'transfers', 'exposures', 'requests', 'prices',
  'events'];
const PATIENCE = { timeout: 60000, every: 500 };

describe('analytics', () => {
  let world;
  let clickhouse;
  let url;
  let reader; // a settle process that asks ClickHouse
  let evening;
  before(async () => {
    clickhouse = new ClickHouse();
    const bus = sharedBus();
    const options = { experiments: EXPERIMENTS, rates: RATES };
    world = await openCluster({ counts: COUNTS, options, bus });
    url = clickhouse.schema('overround', bus);
    await world.feed.up();
    reader = await startProcess({
      store: world.store.url,
      options: { ...world.server.options, role: 'settle', bus, analytics: url },
    });
  });
  after(async () => {
    await reader?.stop();
    await world?.close();
    clickhouse?.stop();
  });

  const rows = (sql) => clickhouse.rows(url, sql);
  // The figures of ClickHouse follow within seconds.
  const same = (route, also = () => {}) =>
    eventually(async () => {
      const [stored, told] = [await report(world.server, route), await report(reader, route)];
      assert.deepEqual(told, stored, route);
      also(told);
    }, PATIENCE);

  test('bets, refusals, settlement, cash-outs and reversals', async () => {
    evening = await playEvening(world);
    await same(REPORTS[0], ({ days, open }) => {
      assert.ok(days.length >= 2 && open.length >= 2, 'some days, some open bets');
    });
    await evening.takeBack();
    await same(REPORTS[0]);
    await same(REPORTS[1], ({ minutes }) => assert.ok(minutes.length >= 2));
  });

  test('the cohorts of an experiment', async () => {
    await same(REPORTS[2], ({ arms }) => {
      assert.ok(arms.reduce((sum, { bettors }) => sum + bettors, 0) >= 12);
    });
  });

  test('the tables are filled', async () => {
    for (const table of TABLES)
      await eventually(async () => {
        const [[n]] = await rows(`SELECT count() FROM ${table} FINAL`);
        assert.ok(Number(n) > 0, `${table} is empty`);
      }, PATIENCE);
    const funnel = await rows("SELECT sum(n) FROM requests FINAL WHERE code = 'odds_changed'");
    assert.ok(Number(funnel[0][0]) >= 12, 'refusals');
  });

  test('bets say their customers\' arms, and what the queries make of them', async () => {
    const { days } = await report(reader, REPORTS[0]);
    const known = await knownOf([...evening.fans, world.sentry], days[0].sport, 'slip');
    const arms = await rows('SELECT DISTINCT account, experiments, arms FROM bets FINAL');
    const told = Object.entries(known.arms).map(([id, arm]) => [id, "['slip']", `['${arm}']`]);
    assert.deepEqual(arms.sort(), told.sort());
    await checkFigures(rows, known, ['turnover', 'minutes', 'markets', 'cohorts', 'arms']);
  });

  // 2.00, 3.40 and 4.00 while it was sold; then it was settled.
  test('prices say what the book sold, and when it stopped', async () => {
    const [{ id }] = evening.events;
    await eventually(async () => {
      const sold = await rows(`SELECT e.event, market, status, odds_e4, round(overround, 4)
        FROM (SELECT * FROM prices FINAL) AS p
        ANY INNER JOIN (SELECT event FROM events FINAL) AS e USING event
        WHERE event = '${id}' AND market = 1 ORDER BY version LIMIT 1`);
      assert.deepEqual(sold, [[id, '1', '1', '[20000,34000,40000]', '0.0441']]);
      const last = await rows(`SELECT argMax(status, version) FROM prices
        WHERE event = '${id}' AND market = 1`);
      assert.deepEqual(last, [['-3']]);
    }, PATIENCE);
  });
});
