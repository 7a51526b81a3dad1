// kill -9 at a random instant, again and again: every bet that got a 201 is
// there exactly once, every retry of a key has one bet, what was cashed out is
// paid for once, and the books agree.  Also with the ledger in a database of its
// own, beside the journal's.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { openWorld, market, sleep, eventually } = require('../api/lib/world');
const { makeStore } = require('../api/lib/store');
const { Load } = require('./lib/load');

const STORES = {
  sqlite: { kind: 'sqlite', rounds: 20 },
  postgres: { kind: 'postgres', rounds: 5 },
  'sqlite in two files': { kind: 'sqlite', apart: true, rounds: 3 },
  'two databases of postgres': { kind: 'postgres', apart: true, rounds: 3 },
};
const FANS = 16;

async function openMarkets(events) {
  for (const event of events) await event.odds(market.oneXTwo());
}

// Bets that a settlement storm pays while the process is killed.
async function storm(world, fans) {
  const event = await world.event(market.oneXTwo('3.00'));
  const bets = [];
  for (const fan of fans) {
    for (let n = 0; n < 15; n++)
      bets.push(fan.placed(event.home('3.00'), { stake: '0.50' }).then((bet) => ({ fan, bet })));
  }
  return { event, bets: await Promise.all(bets) };
}

async function stormIsPaid({ bets }) {
  for (const { fan, bet } of bets) await fan.becomes(bet, { state: 'settled', payout: '1.50' });
}

async function round(world, n) {
  const events = await Promise.all(Array.from({ length: 4 }, () => world.event(market.oneXTwo())));
  const fans = await Promise.all(
    Array.from({ length: FANS }, () => world.customer({ balance: '9000.00' })),
  );
  const load = new Load(
    fans,
    events.map((event) => event.home()),
  );
  const stormy =
    n % 3 === 2
      ? await storm(world, await Promise.all(Array.from({ length: 10 }, () => world.customer())))
      : null;
  load.start();
  await eventually(() => assert.ok(load.answered(201).length > 100));
  await sleep(50 + Math.random() * 500);
  if (stormy) {
    await stormy.event.result(1, 0, 0);
    await sleep(Math.random() * 40);
  }
  await world.server.kill();
  await load.stop();
  await world.start();
  await load.check201s();
  await world.feed.up();
  await openMarkets(events);
  await load.retryAll();
  await load.checkOneBetAKey();
  await load.checkCashOuts();
  if (stormy) await stormIsPaid(stormy);
  await eventually(() => world.audit());
  return {
    accepted: load.answered(201).length,
    unanswered: load.entries.filter((e) => e.status === undefined).length,
    sold: load.sold().length,
  };
}

for (const [name, { rounds, ...store }] of Object.entries(STORES)) {
  describe(`kill -9 on ${name}`, () => {
    let world;
    const totals = { accepted: 0, unanswered: 0, sold: 0 };
    for (let n = 0; n < rounds; n++) {
      test(`${name}, round ${n + 1}: nothing is lost, nothing is there twice`, async () => {
        world ??= await openWorld({}, { store: makeStore(store) });
        const { accepted, unanswered, sold } = await round(world, n);
        totals.accepted += accepted;
        totals.unanswered += unanswered;
        totals.sold += sold;
      });
    }
    test(`${name}: there was load, and the kills cut requests off`, async () => {
      const some = Math.min(rounds, 5);
      assert.ok(totals.accepted > 100 * some, `${totals.accepted} accepted`);
      assert.ok(totals.unanswered > 2 * some, `${totals.unanswered} cut off`);
      assert.ok(totals.sold > 20 * some, `${totals.sold} cashed out`);
      await world.close();
    });
  });
}
