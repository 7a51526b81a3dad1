// The feed from a real RabbitMQ: nothing lost, nothing doubled, in order.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { openWorld, market, uof, eventually, sleep } = require('../api/lib/world');
const { startServer, run } = require('../api/lib/server');
const { RecoverySide } = require('../api/lib/recovery');
const { makeStore } = require('../api/lib/store');
const { Cluster } = require('./lib/cluster');
const { Publisher, keyOf } = require('./lib/publisher');
const { Rabbit } = require('./lib/rabbit');

const RESTART = 13;
const ODDS = 1;

let names = 0;
const newName = (what) => `${what}-${process.pid}-${++names}`;

describe('the feed from RabbitMQ', () => {
  const rabbit = new Rabbit();
  const open = []; // what a story that fails leaves behind
  before(() => rabbit.start({ tls: true }));
  after(() => {
    for (const left of open) left.close();
    return rabbit.stop();
  });

  async function makePublisher(url = rabbit.url, options = {}) {
    const publisher = new Publisher(url, { exchange: newName('unifiedfeed'), ...options });
    open.push(publisher);
    return publisher.connect();
  }

  function settings(publisher, more = {}) {
    return { 'amqp-url': rabbit.url, 'amqp-exchange': publisher.exchange, ...more };
  }

  const isConsuming = (world) =>
    eventually(async () => assert.equal(await world.metric('overround_amqp_connected'), 1));

  // A world whose feed comes by the broker; messages are confirmed, not yet
  // applied, when send() returns.
  async function openAmqpWorld(publisher, more) {
    const world = await openWorld(settings(publisher, more));
    world.feed.send = async (xml) => {
      publisher.publish(keyOf(xml), xml);
      await publisher.flush();
    };
    await isConsuming(world);
    return world;
  }

  // The log as the store has it; positions without a gap.
  async function logOf(world) {
    const rows = await readLog(world);
    rows.forEach((row, i) => assert.equal(row.pos, i + 1, 'a gap in the log'));
    return rows;
  }

  async function readLog(world) {
    const text = world.store.sql(
      "select pos || ' ' || type || ' ' || replace(body, chr(10), ' ') from feed_log order by pos",
    );
    return text.split('\n').map((line) => {
      const [, pos, type, body] = /^(\d+) (\d+) (.*)$/.exec(line);
      return { pos: Number(pos), type: Number(type), body };
    });
  }

  const isOpen = (event, odds) =>
    eventually(async () => {
      const now = await event.market(1);
      assert.equal(now?.status, 'active');
      if (odds) assert.equal(now.outcomes[0].odds, odds);
    });

  test('a match from its first odds to the payout', async () => {
    const publisher = await makePublisher();
    const world = await openAmqpWorld(publisher);
    const fan = await world.customer();
    await world.feed.up();
    const event = await world.event(market.oneXTwo());
    await isOpen(event);
    const bet = await fan.placed(event.home());
    await event.stop();
    await event.result(1, 0, 0);
    await fan.becomes(bet, { state: 'settled', payout: '20.00' });
    await eventually(async () => {
      assert.equal(await world.metric('overround_amqp_received_total'), 4);
      assert.equal(await world.metric('overround_amqp_acked_total'), 4);
      assert.equal(await world.metric('overround_amqp_held'), 0);
    });
    publisher.close();
    await world.close();
  });

  test('every message arrives, in order', async () => {
    const publisher = await makePublisher();
    const world = await openAmqpWorld(publisher, { 'amqp-prefetch': '50' });
    const event = await world.event();
    const sent = [];
    for (let n = 0; n < 2000; n++) {
      const xml = uof.oddsChange(event.id, [market.oneXTwo(`2.${String(n).padStart(4, '0')}`)]);
      sent.push(xml.replace(/\n/g, ' ').trim());
      publisher.publish(keyOf(xml), xml);
    }
    await publisher.flush();
    await isOpen(event, '2.1999');
    const log = (await logOf(world)).filter((row) => row.type === ODDS);
    assert.deepEqual(log.map((row) => row.body.trim()), sent);
    publisher.close();
    await world.close();
  });

  test('a malformed message is buried and does not stand in the way', async () => {
    const publisher = await makePublisher();
    const world = await openAmqpWorld(publisher);
    const event = await world.event();
    publisher.publish('hi.-.live.odds_change.1.sr:match.1.-', '<odds_change product="1"');
    publisher.publish(`strange key'\u00ff.a.b.c.d.e.f.-`, Buffer.from([0, 255, 254]));
    publisher.publish('lo.-.live.alive.-.-.-.-', uof.alive());
    await event.odds(market.oneXTwo());
    await isOpen(event);
    await eventually(async () => {
      assert.equal(await world.metric('overround_amqp_malformed_total'), 2);
      assert.equal(await world.metric('overround_amqp_acked_total'), 4);
    });
    const dead = world.store.sql(
      'select routing_key, line, col, length(body) from dead_messages order by id',
    );
    const [first, second] = dead.split('\n');
    assert.match(first, /^hi\.-\.live\.odds_change\.1\.sr:match\.1\.-\|1\|\d+\|24$/);
    assert.match(second, /^strange\?key\?+\.a\.b\.c\.d\.e\.f\.-\|1\|\d+\|3$/);
    publisher.close();
    await world.close();
  });

  test('a message that comes twice counts once', async () => {
    const publisher = await makePublisher();
    const world = await openAmqpWorld(publisher);
    const fan = await world.customer();
    const twice = async (xml) => {
      publisher.publish(keyOf(xml), xml);
      publisher.publish(keyOf(xml), xml);
      await publisher.flush();
    };
    const event = await world.event();
    await twice(uof.oddsChange(event.id, [market.oneXTwo()]));
    await isOpen(event);
    const bet = await fan.placed(event.home());
    const settlement = { id: 1, outcomes: { 1: 1, 2: 0, 3: 0 } };
    await twice(uof.betSettlement(event.id, [settlement]));
    await twice(uof.rollbackSettlement(event.id, [{ id: 1 }]));
    await twice(uof.betSettlement(event.id, [settlement]));
    await fan.becomes(bet, { state: 'settled', payout: '20.00' });
    await eventually(async () =>
      assert.equal(await world.metric('overround_amqp_acked_total'), 8),
    );
    await eventually(async () => {
      assert.equal(await world.metric('overround_settle_queue'), 0);
      await fan.holds('110.00', '0.00');
    });
    publisher.close();
    await world.close();
  });

  test('a backlog of 20,000 is drained while bets go on', async () => {
    const publisher = await makePublisher();
    const queue = newName('backlog');
    await publisher.declareQueue(queue);
    const world = await openWorld();
    const event = await world.event(market.oneXTwo());
    const fan = await world.customer({ balance: '10000.00' });
    const busy = Array.from({ length: 40 }, (_, n) => `sr:match:99${n}`);
    for (let n = 0; n < 20000; n++) {
      const id = busy[n % busy.length];
      const xml = uof.oddsChange(id, [market.oneXTwo(`3.${String(n % 10000).padStart(4, '0')}`)]);
      publisher.publish(keyOf(xml), xml);
    }
    await publisher.flush();
    await world.server.stop();
    world.options = { ...world.options, ...settings(publisher, { 'amqp-queue': queue }) };
    await world.start();
    await world.feed.up();
    await event.odds(market.oneXTwo());
    let accepted = 0;
    let acked;
    do {
      await fan.placed(event.home(), { stake: '0.10' });
      accepted++;
      acked = await world.metric('overround_amqp_acked_total');
    } while (acked < 20000);
    assert.ok(accepted > 5, `${accepted} bets meanwhile`);
    assert.equal(await publisher.depth(queue), 0);
    assert.equal((await logOf(world)).filter((row) => row.type === ODDS).length, 20002);
    await publisher.deleteQueue(queue);
    publisher.close();
    await world.close();
  });

  // Matches that are played while something is being killed: each has bets,
  // a result, and an end that is known.
  async function playUnderFire(world, publisher, matches, fire) {
    const fan = await world.customer({ balance: '1000.00' });
    const events = [];
    const bets = [];
    publisher.publish('-.-.-.alive.-.-.-.-', uof.alive());
    for (let n = 0; n < matches; n++) {
      const event = await world.event();
      events.push(event);
      const xml = uof.oddsChange(event.id, [market.oneXTwo('3.00')]);
      publisher.publish(keyOf(xml), xml);
    }
    await publisher.flush();
    for (const event of events) {
      await isOpen(event);
      bets.push(await fan.placed(event.home('3.00'), { stake: '1.00' }));
    }
    let over = false;
    const noise = (async () => {
      for (let n = 0; !over; n++) {
        const event = events[n % matches];
        const xml = uof.oddsChange(event.id, [market.total(`1.${10 + (n % 90)}`)]);
        publisher.publish(keyOf(xml), xml);
        if (n % 20 === 0) await sleep(1);
        if (publisher.unconfirmed.length > 2000) await publisher.flush();
      }
    })();
    const results = events.map((event, n) =>
      uof.betSettlement(event.id, [{ id: 1, outcomes: { 1: n % 2, 2: 1 - (n % 2), 3: 0 } }]),
    );
    const fired = fire();
    for (const xml of results) {
      publisher.publish(keyOf(xml), xml);
      await sleep(20);
    }
    await fired;
    over = true;
    await noise;
    await publisher.flush();
    for (const [n, bet] of bets.entries()) {
      await fan.becomes(bet, { state: 'settled', payout: n % 2 ? '3.00' : '0.00' });
    }
    await fan.holds(`${1000 - matches + 3 * Math.floor(matches / 2)}.00`, '0.00');
    return results;
  }

  test('the broker is killed and restarted under load', async () => {
    const publisher = await makePublisher();
    const queue = newName('kept');
    const world = await openAmqpWorld(publisher, { 'amqp-queue': queue });
    const results = await playUnderFire(world, publisher, 20, async () => {
      await sleep(100);
      await rabbit.kill();
      await rabbit.restart();
    });
    const settled = (await logOf(world)).map((row) => row.body.trim());
    for (const xml of results) assert.ok(settled.includes(xml.replace(/\n/g, ' ').trim()));
    assert.ok((await world.metric('overround_amqp_reconnects_total')) >= 1);
    await eventually(async () => assert.equal(await publisher.depth(queue), 0));
    await publisher.deleteQueue(queue);
    publisher.close();
    await world.close();
  });

  test('with the broker\'s own queue producers are down when it is gone', async () => {
    const publisher = await makePublisher();
    const world = await openAmqpWorld(publisher);
    await world.feed.up();
    const event = await world.event(market.oneXTwo());
    await isOpen(event);
    await rabbit.kill();
    await eventually(async () => assert.equal((await event.market(1)).status, 'suspended'));
    await rabbit.restart();
    await publisher.connectAgain();
    await isConsuming(world);
    await world.feed.up();
    await event.odds(market.oneXTwo('3.00'));
    await isOpen(event, '3.00');
    publisher.close();
    await world.close();
  });

  async function startCluster(publisher, more = {}) {
    const cluster = new Cluster(settings(publisher, more));
    const leader = await cluster.startFeed();
    await cluster.becomes(leader, 'leader');
    const standby = await cluster.startFeed();
    await cluster.startBook();
    const server = { leader, standby };
    cluster.consumes = (feed) =>
      eventually(async () => {
        const { text } = await feed.operate('GET', '/metrics');
        assert.match(text, /^overround_amqp_connected 1$/m);
      });
    await cluster.consumes(leader);
    return { cluster, ...server };
  }

  test('the leader is killed in mid-stream and the standby goes on', async () => {
    const publisher = await makePublisher();
    const queue = newName('shared');
    const { cluster, leader, standby } = await startCluster(publisher, {
      'amqp-queue': queue,
      'lease-ms': '2000', // the flood goes on until then
    });
    // The restart of the successor suspends all until it is listed again, which
    // a bet that stands does not mind.
    await playUnderFire(cluster.world, publisher, 16, async () => {
      await sleep(150);
      await leader.kill();
      await cluster.becomes(standby, 'leader');
      await cluster.consumes(standby);
    });
    const log = cluster.log(); // without a gap
    assert.equal(log.filter((row) => row.type === RESTART).length, 2);
    await eventually(async () => assert.equal(await publisher.depth(queue), 0));
    await publisher.deleteQueue(queue);
    publisher.close();
    await cluster.close();
  });

  test('the successor recovers from the last alive of each producer', async () => {
    const publisher = await makePublisher();
    const side = await new RecoverySide().start();
    open.push(side);
    const { cluster, leader, standby } = await startCluster(publisher, {
      'recovery-url': side.url,
      'recovery-node': '7',
      producers: '1=liveodds:600,3=pre:4320',
    });
    const { world } = cluster;
    world.feed.send = async (xml) => {
      publisher.publish(keyOf(xml), xml);
      await publisher.flush();
    };
    const event = await world.event();
    // From the first alive to the end; recovered messages name the node.
    const recover = async (n, odds) => {
      await world.feed.up(1);
      const asked = await side.nth(n, 'liveodds');
      const xml = uof.oddsChange(event.id, [market.oneXTwo(odds)], { request: asked.request });
      publisher.publish(keyOf(xml).replace(/-$/, '7'), xml);
      const done = uof.snapshotComplete({ request: asked.request });
      publisher.publish('-.-.-.snapshot_complete.-.-.-.7', done);
      await publisher.flush();
      await isOpen(event, odds);
      return asked;
    };
    await recover(1, '2.00');
    const last = uof.tick();
    await world.feed.send(uof.alive({ timestamp: last }));
    await eventually(() => assert.ok(cluster.log().at(-1).body.includes(`${last}`)));
    await leader.kill();
    await cluster.consumes(standby);
    await eventually(async () => assert.equal((await event.market(1)).status, 'suspended'));
    assert.equal(side.asked.length, 1, 'nothing is asked for before an alive');
    const asked = await recover(2, '4.00');
    assert.equal(asked.after, String(last));
    assert.equal(asked.node, '7');
    side.close();
    publisher.close();
    await cluster.close();
  });

  test('a paused leader consumes no more once it was overtaken', async () => {
    const publisher = await makePublisher();
    const queue = newName('paused');
    const { cluster, leader, standby } = await startCluster(publisher, { 'amqp-queue': queue });
    leader.child.kill('SIGSTOP');
    publisher.publish('-.-.-.alive.-.-.-.-', uof.alive());
    const event = await cluster.world.event();
    for (let n = 0; n < 50; n++) {
      const xml = uof.oddsChange(event.id, [market.oneXTwo(`5.${10 + n}`)]);
      publisher.publish(keyOf(xml), xml);
    }
    await publisher.flush();
    await cluster.becomes(standby, 'leader');
    leader.child.kill('SIGCONT');
    await cluster.becomes(leader, 'standby');
    await isOpen(event, '5.59');
    const log = cluster.log().filter((row) => row.type === ODDS);
    assert.equal(new Set(log.map((row) => row.body)).size, 50);
    await publisher.deleteQueue(queue);
    publisher.close();
    await cluster.close();
  });

  test('TLS: the broker is who the CA says, or nobody', async () => {
    const ca = path.join(rabbit.tls, 'ca.pem');
    const publisher = await makePublisher(rabbit.tlsUrl, { ca: fs.readFileSync(ca) });
    const secure = { 'amqp-url': rabbit.tlsUrl, 'amqp-exchange': publisher.exchange };
    const world = await openWorld({ ...secure, 'amqp-ca': ca });
    await isConsuming(world);
    const xml = uof.oddsChange('sr:match:5', [market.oneXTwo()]);
    publisher.publish(keyOf(xml), xml);
    await eventually(async () =>
      assert.equal(await world.metric('overround_amqp_acked_total'), 1),
    );
    await world.close();

    const store = makeStore();
    const doubter = await startServer({ store: store.url, options: secure });
    await eventually(() => assert.match(doubter.log, /no session.*(certificate|SSL)/i));
    const { text } = await doubter.operate('GET', '/metrics');
    assert.match(text, /^overround_amqp_connected 0$/m);
    await doubter.stop();
    store.remove();
    publisher.close();
  });

  test('settings that cannot be are named', () => {
    const check = (...args) => run(['serve', '--store', 'sqlite:x', '--check', ...args]);
    assert.match(check('--amqp-url', 'http://x').stderr, /amqp-url/);
    assert.match(check('--amqp-url', rabbit.url, '--amqp-prefetch', '0').stderr, /amqp-prefetch/);
    assert.equal(check('--amqp-url', rabbit.url).status, 0);
  });
});
