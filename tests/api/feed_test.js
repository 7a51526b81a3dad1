// The feed's nine messages and two documents, and what they do to the book.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, uof } = require('./lib/world');
const { root } = require('./lib/store');

const samples = path.join(process.env.OVERROUND_DATA ?? path.join(root, '../shared/data'), 'uof');

describe('feed', () => {
  const world = worldFor({ before, after }, {});
  const status = async (event, id, specifiers) => (await event.market(id, specifiers)).status;

  test('every sample of the nine types is taken', async (t) => {
    if (!fs.existsSync(samples)) {
      assert.ok(!process.env.CI, `no data at ${samples}`);
      return t.skip('no data');
    }
    for (const name of fs
      .readdirSync(path.join(samples, 'feed'))
      .filter((n) => n.endsWith('.xml'))) {
      const answer = await world().feed.post(fs.readFileSync(path.join(samples, 'feed', name)));
      assert.equal(answer.status, 202, `${name}: ${answer.text}`);
    }
    for (const name of ['markets.xml', 'fixture.xml']) {
      const answer = await world().feed.post(
        fs.readFileSync(path.join(samples, 'descriptions', name)),
      );
      assert.equal(answer.status, 202, `${name}: ${answer.text}`);
    }
    await world().feed.up();
  });

  test('an odds change changes only the markets it lists', async () => {
    const event = await world().event([market.oneXTwo('2.00'), market.total('1.95')]);
    await event.odds(market.oneXTwo('2.20'));
    const { markets } = await event.read();
    assert.deepEqual(
      markets.map((m) => Number(m.outcomes[0].odds)),
      [2.2, 1.95],
    );
  });

  test('a listed market carries all its outcomes', async () => {
    const event = await world().event(market.oneXTwo());
    await event.odds({ id: 1, outcomes: { 1: '1.80', 3: '5.00' } });
    const { outcomes } = await event.market(1);
    const draw = outcomes.find((o) => o.outcome === '2');
    assert.ok(draw === undefined || draw.active === false, 'the draw is no longer offered');
  });

  test('rule 18: a market without outcomes changes its status only', async () => {
    const event = await world().event(market.oneXTwo('2.00'));
    await event.odds({ id: 1, status: -1 });
    assert.equal(await status(event, 1), 'suspended');
    await event.odds({ id: 1 });
    const now = await event.market(1);
    assert.equal(now.status, 'active', 'a missing status is active');
    assert.equal(Number(now.outcomes[0].odds), 2);
  });

  test('rule 18: odds never go through floating point, probabilities are ignored', async () => {
    const event = await world().event();
    const xml = uof
      .oddsChange(event.id, [market.oneXTwo('1.005', '1.0001', '12345.6789')])
      .replace('odds="1.005"', 'odds="1.005" probabilities="4.2E-05"');
    await world().feed.send(xml);
    const { outcomes } = await event.market(1);
    assert.deepEqual(
      outcomes.map((o) => o.odds.replace(/0+$/, '')),
      ['1.005', '1.0001', '12345.6789'],
    );
  });

  test('bet_stop suspends active markets, and only those', async () => {
    const event = await world().event([market.oneXTwo(), market.total()]);
    await event.odds({ ...market.total(), status: 0 });
    await event.stop();
    assert.equal(await status(event, 1), 'suspended');
    await event.odds(market.oneXTwo());
    assert.equal(await status(event, 1), 'active');
    assert.notEqual(await status(event, 18, 'total=2.5'), 'active');
  });

  test('bet_stop by group stops the markets of that group', async () => {
    const event = await world().event();
    await world().feed.send(
      uof.descriptions([
        { id: 901, name: 'A', groups: 'all|score', outcomes: { 1: 'x' } },
        { id: 902, name: 'B', groups: 'all|corners', outcomes: { 1: 'x' } },
        { id: 903, name: 'C', groups: 'all|10_min', outcomes: { 1: 'x' } },
      ]),
    );
    await event.odds([901, 902, 903].map((id) => ({ id, outcomes: { 1: '2.00' } })));
    await event.stop({ groups: 'score|10_min' });
    assert.deepEqual(
      [await status(event, 901), await status(event, 902), await status(event, 903)],
      ['suspended', 'active', 'suspended'],
    );
    await event.stop({ groups: 'all' });
    assert.equal(await status(event, 902), 'suspended');
  });

  test('rule 18: bet_stop may set another status', async () => {
    const event = await world().event(market.oneXTwo());
    await event.stop({ marketStatus: 0 });
    assert.notEqual(await status(event, 1), 'active');
  });

  test('rule 19: odds older than the last are dropped and counted', async () => {
    const event = await world().event();
    const now = uof.tick();
    const stale = await world().metric('overround_feed_stale_total');
    await event.odds(market.oneXTwo('2.00'), { timestamp: now });
    await event.odds(market.oneXTwo('9.00'), { timestamp: now - 5000 });
    assert.equal(Number((await event.market(1)).outcomes[0].odds), 2);
    assert.equal(await world().metric('overround_feed_stale_total'), stale + 1);
    await event.odds(market.oneXTwo('2.40'), { timestamp: now + 1 });
    assert.equal(Number((await event.market(1)).outcomes[0].odds), 2.4);
  });

  test('rule 20: handed over suspends until the other producer has priced', async () => {
    await world().feed.up(3);
    const event = await world().event(market.oneXTwo('2.00'), { product: 3 });
    await event.odds({ id: 1, status: -2 }, { product: 3 });
    assert.equal(await status(event, 1), 'suspended');
    await event.odds(market.oneXTwo('2.10'), { product: 1 });
    assert.equal(await status(event, 1), 'active');
    await event.odds({ id: 1, status: -2 }, { product: 3 });
    assert.equal(await status(event, 1), 'active', 'ignored: another has priced it');
  });

  test('rule 20: a market belongs to the producer that priced it last', async () => {
    await world().feed.up(3);
    const event = await world().event(market.oneXTwo('2.00'), { product: 3 });
    await event.odds(market.oneXTwo('2.10'), { product: 1 });
    await world().feed.send(uof.alive({ product: 3, subscribed: 0 }));
    assert.equal(await status(event, 1), 'active');
  });

  test('rule 17: unknown elements and attributes are passed over and counted', async () => {
    const event = await world().event();
    const before = await world().metric('overround_feed_unknown_total');
    const xml = uof
      .oddsChange(event.id, [market.oneXTwo('2.00')])
      .replace('<odds>', '<weather rain="yes"><wind/></weather><odds>')
      .replace('<market id="1"', '<market colour="red" id="1"');
    await world().feed.send(xml);
    assert.equal(await status(event, 1), 'active');
    assert.ok((await world().metric('overround_feed_unknown_total')) > before);
  });

  test('fixture_change and snapshot_complete are taken, older spellings, too', async () => {
    const event = await world().event(market.oneXTwo());
    await world().feed.send(uof.fixtureChange(event.id));
    await world().feed.send(uof.snapshotComplete());
    const old = {
      bet_cancel: 'cancelbet',
      rollback_bet_settlement: 'rollback_betsettlement',
      rollback_bet_cancel: 'rollback_cancelbet',
    };
    for (const [name, spelling] of Object.entries(old)) {
      const make = {
        bet_cancel: uof.betCancel,
        rollback_bet_settlement: uof.rollbackSettlement,
        rollback_bet_cancel: uof.rollbackCancel,
      }[name];
      const xml = make(event.id, [{ id: 1 }]).replaceAll(name, spelling);
      assert.equal((await world().feed.post(xml)).status, 202, spelling);
    }
  });

  test('the book is the same after a restart, but suspended (rule 21)', async () => {
    const event = await world().event([market.oneXTwo('2.05'), market.total('1.77')]);
    const before = await event.read();
    await world().restart();
    const now = await event.read();
    assert.deepEqual(
      now.markets.map((m) => m.outcomes.map((o) => o.odds)),
      before.markets.map((m) => m.outcomes.map((o) => o.odds)),
    );
    assert.deepEqual(
      now.markets.map((m) => m.status),
      ['suspended', 'suspended'],
    );
    await world().feed.up();
    assert.equal(await status(event, 1), 'suspended', 'alive alone is no price');
    await event.odds(market.oneXTwo('2.05'));
    assert.equal(await status(event, 1), 'active');
    assert.equal(await status(event, 18, 'total=2.5'), 'suspended');
  });
});
