// Shadow grading: what this program would pay, beside what was paid.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { openWorld, market, run } = require('./lib/world');

const shadow = (store, ...more) => run(['shadow', '--store', store.url, ...more]);

// An evening: bets that are won, lost, halved, void; a system, two taken back, one open.
async function evening(world) {
  const fan = await world.customer();
  const events = await Promise.all([1, 2, 3, 4].map(() => world.event(market.oneXTwo('1.95'))));
  const legs = events.map((event) => event.home('1.95'));
  const stake = '3.33';
  const bets = [
    await fan.placed(legs[0], { stake }),
    await fan.placed(legs.slice(0, 3), { stake }),
    await fan.placed(legs.slice(0, 3), { stake, type: 'system', system: [2, 3] }),
  ];
  const open = await fan.placed([legs[0], legs[3]], { stake });
  await events[0].result(1, 0, 0);
  await events[1].result({ result: 1, void: 0.5 }, 0, 0);
  await events[2].result(0, 1, 0);
  for (const bet of bets) await fan.becomes(bet, { state: 'settled' });
  await events[2].rollbackSettle({ id: 1 });
  await fan.becomes(bets[1], { state: 'accepted' });
  await events[2].result(1, 0, 0, { timestamp: Date.now() + 1000 });
  for (const bet of bets) await fan.becomes(bet, { state: 'settled' });
  await world.quiet();
  return { bets, open, fan };
}

describe('shadow grading', () => {
  test('what was paid is what this program pays; a cent is found from both ends', async () => {
    const world = await openWorld();
    try {
      const { bets } = await evening(world);
      const live = shadow(world.store);
      assert.equal(live.status, 0, live.stdout + live.stderr);
      assert.match(live.stdout, /^rules 1-[0-9a-f]{16}: \d+ settled and 0 open bets graded again/);
      assert.match(live.stdout, /1 passed \(settlement is under way\): 0 differences\n$/);
      await world.server.stop();

      // As if the release before, or this one, paid a cent more.
      const id = bets[2].id;
      const was = Number(world.store.sql(`SELECT payout FROM bets WHERE id = ${id}`));
      world.store.sql(`UPDATE bets SET payout = payout + 1 WHERE id = ${id}`);
      const wrong = shadow(world.store);
      assert.equal(wrong.status, 1);
      assert.match(wrong.stdout, new RegExp(`/${id}: was paid ${was + 1}, this program pays ` +
        `${was}: -1 in minor units of EUR`));
      const json = JSON.parse(shadow(world.store, '--json', '--last', '0').stdout);
      assert.equal(json.differences, 1);
      assert.match(json.first[0], /was paid/);
      const none = JSON.parse(shadow(world.store, '--json', '--last', '1').stdout);
      assert.deepEqual([none.settled, none.differences], [1, 0], 'the newest alone');
      world.store.sql(`UPDATE bets SET payout = ${was} WHERE id = ${id}`);

      // The other way round: it is open, and its facts are old.
      world.store.sql(`UPDATE bets SET placed_ms = placed_ms - 3600000`);
      world.store.sql(`UPDATE facts SET stored_ms = stored_ms - 3600000`);
      assert.equal(shadow(world.store).status, 0);
      world.store.sql(`UPDATE bets SET state = 1, payout = 0, results = '' WHERE id = ${id}`);
      const late = shadow(world.store, '--since', '7d');
      assert.match(late.stdout, new RegExp(`/${id}: is open, this program would pay ${was} now`));
      world.store.sql(`UPDATE bets SET state = 2, payout = ${was} WHERE id = ${id}`);

      world.store.sql(`UPDATE bets SET potential = potential + 1 WHERE id = ${bets[0].id}`);
      assert.match(shadow(world.store).stdout, /was promised 650, this program promises 649/);
      world.store.sql(`UPDATE bets SET slip = '{"type":"single"}' WHERE id = ${bets[0].id}`);
      assert.match(shadow(world.store).stdout, /this program cannot read its slip/);
    } finally {
      world.store.remove();
    }
  });

  test('usage: 2; no store: 1', () => {
    for (const args of [[], ['--store'], ['--store', 'x', '--last', 'x'],
      ['--store', 'x', '--since', '5'], ['--nonsense', '1']]) {
      assert.equal(run(['shadow', ...args]).status, 2, args.join(' '));
    }
    assert.equal(run(['shadow', '--store', 'sqlite:/nonexistent/x.db']).status, 1);
  });
});
