// A PgBouncer between us and the store: by the session it may stand there, by
// the transaction it is refused, for it would take our statements and locks
// from under us.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, test } = require('node:test');
const { openWorld, market, run } = require('../api/lib/world');
const { makeStore, Postgres } = require('../api/lib/store');
const { startPgBouncer } = require('./lib/pgbouncer');

describe('PgBouncer', () => {
  let postgres;
  before(() => {
    postgres = new Postgres();
  });
  after(() => postgres.stop());

  async function behind(mode, story) {
    const store = makeStore({ kind: 'postgres', server: postgres.url });
    const bouncer = await startPgBouncer(store.url, mode);
    try {
      await story({ ...store, direct: store.url, url: bouncer.url });
    } finally {
      await bouncer.stop();
      store.remove();
    }
  }

  test('pool_mode=session: bets are placed, settled, and a second server refused', () =>
    behind('session', async (store) => {
      const world = await openWorld({}, { store: { ...store, remove: () => {} } });
      const event = await world.event(market.oneXTwo());
      const fan = await world.customer();
      const bet = await fan.placed(event.home());
      await event.result(1, 0, 0);
      await fan.becomes(bet, { state: 'settled', payout: '20.00' });
      const second = run(['serve', '--store', store.url, '--listen', '127.0.0.1:0',
        '--operator-listen', '127.0.0.1:0']);
      assert.equal(second.status, 1);
      assert.match(second.stderr, /another overround serves/);
      await world.close();
    }));

  for (const mode of ['transaction', 'statement']) {
    test(`pool_mode=${mode}: refused, with what to do`, () =>
      behind(mode, async (store) => {
        const server = run(['serve', '--store', store.url, '--listen', '127.0.0.1:0',
          '--operator-listen', '127.0.0.1:0']);
        assert.equal(server.status, 1, server.stdout);
        assert.match(server.stderr, /pool_mode=session/);
      }));
  }
});
