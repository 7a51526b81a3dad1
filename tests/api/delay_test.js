// The live delay (rule 12): a bet on a live event is kept open, and refused if
// its market was suspended meanwhile, even if it went on.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { openWorld, worldFor, market, newKey, uof, eventually, run } = require('./lib/world');

const DELAY_MS = 5000;
const LIVE = { status: { status: 1, match_status: 6, home_score: 0, away_score: 0 } };

const delayed = (world) => world.metric('overround_parked_requests', 'reason="delayed"');
const waits = (world, n = 1) =>
  eventually(async () => assert.equal(await delayed(world), n, 'bets in their delay'));

// Begins a bet that is delayed; while(answer) runs once it waits.
async function during(world, placing, act) {
  const begun = Date.now();
  const answer = placing();
  await waits(world);
  await act();
  return { ...(await answer), took: Date.now() - begun };
}

describe('live delay', () => {
  const world = worldFor({ before, after }, { 'live-delay-ms': DELAY_MS });
  const live = (markets = market.oneXTwo(), more = {}) =>
    world().event(markets, { ...LIVE, ...more });

  test('a live bet is kept open, then accepted; one before kick-off is not', async () => {
    const customer = await world().customer();
    const [soon, now] = [await world().event(market.oneXTwo()), await live()];
    await customer.placed(soon.home());
    assert.equal(await world().metric('overround_bets_delayed_total'), 0);
    const answer = await during(
      world(),
      () => customer.bet(now.home()),
      async () => {
        await customer.holds('90.00');
        assert.equal((await customer.bets()).length, 1);
      },
    );
    assert.equal(answer.status, 201, answer.text);
    assert.ok(answer.took >= DELAY_MS, `${answer.took} ms`);
    await customer.holds('80.00');
    assert.equal(await world().metric('overround_bets_delayed_total'), 1);
  });

  test('stopped and on again before it is over: suspended', async () => {
    const customer = await world().customer();
    const [event, other] = [await live(), await live()];
    const answer = await during(
      world(),
      () => customer.bet([other.home(), event.home()], { accept: 'any' }),
      async () => {
        await event.stop();
        await event.odds(market.oneXTwo());
        assert.equal((await event.market(1)).status, 'active');
      },
    );
    assert.deepEqual([answer.code, answer.json.leg], ['market_suspended', 1]);
    await customer.holds('100.00');
    await customer.placed(event.home()); // the next one may stand
  });

  test('a leg that is not live counts, too, and so does its outcome', async () => {
    const customer = await world().customer();
    const [event, soon] = [await live(), await world().event(market.oneXTwo())];
    const answer = await during(
      world(),
      () => customer.bet([event.home(), soon.home()]),
      async () => {
        const { outcomes } = market.oneXTwo();
        await soon.odds({ id: 1, outcomes: { ...outcomes, 1: { odds: '2.00', active: 0 } } });
        await soon.odds(market.oneXTwo());
      },
    );
    assert.deepEqual([answer.code, answer.json.leg], ['market_suspended', 1]);
  });

  test('a producer that was down for an instant', async () => {
    const customer = await world().customer();
    await world().feed.up(9);
    const event = await live(market.oneXTwo(), { product: 9 });
    const answer = await during(
      world(),
      () => customer.bet(event.home()),
      async () => {
        await world().feed.send(uof.alive({ product: 9, subscribed: 0 }));
        await world().feed.up(9);
        await event.odds(market.oneXTwo(), { product: 9 });
        assert.equal((await event.market(1)).status, 'active');
      },
    );
    assert.equal(answer.code, 'market_suspended');
  });

  test('the price is that of the end', async () => {
    const customer = await world().customer();
    const event = await live();
    const slips = ['none', 'higher', 'any'].map((accept) =>
      customer.bet(event.home(), { accept }),
    );
    await waits(world(), 3);
    await event.odds(market.oneXTwo('1.90'));
    const [none, higher, any] = await Promise.all(slips);
    assert.deepEqual([none.code, none.json.odds], ['odds_changed', '1.90']);
    assert.equal(higher.code, 'odds_changed');
    assert.deepEqual([any.status, any.json.odds], [201, '1.90']);
  });

  test('what others do does not matter to it', async () => {
    const customer = await world().customer();
    const markets = [market.oneXTwo(), market.total()];
    const [event, other] = [await live(markets), await live()];
    const answer = await during(
      world(),
      () => customer.bet(event.home()),
      async () => {
        await other.stop();
        await event.odds({ ...market.total(), status: -1 });
        await world().feed.send(uof.alive({ product: 55 }));
      },
    );
    assert.equal(answer.status, 201, answer.text);
  });

  test('suspended already: said at once', async () => {
    const customer = await world().customer();
    const event = await live();
    await event.stop();
    const before_ = await world().metric('overround_bets_delayed_total');
    assert.equal((await customer.bet(event.home())).code, 'market_suspended');
    assert.equal(await world().metric('overround_bets_delayed_total'), before_);
  });

  // Of another process it has a delay of its own, and the first one's verdict.
  oneProcess(test)('copies join the one that waits; another body is told at once', async () => {
    const customer = await world().customer();
    const event = await live();
    const key = newKey();
    let copy;
    const answer = await during(
      world(),
      () => customer.bet(event.home(), { key }),
      async () => {
        copy = customer.bet(event.home(), { key });
        const reused = await customer.bet(event.home(), { key, stake: '11.00' });
        assert.equal(reused.code, 'key_reused');
        assert.equal(await delayed(world()), 1);
      },
    );
    assert.deepEqual([answer.status, (await copy).text], [201, answer.text]);
    assert.equal((await customer.bet(event.home(), { key })).text, answer.text);
    await customer.holds('90.00');
  });
});

