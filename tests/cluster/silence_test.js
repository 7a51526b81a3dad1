// Kafka is away, or nobody leads the feed: prices that nobody vouches for are
// not sold, and everything else goes on from the store; afterwards everything
// is told.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { market, newKey, eventually, sleep } = require('../api/lib/world');
const { holdOpen } = require('./lib/hold');
const { Kafka } = require('./lib/kafka');
const { storyOfKafka } = require('./lib/story');
const { allIsTold } = require('./lib/told');

// The defaults of --live-silence-ms and --prematch-silence-ms, and what a busy
// machine may add: a look, a request, a process that waits for its turn.
const LIVE_MS = 3000;
const PREMATCH_MS = 30000;
const SLACK_MS = 8000; // far below the difference of the two
const DOWN_MS = 60000;
const WAITING = 40; // bets whose result is in the store when Kafka dies
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

// Until every process that takes bets refuses the leg, and every one that shows
// prices shows it as suspended.
async function isSuspended({ server }, fan, event, options) {
  const refused = (member) =>
    eventually(async () => {
      const answer = await member.server.call('POST', '/v1/bets', {
        token: fan.token, key: newKey(), json: { ...STAKE, type: 'single', legs: [event.home()] },
      });
      assert.equal(answer.json?.code, 'market_suspended', answer.text);
    }, options);
  const shown = (member) =>
    eventually(async () => {
      const { json, text } = await member.server.call('GET', `/v1/events/${event.id}`);
      assert.equal(json?.markets?.[0].status, 'suspended', text);
    }, options);
  await Promise.all([...server.of('bets').map(refused), ...server.of('web').map(shown)]);
}

// Of members, what each says of a number.
const numbers = ({ server }, members, name) =>
  Promise.all(members.map((member) => server.number(member, name)));

async function expectAll(world, role, name, claim, options) {
  const members = role ? world.server.of(role) : world.server.members;
  await eventually(async () => {
    const all = await numbers(world, members, name);
    assert.ok(all.every(claim), `${name} of ${role ?? 'all'}: ${all}`);
  }, { timeout: 15000, every: 100, ...options });
}

