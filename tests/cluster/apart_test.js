// One process apart from the others: cut off from Kafka alone, or asleep while
// another has taken its place.
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { market, newKey, uof, eventually, sleep } = require('../api/lib/world');
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
              key: newKey('alone'),
              json: { stake: '0.10', type: 'single', accept: 'any', legs: [leg] },
            });
          await eventually(async () => assert.equal((await alone(event.home())).status, 201));
          kafka.wire.cut();
          await eventually(async () => {
            const answer = await alone(event.home());
            assert.equal(answer.status, 409, answer.text);
          }, { timeout: PREMATCH_MS + 10000 });
          const says = (name) => world.server.number({ server }, name);
          assert.equal(await says('overround_kafka_up'), 0);
          assert.ok((await says('overround_mirror_silent_partitions')) > 0);
          // Its customers' money is in the store, so that it stays in the balance.
          const money = { token: fan.token, key: newKey('alone'), json: { amount: '5.00' } };
          assert.equal((await server.call('POST', '/v1/wallet/deposits', money)).status, 201);
          assert.equal((await server.operate('GET', '/readyz')).status, 200);
          await sells(fan, event.home());
          // Who has never had the book does not say that there is nothing in it.
          const late = (await apart.launch('web')).server;
          for (const path of ['/v1/events', `/v1/events/${event.id}`])
            assert.equal((await late.call('GET', path)).code, 'busy', path);
          assert.equal((await late.operate('GET', '/v1/desk/exposure')).code, 'busy');
          await late.stop();
          kafka.wire.mend();
          await eventually(async () => assert.equal((await alone(event.home())).status, 201), {
            timeout: 30000,
          });
        } finally {
          await server.stop();
        }
      });
  });

  // What it had said when it fell asleep is on its way, and comes when another
  // one speaks: records of its epoch behind those of a higher one.
  test('owned prices, slept and was replaced: is not heard any more', async () => {
    const kafka = await Kafka.withWire();
    const counts = { feed: 1, odds: 1, bets: 1, settle: 1, web: 2 };
    await storyOfKafka(kafka, { counts, options }, async (world, bus) => {
      const { server } = world;
      const wired = new Fleet({ store: world.store.url, options,
        bus: bus.replace(kafka.address, kafka.wire.address) });
      const sleeper = await wired.launch('odds');
      server.members.push(sleeper);
      await server.ready();
      const owned = (member) => server.number(member, 'overround_kafka_partitions');
      await eventually(async () => assert.equal(await owned(sleeper), 1), { timeout: 30000 });
      const events = [];
      for (let i = 0; i < 12; i++) events.push(await world.event(market.oneXTwo()));
      const fan = await world.customer({ balance: '500.00' });
      const posts = (price) => Promise.all(events.map((event) => {
        const body = uof.oddsChange(event.id, [market.oneXTwo(price)]);
        return server.through('POST', '/v1/feed', { body, type: 'application/xml' });
      }));
      const shows = (price) =>
        eventually(async () => {
          for (const event of events) {
            const { status, outcomes } = await event.market(1);
            assert.deepEqual([status, outcomes[0].odds], ['active', price]);
          }
        }, { timeout: 40000, every: 100 });
      const readers = [...server.of('bets'), ...server.of('web')];
      const ignored = () => Promise.all(readers.map((member) =>
        server.number(member, 'overround_mirror_records_total{result="old_epoch"}')));
      const [other] = server.of('odds');
      const rebalances = () => server.number(other, 'overround_kafka_rebalances_total');
      await shows('2.00');

      // What it hears depends on a question that is on its way already, so it
      // may take some attempts until more than a tick waits to be sent.
      let price;
      for (let i = 1, queue = 0; queue < 2; i++) {
        assert.ok(i < 40, 'it never has something to say');
        if (price) await shows(price);
        price = `2.${10 + 2 * i}`;
        kafka.wire.hold();
        await posts(price);
        await sleep(250);
        queue = await server.number(sleeper, 'overround_kafka_queue');
        if (queue < 2) kafka.wire.letGo();
      }
      const before = await rebalances();
      sleeper.server.child.kill('SIGSTOP');
      await shows(price);
      assert.ok((await rebalances()) > before, 'partitions went to the other one');
      assert.equal(await owned(other), 2);
      await posts('3.00');
      await shows('3.00');
      const silent = await ignored();
      kafka.wire.letGo();
      sleeper.server.child.kill('SIGCONT');
      await eventually(async () => {
        const now = await ignored();
        now.forEach((n, i) => assert.ok(n >= silent[i] + 2, `ignored ${silent}, then ${now}`));
      }, { timeout: 30000, every: 100 });
      await shows('3.00');
      await posts('3.20');
      await shows('3.20');
      await sleep(3000);
      await shows('3.20');
      for (const event of events) await sells(fan, event.home('3.20'));
    });
  });
});
