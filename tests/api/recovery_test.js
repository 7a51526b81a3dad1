// Producers that recover: what is asked for, when, and what may be bet on
// meanwhile (rules 21, 23 and 24).
'use strict';

const assert = require('node:assert/strict');
const { describe, test } = require('node:test');
const { World, market, uof, eventually, sleep, run } = require('./lib/world');
const { makeStore, isPostgres } = require('./lib/store');
const { startServer } = require('./lib/server');
const { RecoverySide } = require('./lib/recovery');

// A world whose producers 1 (liveodds) and 3 (pre) recover, and 9 does not.
async function openRecovering(options = {}) {
  const side = await new RecoverySide().start();
  const world = new World(makeStore(), {
    'recovery-url': side.url,
    'recovery-token': 'secret',
    'recovery-node': '7',
    'recovery-pause-ms': '200',
    producers: '1=liveodds:600,3=pre:4320',
    ...options,
  });
  await world.start();
  const close = async () => {
    side.close();
    await world.close();
  };
  const producer = async (id) => {
    const { json } = await world.server.operate('GET', '/v1/desk/feed');
    return json.producers.find((p) => p.id === String(id));
  };
  const is = (id, state) =>
    eventually(async () => assert.equal((await producer(id)).state, state, `producer ${id}`));
  const complete = (request, product = 1) =>
    world.feed.send(uof.snapshotComplete({ product, request }));
  // From nothing to up.
  const recover = async (product = 1, path = 'liveodds') => {
    const n = side.asked.filter((request) => request.product === path).length;
    await world.feed.up(product);
    const { request } = await side.nth(n + 1, path);
    await complete(request, product);
    await is(product, 'up');
  };
  return { world, side, producer, is, complete, recover, close };
}

const status = async (event) => (await event.market(1)).status;

