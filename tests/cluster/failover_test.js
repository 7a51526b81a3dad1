// The PostgreSQL primary is lost under load and its standby promoted: bets get
// 503 or 202 until then, and nothing that was answered is lost.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { openWorld, market, sleep, eventually } = require('../api/lib/world');
const { makeStore, psql } = require('../api/lib/store');
const { Load } = require('../crash/lib/load');
const { Pair } = require('./lib/pair');

// A database of the pair, by the URL that names both.
function storeOf(pair) {
  const store = makeStore({ kind: 'postgres', server: pair.url });
  return { ...store, remove: () => {} };
}

async function storyOf(lose, { timeout = 15000 } = {}) {
  const pair = new Pair();
  let load, server;
  try {
    const store = storeOf(pair);
    const world = await openWorld({}, { store });
    server = world.server;
    const event = await world.event(market.oneXTwo());
    const fans = await Promise.all(
      Array.from({ length: 16 }, () => world.customer({ balance: '9000.00' })),
    );
    load = new Load(fans, [event.home()]);
    load.start();
    await eventually(() => assert.ok(load.answered(201).length > 50));
    const before = load.answered(201).length;
    const lost = Date.now();
    await lose(pair);
    pair.promote();
    // Customers notice nothing but a pause.
    await eventually(
      () => assert.ok(load.entries.some((e) => e.status === 201 && e.sent > lost + 100)),
      { timeout },
    );
    await sleep(300);
    await load.stop();
    await world.server.ready();
    assert.ok(load.answered(201).length > before, 'it went on');
    const strange = load.entries.filter((e) => ![201, 202, 503].includes(e.status));
    assert.deepEqual(strange, []);
    await load.check201s();
    await load.retryAll();
    await load.checkOneBetAKey();
    await event.result(1, 0, 0);
    await world.quiet();
    world.audit();
    await world.server.stop();
  } catch (error) {
    if (server) error.message += `\n${server.log.slice(-6000)}`;
    throw error;
  } finally {
    if (load) load.going = false;
    pair.stop();
  }
}

describe('the primary is lost under load', () => {
  test('kill -9, and its standby is promoted', () =>
    storyOf(async (pair) => {
      pair.killPrimary();
      await sleep(400);
    }));

  // Attempts to connect must not all be spent on the host that is named first.
  test('it falls silent, and its standby is promoted', () =>
    storyOf(async (pair) => {
      pair.silencePrimary();
      await sleep(400);
    }));

  // No socket says so: what is asked and not answered does.
  test('it stands still, and its standby is promoted', () =>
    storyOf(async (pair) => {
      pair.hangPrimary();
      await sleep(400);
    }, { timeout: 60000 }));
});

test('a standby alone is refused', async () => {
  const pair = new Pair();
  try {
    const store = storeOf(pair);
    const standby = store.url.replace(pair.address(0), '').replace('@,', '@').split('?')[0];
    const refused = () =>
      assert.rejects(openWorld({}, { store: { ...store, url: standby } }), /standby/);
    await eventually(refused); // it has the schema a moment later
    assert.equal(psql(pair.direct, 'select sync_state from pg_stat_replication'), 'sync');
  } finally {
    pair.stop();
  }
});
