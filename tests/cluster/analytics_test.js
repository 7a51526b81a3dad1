// Reports from ClickHouse and from the store say the same, to the cent.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { startProcess } = require('../api/lib/server');
const { eventually } = require('../api/lib/world');
const { ClickHouse } = require('./lib/clickhouse');
const { playEvening } = require('./lib/evening');
const { sharedBus } = require('./lib/kafka');
const { openCluster } = require('./lib/story');

const COUNTS = { feed: 1, odds: 1, bets: 1, settle: 1, web: 1 };
const EXPERIMENTS = 'slip=control:50/quick:50';
const RATES = 'USD=0.92';
const PATIENCE = { timeout: 60000, every: 500 };

describe('analytics', () => {
  let world;
  let clickhouse;
  let url;
  let reader; // a settle process that asks ClickHouse
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

  const report = async (server, route) => {
    const { status, json, text } = await server.operate('GET', route);
    assert.equal(status, 200, `${route}: ${text}`);
    return json;
  };
  // The figures of ClickHouse follow within seconds.
  const same = (route, also = () => {}) =>
    eventually(async () => {
      const [stored, told] = [await report(world.server, route), await report(reader, route)];
      assert.deepEqual(told, stored, route);
      also(told);
    }, PATIENCE);

  test('bets, refusals, settlement, cash-outs and reversals', async () => {
    const { takeBack } = await playEvening(world);
    await same('/v1/reports/daily', ({ days, open }) => {
      assert.ok(days.length >= 2 && open.length >= 2, 'some days, some open bets');
    });
    await takeBack();
    await same('/v1/reports/daily');
    await same('/v1/reports/series?minutes=60', ({ minutes }) => assert.ok(minutes.length >= 2));
  });

  test('the cohorts of an experiment', async () => {
    await same('/v1/reports/experiments?experiment=slip', ({ arms }) => {
      assert.ok(arms.reduce((sum, { bettors }) => sum + bettors, 0) >= 12);
    });
  });

  test('the tables of money and traffic are filled', async () => {
    const rows = (sql) => clickhouse.rows(url, sql);
    for (const table of ['bets', 'bet_legs', 'bet_events', 'transfers', 'exposures', 'requests'])
      await eventually(async () => {
        const [[n]] = await rows(`SELECT count() FROM ${table} FINAL`);
        assert.ok(Number(n) > 0, `${table} is empty`);
      }, PATIENCE);
    const funnel = await rows("SELECT sum(n) FROM requests FINAL WHERE code = 'odds_changed'");
    assert.ok(Number(funnel[0][0]) >= 12, 'refusals');
  });
});