describe('recovery', () => {
  test('from the first alive to the end: bets are refused until then', async () => {
    const { world, side, is, complete, producer, close } = await openRecovering();
    const customer = await world.customer();
    await sleep(700); // three pauses in which nothing may happen
    assert.equal(side.asked.length, 0, 'nothing is asked for before an alive');
    await world.feed.up(1);
    const asked = await side.nth(1);
    assert.deepEqual(
      [asked.method, asked.after, asked.node, asked.token],
      ['POST', null, '7', 'secret'],
    );
    await is(1, 'recovering');
    const { recovery } = await producer(1);
    assert.equal(recovery.request_id, asked.request);
    const event = await world.event(market.oneXTwo(), { request: asked.request });
    assert.equal(await status(event), 'suspended');
    assert.equal((await customer.bet(event.home())).code, 'market_suspended');
    await complete('4711');
    await complete(asked.request, 3);
    assert.equal((await customer.bet(event.home())).code, 'market_suspended');
    await complete(asked.request);
    assert.equal(await status(event), 'active');
    await customer.placed(event.home());
    assert.equal((await producer(1)).state, 'up');
    assert.equal(await world.metric('overround_producer_state', 'producer="1"'), 2);
    assert.equal(await world.metric('overround_producer_recoveries_total', 'producer="1"'), 1);
    assert.equal(
      await world.metric('overround_recovery_requests_total', 'result="accepted"'),
      1,
    );
    await close();
  });

  test("only that producer's markets; live messages beside the recovered ones", async () => {
    const { world, side, recover, complete, close } = await openRecovering();
    await recover(1, 'liveodds');
    await recover(3, 'pre');
    const [live, stale] = [
      await world.event(market.oneXTwo(), { product: 1 }),
      await world.event(market.oneXTwo(), { product: 1 }),
    ];
    const pre = await world.event(market.oneXTwo(), { product: 3 });
    const pushed = await world.event(market.oneXTwo(), { product: 9 });
    await world.feed.up(9);
    await pushed.odds(market.oneXTwo(), { product: 9 });
    const customer = await world.customer();
    const last = uof.alive({ product: 1 });
    await world.feed.send(last);
    const [, point] = /timestamp="(\d+)"/.exec(last);
    await world.feed.send(uof.alive({ product: 1, subscribed: 0 }));
    for (const [event, want] of [
      [live, 'suspended'],
      [pre, 'active'],
      [pushed, 'active'],
    ])
      assert.equal(await status(event), want);
    assert.equal((await customer.bet(live.home())).code, 'market_suspended');
    await customer.placed(pre.home());
    await world.feed.up(1);
    const asked = await side.nth(2);
    assert.equal(asked.after, point);
    await live.odds(market.oneXTwo('2.50'), { product: 1, request: asked.request });
    await live.odds(market.oneXTwo('2.60'), { product: 1 });
    // What was sent before is older than what came live (rule 19).
    const before = Number(point);
    await live.odds(market.oneXTwo('2.40'), {
      product: 1,
      timestamp: before,
      request: asked.request,
    });
    await complete(asked.request);
    assert.equal((await live.market(1)).outcomes[0].odds, '2.60');
    assert.deepEqual([await status(live), await status(stale)], ['active', 'suspended']);
    await customer.placed(live.home('2.60'));
    await close();
  });

  test('silence, too; and a second one in mid-recovery starts over from the same', async () => {
    const { world, side, is, complete, recover, close } = await openRecovering({
      'producer-silence-s': '3',
    });
    await recover();
    const event = await world.event(market.oneXTwo());
    const last = uof.alive();
    await world.feed.send(last);
    const [, point] = /timestamp="(\d+)"/.exec(last);
    await is(1, 'down');
    assert.equal(await status(event), 'suspended');
    await world.feed.up();
    const first = await side.nth(2);
    assert.equal(first.after, point);
    await event.odds(market.oneXTwo(), { request: first.request });
    await is(1, 'down');
    const stop = world.feed.beats(1);
    const second = await side.nth(3);
    assert.equal(second.after, point);
    assert.notEqual(second.request, first.request);
    await complete(first.request);
    await complete(second.request);
    await is(1, 'up');
    assert.equal(await status(event), 'suspended', 'the half recovery counts for nothing');
    await event.odds(market.oneXTwo());
    assert.equal(await status(event), 'active');
    await stop();
    await close();
  });

  test('after a crash: from the last alive in the log, with another id', async () => {
    const { world, side, complete, recover, is, producer, close } = await openRecovering();
    await recover();
    const event = await world.event(market.oneXTwo());
    const last = uof.alive();
    await world.feed.send(last);
    const [, point] = /timestamp="(\d+)"/.exec(last);
    await world.restart({ kill: true });
    assert.equal(await status(event), 'suspended');
    assert.equal((await producer(1)).state, 'down');
    await world.feed.up();
    const first = await side.nth(2);
    assert.equal(first.after, point);
    await world.restart({ kill: true });
    await world.feed.up();
    const second = await side.nth(3);
    assert.equal(second.after, point);
    await complete(first.request);
    assert.equal((await producer(1)).state, 'recovering');
    await complete(second.request);
    await is(1, 'up');
    await close();
  });

  test('the point is known even when the book is not rebuilt from so far back', async () => {
    const { world, side, recover, close } = await openRecovering({ 'replay-hours': '0' });
    await recover();
    const last = uof.alive();
    await world.feed.send(last);
    const [, point] = /timestamp="(\d+)"/.exec(last);
    await world.quiet(); // settlement has stored what came behind it
    await world.restart();
    await world.feed.up();
    assert.equal((await side.nth(2)).after, point);
    await close();
  });

  test('refused, limited and cut off requests are made again, never hammered', async () => {
    const { world, side, is, complete, producer, close } = await openRecovering();
    const limited = (req, res) => res.writeHead(429, { 'retry-after': '2' }).end();
    side.answers = [403, limited, (req) => req.socket.destroy(), 500, 202];
    await world.feed.up();
    const [one, two, three, four, five] = [
      await side.nth(1),
      await side.nth(2),
      await side.nth(3),
      await side.nth(4),
      await side.nth(5),
    ];
    assert.ok(two.at - one.at >= 200, `${two.at - one.at}`);
    assert.ok(three.at - two.at >= 2000, `Retry-After: ${three.at - two.at}`);
    assert.ok(four.at - three.at >= 800, `${four.at - three.at}`);
    assert.ok(five.at - four.at >= 1600, `${five.at - four.at}`);
    await eventually(async () =>
      assert.deepEqual(
        await Promise.all(
          ['refused', 'limited', 'lost', 'accepted'].map((result) =>
            world.metric('overround_recovery_requests_total', `result="${result}"`),
          ),
        ),
        [1, 1, 2, 1],
      ),
    );
    assert.equal((await producer(1)).recovery.failures, 4);
    await complete(five.request);
    await is(1, 'up');
    await close();
  });

  test('a side that hangs holds up nothing but itself', async () => {
    const { world, side, is, complete, close } = await openRecovering({
      'recovery-request-ms': '700',
    });
    side.answers = [() => {}, () => {}, 202];
    await world.feed.up();
    await side.nth(1);
    const customer = await world.customer(); // a password is hashed, a deposit made
    await world.feed.up(9);
    const event = await world.event(market.oneXTwo(), { product: 9 });
    await customer.placed(event.home());
    const third = await side.nth(3);
    await complete(third.request);
    await is(1, 'up');
    await close();
  });

  test('the server stops while a request hangs', async () => {
    const { world, side, close } = await openRecovering({ 'recovery-request-ms': '60000' });
    side.answers = [() => {}];
    await world.feed.up(1);
    await world.feed.up(3);
    await side.nth(1);
    const begun = Date.now();
    await world.server.stop();
    assert.ok(Date.now() - begun < 20000, 'not as long as a request may take');
    await world.start();
    await close();
  });

  test('a recovery without an end is asked for again', async () => {
    const { world, side, complete, producer, close } = await openRecovering({
      'recovery-timeout-s': '1',
    });
    const began = Date.now();
    const stop = world.feed.beats(1);
    const first = await side.nth(1);
    const second = await side.nth(2);
    assert.ok(second.at - began >= 1000, 'not before its time');
    side.answers = [202];
    await complete(first.request);
    await eventually(async () => {
      await complete(side.asked.at(-1).request);
      assert.equal((await producer(1)).state, 'up');
    });
    await stop();
    await close();
  });
});

