// One process apart from the others: cut off from Kafka alone, or asleep while
// another has taken its place.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { market, eventually, sleep } = require('../api/lib/world');
const { Kafka } = require('./lib/kafka');
const { Fleet } = require('./lib/fleet');
const { storyOfKafka } = require('./lib/story');

const PREMATCH_MS = 6000;
const options = { 'live-silence-ms': 2000, 'prematch-silence-ms': PREMATCH_MS };

const sells = async (fan, leg) => {
  const answer = await fan.bet(leg, { stake: '0.10', accept: 'any' });
  assert.equal(answer.status, 201, answer.text);
};

describe('a process apart', () => {
  test('takes bets, and is cut off from Kafka: it sells nothing, the other does', async () => {
    const kafka = await Kafka.withWire();
    const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 1 };
    await storyOfKafka(kafka, { options, counts },
      async (world, bus) => {
        const apart = new Fleet({ store: world.store.url, bus, options });
        const wired = bus.replace(kafka.address, kafka.wire.address);
        apart.bus = wired;
        const { server } = await apart.launch('bets');
        try {
          await server.ready();
          const event = await world.event(market.oneXTwo());
          const fan = await world.customer({ balance: '500.00' });
          const alone = (leg) =>
            server.call('POST', '/v1/bets', {
              token: fan.token,
              key: `alone-${Date.now()}-${Math.random()}`,
              json: { stake: '0.10', type: 'single', accept: 'any', legs: [leg] },
            });
          await eventually(async () => assert.equal((await alone(event.home())).status, 201));
          kafka.wire.cut();
          await eventually(async () => {
            const answer = await alone(event.home());
            assert.equal(answer.status, 409, answer.text);
          }, { timeout: PREMATCH_MS + 2000 });
          // Its customers' money is in the store, so that it stays in the balance.
          const money = { token: fan.token, key: `alone-${Date.now()}`, json: { amount: '5.00' } };
          assert.equal((await server.call('POST', '/v1/wallet/deposits', money)).status, 201);
          assert.equal((await server.operate('GET', '/readyz')).status, 200);
          await sells(fan, event.home());
          kafka.wire.mend();
          await eventually(async () => assert.equal((await alone(event.home())).status, 201), {
            timeout: 30000,
          });
        } finally {
          await server.stop();
        }
      });
  });

  test('owned prices, slept and was replaced: is not heard any more', async () => {
    const kafka = new Kafka();
    const counts = { feed: 1, odds: 2, bets: 1, settle: 1, web: 2 };
    await storyOfKafka(kafka, { counts, options }, async (world) => {
      const events = [];
      for (let i = 0; i < 6; i++) events.push(await world.event(market.oneXTwo()));
      const fan = await world.customer({ balance: '500.00' });
      const [sleeper] = world.server.of('odds');
      const posts = (price) => Promise.all(events.map((e) => e.odds(market.oneXTwo(price))));
      const shows = (price) =>
        eventually(async () => {
          for (const event of events) {
            const { status, outcomes } = await event.market(1);
            assert.deepEqual([status, outcomes[0].odds], ['active', price]);
          }
        }, { timeout: 40000, every: 100 });
      await shows('2.00');
      sleeper.server.child.kill('SIGSTOP');
      await posts('2.20');
      await shows('2.20');
      await posts('2.40');
      await shows('2.40');
      sleeper.server.child.kill('SIGCONT');
      await posts('2.60');
      await shows('2.60');
      await sleep(3000);
      await shows('2.60');
      for (const event of events) await sells(fan, event.home('2.60'));
    });
  });
});