describe('live delays by sport and market', () => {
  test('the nearest holds, the longest of the legs', async () => {
    const world = await openWorld({
      'live-delay-ms': 60000,
      'live-delays': `sr:sport:1=0,sr:sport:1/18=${DELAY_MS},sr:sport:5=0`,
    });
    const customer = await world.customer();
    const event = await world.event([market.oneXTwo(), market.total()], LIVE);
    const tennis = await world.event(market.oneXTwo(), LIVE);
    const start = '2030-01-01T15:00:00Z';
    const teams = { home: 'A', away: 'B', start };
    await world.feed.send(uof.fixture(event.id, teams));
    await world.feed.send(uof.fixture(tennis.id, { ...teams, sport: ['sr:sport:5', 'Tennis'] }));
    await customer.placed([event.home(), tennis.home()]);
    assert.equal(await world.metric('overround_bets_delayed_total'), 0);
    const over = event.leg(18, 12, '1.95', { specifiers: 'total=2.5' });
    const { status, took } = await during(
      world,
      () => customer.bet([over, tennis.home()]),
      () => {},
    );
    assert.equal(status, 201);
    assert.ok(took >= DELAY_MS && took < 60000, `${took} ms`);
    await world.close();
  });

  test('the settings are read strictly', () => {
    const check = (...args) => run(['serve', '--check', ...args]);
    for (const text of ['', 'sr:sport:1=0', 'sr:sport:1=60000,sr:sport:1/18=1,x=5'])
      assert.equal(check(`--live-delays=${text}`).status, 0, text);
    for (const text of [
      'sr:sport:1',
      'sr:sport:1=',
      '=5',
      '/18=5',
      'sr:sport:1/=5',
      'sr:sport:1/0=5',
      'sr:sport:1/x=5',
      'sr:sport:1/4294967296=5',
      'sr:sport:1=60001',
      'sr:sport:1=5s',
      'sr:sport:1=-5',
      'sr:sport:1=5,',
      ',sr:sport:1=5',
      'sr:sport:1=5,,x=5',
      'sr:sport:1=5,sr:sport:1=5',
      'a b=5',
    ]) {
      const { status, stderr } = check(`--live-delays=${text}`);
      assert.equal(status, 2, text);
      assert.match(stderr, /^overround: live-delays: .+\n$/, text);
    }
    assert.equal(check('--live-delay-ms=60001').status, 2);
  });
});

describe('the end of a process in mid-delay', () => {
  test('one that dies has accepted nothing; the retry with the same key is a new try', async () => {
    const world = await openWorld({ 'live-delay-ms': 60000 });
    const customer = await world.customer();
    const event = await world.event(market.oneXTwo(), LIVE);
    const key = newKey();
    const lost = customer.bet(event.home(), { key }).catch(() => ({ status: 'none' }));
    await waits(world);
    await world.server.kill();
    // A load balancer that is there still has no answer, either.
    assert.ok(['none', 503].includes((await lost).status));
    world.options['live-delay-ms'] = 0;
    await world.start();
    await world.feed.up();
    await event.odds(market.oneXTwo(), LIVE);
    await customer.holds('100.00');
    assert.deepEqual(await customer.bets(), []);
    await customer.placed(event.home(), { key });
    await customer.holds('90.00');
    await world.close();
  });

  test('one that drains says so at once', async () => {
    const world = await openWorld({ 'live-delay-ms': 60000 });
    const customer = await world.customer();
    const event = await world.event(market.oneXTwo(), LIVE);
    const answer = customer.bet(event.home());
    await waits(world);
    const stopped = world.server.stop();
    assert.equal((await answer).code, 'busy');
    await stopped;
    await world.start();
    await customer.holds('100.00');
    await world.close();
  });
});
