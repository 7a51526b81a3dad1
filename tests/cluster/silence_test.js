// Kafka is away, or nobody leads the feed: prices that nobody vouches for are
// not sold, and everything else goes on from the store; afterwards everything
// is told.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { market, eventually, sleep } = require('../api/lib/world');
const { Kafka } = require('./lib/kafka');
const { storyOfKafka } = require('./lib/story');

const LIVE_MS = 2000;
const PREMATCH_MS = 6000;
const DOWN_MS = 60000;
const options = { 'live-silence-ms': LIVE_MS, 'prematch-silence-ms': PREMATCH_MS };
const running = { status: { status: 1, match_time: '12:00', home_score: 0, away_score: 0 } };

// The price, and not the customer.
const STAKE = { stake: '0.10', accept: 'any' };
const refuses = async (fan, leg) => {
  const answer = await fan.bet(leg, STAKE);
  assert.equal(answer.status, 409, `${answer.status} ${answer.text}`);
};
const sells = async (fan, leg) => {
  const answer = await fan.bet(leg, STAKE);
  assert.equal(answer.status, 201, answer.text);
  return answer.json;
};

describe('silence', () => {
  test('Kafka is down for 60 s: live prices first, money never', async () => {
    const kafka = new Kafka();
    await storyOfKafka(kafka, { options }, async (world, bus) => {
      const live = await world.event(market.oneXTwo(), running);
      const soon = await world.event(market.oneXTwo());
      const over = await world.event(market.oneXTwo());
      const fan = await world.customer({ balance: '500.00' });
      const bets = [];
      bets.push(await eventually(() => sells(fan, live.home())));
      bets.push(await sells(fan, soon.home()), await sells(fan, over.home()));
      await over.result(1, 0, 0);
      await fan.becomes(bets[2], { state: 'settled' });

      const down = Date.now();
      kafka.kill();
      await eventually(() => refuses(fan, live.home()), { timeout: LIVE_MS + 3000, every: 50 });
      bets.push(await sells(fan, soon.home()));
      await eventually(async () => assert.equal((await live.market(1)).status, 'suspended'));
      assert.equal((await soon.market(1)).status, 'active');
      assert.equal((await fan.deposit('5.00')).status, 201);
      await eventually(() => refuses(fan, soon.home()), { timeout: PREMATCH_MS + 3000, every: 50 });
      assert.equal((await fan.withdraw('5.00')).status, 201);
      assert.ok((await fan.betById(bets[0].id)).id);
      await soon.odds(market.oneXTwo('2.50')); // the feed's leader takes it: its log is the store
      await sleep(Math.max(0, down + DOWN_MS - Date.now()));

      kafka.restart();
      const back = { timeout: 30000, every: 100 };
      await eventually(() => sells(fan, live.home()), back).then((bet) => bets.push(bet));
      await eventually(async () => {
        assert.equal((await soon.market(1)).outcomes[0].odds, '2.50');
        bets.push(await sells(fan, soon.home('2.50')));
      }, back);
      await live.result(1, 0, 0);
      await soon.result(1, 0, 0);
      for (const bet of bets) await fan.becomes(bet, { state: 'settled' });
      // All of it is told, to who reads the topics.
      await eventually(() => {
        const told = kafka.records(bus, 'bets').map(({ value }) => value).join('\n');
        for (const { id } of bets) assert.ok(told.includes(id), `bet ${id} was not told`);
      }, { timeout: 40000, every: 500 });
    });
  });

  test('no process leads the feed: live prices first, money never', async () => {
    const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 1 };
    await storyOfKafka(new Kafka(), { options, counts }, async (world) => {
      const live = await world.event(market.oneXTwo(), running);
      const soon = await world.event(market.oneXTwo());
      const fan = await world.customer({ balance: '500.00' });
      await eventually(() => sells(fan, live.home()));
      await eventually(() => sells(fan, soon.home()));

      const [leader] = world.server.of('feed');
      await leader.server.kill();
      await eventually(() => refuses(fan, live.home()), { timeout: LIVE_MS + 3000, every: 50 });
      await sells(fan, soon.home());
      await eventually(() => refuses(fan, soon.home()), { timeout: PREMATCH_MS + 3000, every: 50 });
      assert.equal((await fan.deposit('5.00')).status, 201);

      await world.server.relaunch(leader);
      await eventually(() => world.server.led(), { timeout: 30000, every: 100 });
      await world.feed.up();
      for (const event of [live, soon]) await event.odds(market.oneXTwo('2.50'));
      for (const event of [live, soon])
        await eventually(() => sells(fan, event.home('2.50')), { timeout: 30000, every: 100 });
    });
  });
});
