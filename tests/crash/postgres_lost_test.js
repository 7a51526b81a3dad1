// The PostgreSQL server dies under load: never a wrong refusal, never a second
// bet; the truth on retry (RULES.md 13).
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { openWorld, market, sleep, eventually } = require('../api/lib/world');
const { makeStore, Postgres } = require('../api/lib/store');
const { Load } = require('./lib/load');

describe('PostgreSQL is lost under load', () => {
  async function storyOf(outage) {
    const postgres = new Postgres();
    try {
      const store = makeStore({ kind: 'postgres', server: postgres.url });
      const world = await openWorld({}, { store });
      const events = await Promise.all([0, 1, 2].map(() => world.event(market.oneXTwo())));
      const fans = await Promise.all(
        Array.from({ length: 24 }, () => world.customer({ balance: '9000.00' })),
      );
      const load = new Load(
        fans,
        events.map((event) => event.home()),
      );
      load.start();
      await eventually(() => assert.ok(load.answered(201).length > 100));
      await outage(world, postgres, load);
      await load.stop();
      await world.server.ready();
      await load.check201s();
      await load.retryAll();
      await load.checkOneBetAKey();
      world.audit();
      await world.server.stop();
      return load;
    } finally {
      postgres.stop();
    }
  }

  function onlyTruth(load) {
    const statuses = [...new Set(load.entries.map((e) => e.status))].filter((s) => s !== undefined);
    const wrong = load.entries.filter(
      (e) => e.status !== undefined && ![201, 202, 503].includes(e.status),
    );
    assert.deepEqual(
      wrong.map((e) => e.text),
      [],
      `statuses ${statuses}`,
    );
    assert.deepEqual(
      load.entries.filter((e) => e.status === undefined),
      [],
      'all were answered',
    );
    assert.ok(load.answered(201).length > 100, 'there was load');
  }

  for (let n = 1; n <= 3; n++) {
    test(`kill -9 of the server process, time ${n}`, async () => {
      const load = await storyOf(async (world, postgres, running) => {
        const isReady = (status) => eventually(
          async () => assert.equal((await world.server.operate('GET', '/readyz')).status, status),
          { timeout: 30000 },
        );
        await sleep(Math.random() * 200); // any instant
        postgres.kill();
        await isReady(503);
        await eventually(() => assert.ok(
          running.answered(503).length + running.answered(202).length > 0, 'the outage is felt'));
        assert.equal((await world.server.operate('GET', '/healthz')).status, 200);
        postgres.restart();
        await isReady(200);
        const before = running.answered(201).length;
        await eventually(() => assert.ok(running.answered(201).length > before, 'it goes on'));
      });
      onlyTruth(load);
      const pending = load.answered(202)[0];
      if (pending) assert.equal(JSON.parse(pending.text).state, 'pending');
    });
  }

  test('connections cut off one by one, while the server lives', async () => {
    const load = await storyOf(async (world) => {
      for (let i = 0; i < 12; i++) {
        world.store.sql(
          'select pg_terminate_backend(pid) from pg_stat_activity' +
            ` where datname = current_database() and pid <> pg_backend_pid()`,
        );
        await sleep(120); // some are back by then, some are not
      }
      await sleep(800);
    });
    onlyTruth(load);
    assert.ok(load.answered(201).length > 100);
  });
});