describe('silence', () => {
  test('Kafka is down for 60 s: live prices first, money never', async () => {
    const kafka = new Kafka();
    await storyOfKafka(kafka, {}, async (world, bus) => {
      const { store, server } = world;
      const live = await world.event(market.oneXTwo(), running);
      const soon = await world.event(market.oneXTwo());
      const over = await world.event(market.oneXTwo());
      const fan = await world.customer({ balance: '500.00' });
      const winner = await world.customer({ balance: '500.00' });
      const bets = [];
      const patient = { timeout: 30000, every: 50 };
      bets.push(await eventually(() => sells(fan, live.home()), patient));
      bets.push(await eventually(() => sells(fan, soon.home()), patient));
      await eventually(() => sells(winner, over.home()), patient);
      for (let i = 1; i < WAITING; i++) await sells(winner, over.home());
      await expectAll(world, undefined, 'overround_kafka_up', (up) => up === 1);
      for (const role of ['bets', 'web'])
        await expectAll(world, role, 'overround_mirror_silent_partitions', (n) => n === 0);
      const classes = async () => {
        const all = await numbers(world, server.of('settle'), 'overround_relay_classes');
        assert.equal(all.reduce((a, b) => a + b), 16, `relays have ${all}`);
        return all;
      };
      await eventually(classes);

      const unlock = await holdOpen(store,
        `SELECT id FROM accounts WHERE id = ${winner.id} FOR UPDATE`);
      const settled = () => Number(store.sql(
        `SELECT count(*) FROM bets WHERE account = ${winner.id} AND settled_ms > 0`));
      await over.result(1, 0, 0);
      await eventually(() => {
        const sql = `SELECT count(*) FROM facts WHERE event = '${over.id}'`;
        assert.notEqual(store.sql(sql), '0', 'the result is in the store');
      });

      kafka.kill();
      const down = Date.now();
      await isSuspended(world, fan, live, { timeout: LIVE_MS + SLACK_MS, every: 20 });
      const took = Date.now() - down;
      assert.ok(took <= LIVE_MS + SLACK_MS, `live prices were on sale for ${took} ms`);
      bets.push(await sells(fan, soon.home()));
      assert.equal((await soon.market(1)).status, 'active');
      assert.equal(settled(), 0, 'nothing was settled when Kafka went');
      await unlock();
      await eventually(() => assert.equal(settled(), WAITING), { timeout: 15000, every: 100 });
      assert.equal((await winner.wallet()).staked, '0.00');

      await expectAll(world, undefined, 'overround_kafka_up', (up) => up === 0);
      for (const role of ['bets', 'web'])
        await expectAll(world, role, 'overround_mirror_silent_partitions', (n) => n > 0);
      await eventually(async () => {
        const all = await numbers(world, server.of('settle'), 'overround_relay_lag_seconds');
        assert.ok(Math.max(...all) > 2, `events wait for ${all} s`);
      });
      assert.equal((await fan.deposit('5.00')).status, 201);
      assert.ok(Date.now() - down < PREMATCH_MS, 'a machine that is too slow for this test');
      await sells(fan, soon.home()).then((bet) => bets.push(bet));
      await isSuspended(world, fan, soon, { timeout: PREMATCH_MS + SLACK_MS, every: 200 });
      const pause = Date.now() - down;
      assert.ok(pause <= PREMATCH_MS + SLACK_MS, `pre-match prices were on sale for ${pause} ms`);
      assert.equal((await fan.withdraw('5.00')).status, 201);
      assert.ok((await fan.betById(bets[0].id)).id);
      await soon.odds(market.oneXTwo('2.50')); // the feed's leader takes it: its log is the store
      await sleep(Math.max(0, down + DOWN_MS - Date.now()));
      assert.ok(Number(store.sql('SELECT count(*) FROM outbox')) > WAITING, 'told to nobody yet');

      kafka.restart();
      const back = { timeout: 30000, every: 100 };
      await eventually(() => sells(fan, live.home()), back).then((bet) => bets.push(bet));
      await eventually(async () => {
        assert.equal((await soon.market(1)).outcomes[0].odds, '2.50');
        bets.push(await sells(fan, soon.home('2.50')));
      }, back);
      await expectAll(world, undefined, 'overround_kafka_up', (up) => up === 1, back);
      for (const role of ['bets', 'web'])
        await expectAll(world, role, 'overround_mirror_silent_partitions', (n) => n === 0, back);
      await live.result(1, 0, 0);
      await soon.result(1, 0, 0);
      for (const bet of bets) await fan.becomes(bet, { state: 'settled' });
      await allIsTold(store, kafka, bus);
      await expectAll(world, 'settle', 'overround_relay_lag_seconds', (s) => s < 1, back);
      await eventually(classes);
    });
  });

  test('no process leads the feed: live prices first, money never', async () => {
    const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 1 };
    const [LIVE, PREMATCH] = [2000, 12000]; // a busy machine's slack lies between
    const options = { 'live-silence-ms': LIVE, 'prematch-silence-ms': PREMATCH };
    await storyOfKafka(new Kafka(), { options, counts }, async (world) => {
      const live = await world.event(market.oneXTwo(), running);
      const soon = await world.event(market.oneXTwo());
      const fan = await world.customer({ balance: '500.00' });
      await eventually(() => sells(fan, live.home()));
      await eventually(() => sells(fan, soon.home()));

      const [leader] = world.server.of('feed');
      await leader.server.kill();
      const within = (ms) => ({ timeout: ms + SLACK_MS, every: 50 });
      await eventually(() => refuses(fan, live.home()), within(LIVE));
      await sells(fan, soon.home());
      await eventually(() => refuses(fan, soon.home()), within(PREMATCH));
      assert.equal((await fan.deposit('5.00')).status, 201);

      await world.server.relaunch(leader);
      await eventually(() => world.server.led(), { timeout: 30000, every: 100 });
      await world.feed.up();
      for (const event of [live, soon]) await event.odds(market.oneXTwo('2.50'));
      for (const event of [live, soon])
        await eventually(() => sells(fan, event.home('2.50')), { timeout: 30000, every: 100 });
    });
  });

  // Its lease is renewed all the while; what it does not know is what came.
  test('a leader cannot write: it vouches for nothing, until it can', async () => {
    const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 1 };
    const options = { 'live-silence-ms': 2000, 'prematch-silence-ms': 60000 };
    await storyOfKafka(new Kafka(), { options, counts }, async (world) => {
      const live = await world.event(market.oneXTwo(), running);
      const fan = await world.customer({ balance: '500.00' });
      await eventually(() => sells(fan, live.home()));

      const release = await holdOpen(world.store, 'LOCK TABLE feed_log IN EXCLUSIVE MODE');
      const late = live.odds(market.oneXTwo('2.50')).catch(() => {}); // it may be given up
      await eventually(() => refuses(fan, live.home()), { timeout: 2000 + SLACK_MS, every: 50 });
      await world.server.led();
      await release();
      await late;
      await eventually(() => live.odds(market.oneXTwo('2.50')));
      await eventually(() => sells(fan, live.home('2.50')), { timeout: 30000, every: 100 });
    });
  });
});