// Two processes with the role feed, and one that sells what they write.
async function openPair() {
  const side = await new RecoverySide().start();
  const store = makeStore();
  const options = {
    role: 'feed',
    'lease-ms': '3000',
    'recovery-url': side.url,
    'recovery-pause-ms': '200',
  };
  const seller = new World(store, { role: 'odds,bets,settle,web' });
  await seller.start({ ready: false });
  const one = await startServer({ store: store.url, options });
  const two = await startServer({ store: store.url, options, ready: false });
  return { side, seller, one, two };
}

describe('another process takes over', { skip: !isPostgres }, () => {
  test('and recovers from the last alive of the former', async () => {
    const { side, seller, one, two } = await openPair();
    const send = (server, xml) =>
      server.operate('POST', '/v1/feed', { body: xml, type: 'application/xml' });
    const sent = (server, xml) =>
      eventually(async () => assert.equal((await send(server, xml)).status, 202));
    const health = async (server) => {
      const { json } = await server.operate('GET', '/v1/desk/feed');
      return json.producers.find((producer) => producer.id === '1');
    };
    await sent(one, uof.alive());
    assert.equal((await send(two, uof.alive())).code, 'busy');
    const first = await side.nth(1);
    await sent(one, uof.snapshotComplete({ request: first.request }));
    const event = await seller.event();
    await sent(one, uof.oddsChange(event.id, [market.oneXTwo()]));
    const last = uof.alive();
    const [, point] = /timestamp="(\d+)"/.exec(last);
    await sent(one, last);
    await eventually(async () => assert.equal(await status(event), 'active'));
    await eventually(async () => {
      const { state, alive_age_ms: age } = await health(seller.server);
      assert.equal(state, 'up');
      assert.ok(age >= 0 && age < 60000, `${age}`);
    });
    await one.kill();
    await sent(two, uof.alive());
    await eventually(async () => assert.equal(await status(event), 'suspended'));
    const second = await side.nth(2);
    assert.equal(second.after, point);
    await sent(two, uof.oddsChange(event.id, [market.oneXTwo()], { request: second.request }));
    await sent(two, uof.snapshotComplete({ request: first.request }));
    assert.equal((await health(two)).state, 'recovering');
    await sent(two, uof.snapshotComplete({ request: second.request }));
    await eventually(async () => assert.equal(await status(event), 'active'));
    side.close();
    await two.stop();
    await seller.close();
  });
});

describe('the setting producers', () => {
  const check = (producers) => run(['serve', '--check', `--producers=${producers}`]);

  test('is read strictly', () => {
    for (const text of ['', '1=liveodds:600', '1=a:1,2=b:43200,2147483647=c_-9:10'])
      assert.equal(check(text).status, 0, text);
    for (const text of [
      '1',
      '1=',
      '1=a',
      '1=a:',
      '1=a:0',
      '1=a:43201',
      '1=a:1x',
      '0=a:1',
      'x=a:1',
      '2147483648=a:1',
      '1=a/b:1',
      '1=a:1,',
      ',1=a:1',
      '1=a:1,,2=b:1',
      '1=a:1,1=b:1',
      '1=a b:1',
      ' 1=a:1',
      `1=${'a'.repeat(64)}:1`,
    ]) {
      const { status: code, stderr } = check(text);
      assert.equal(code, 2, text);
      assert.match(stderr, /^overround: producers: .+\n$/, text);
    }
  });
});
