// Live prices: image, deltas, resume, heartbeats, slow clients, sports, own
// bets, Server-Sent Events, drain.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, test, before, after } = require('node:test');
const { oneProcess, withoutFanout } = require('./lib/shape');
const { openWorld, worldFor, market, uof, eventually, sleep } = require('./lib/world');
const { connect, frame } = require('./lib/ws');

// Memory is measured where no sanitizer keeps what was freed.
const isAsan = /asan/.test(process.env.OVERROUND_TEST_BINARY ?? '');
const measured = isAsan ? () => {} : oneProcess(test);

const CLOCK_MS = 50; // a server's clock is that of its loop's last turn
const FULL = { timeout: 60000 }; // until a client that does not read has no room left

const change = (message) => message.op === 'change';
const find = (event, id, specifiers = '') =>
  event.markets.find((m) => m.market === String(id) && m.specifiers === specifiers);
const odds = (m) => m.outcomes.map((o) => o.odds);

// Server-Sent Events as { event, id, data } by hand.
function sse(server, path, headers = {}) {
  const client = { events: [] };
  client.opened = new Promise((resolve, reject) => {
    const request = http.get(server.publicUrl + path, { headers, agent: false }, (response) => {
      let rest = '';
      response.setEncoding('utf8');
      response.on('data', (text) => {
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split('\n').map((line) => {
            const colon = line.indexOf(': ');
            return [line.slice(0, colon), line.slice(colon + 2)];
          }));
          if (fields.data) client.events.push({ ...fields, json: JSON.parse(fields.data) });
        }
      });
      response.on('end', () => {
        client.ended = true;
      });
      response.on('error', () => {});
      client.status = response.statusCode;
      client.headers = response.headers;
      resolve(client);
    });
    request.on('error', reject);
    client.end = () => request.destroy();
  });
  client.next = (kind = 'change') =>
    eventually(() => {
      while (client.events.length > 0) {
        const event = client.events.shift();
        if (event.event === kind) return event;
      }
      throw new Error(`no ${kind} came`);
    });
  return client.opened;
}

describe('stream', () => {
  const world = worldFor({ before, after });

  test('as much as one may subscribe to, changed in one tick', async () => {
    const sports = [...Array(128)].map((_, i) => `sr:sport:9${i}`);
    const events = await Promise.all(sports.map(() => world().event(market.oneXTwo())));
    await Promise.all(events.map((event, i) => world().feed.send(uof.fixture(String(event), {
      home: 'A', away: 'B', sport: [sports[i], 'A sport'], start: '2030-01-01T12:00:00Z',
    }))));
    const client = await connect(world().server.public);
    const watched = events.slice(0, 100).map(String);
    await client.subscribe({ events: watched, sports });
    const order = (what) => world().server.operate('POST', `/v1/desk/${what}`, {
      json: { scope: { all: true }, reason: 'a test' },
    });
    const suspended = new Set();
    assert.equal((await order('suspend')).status, 200);
    await eventually(() => {
      for (const { events: told = [] } of client.messages.splice(0))
        for (const { id, main, markets } of told)
          for (const m of main ? [main] : markets)
            if (m.status === 'suspended') suspended.add(`${id} ${main ? 'row' : 'event'}`);
      assert.equal(suspended.size, 228);
    });
    assert.equal((await order('resume')).status, 200);
    await client.end();
  });

  test('an event that goes to another sport is not gone', async () => {
    const event = await world().event(market.oneXTwo());
    const sport = (id) => world().feed.send(uof.fixture(String(event), {
      home: 'A', away: 'B', sport: [id, 'A sport'], start: '2030-01-01T12:00:00Z',
    }));
    await sport('sr:sport:801');
    const client = await connect(world().server.public);
    await client.subscribe({ sports: ['sr:sport:801'] });
    await sport('sr:sport:802');
    const left = ({ sport: its, gone }) => gone || its === 'sr:sport:802';
    const came = await client.next((message) => change(message) && message.events.some(left));
    assert.equal(came.events.find(left).gone, undefined);
    await client.end();
  });
  const open = () => connect(world().server.public);
  const metric = (name, label) => world().metric(`overround_stream_${name}`, label);

  test('an image, then deltas of what changed', async () => {
    const event = await world().event([market.oneXTwo('2.00', '3.40', '4.00'), market.total()]);
    const client = await open();
    const image = await client.subscribe({ events: [event.id] });
    assert.equal(image.img, true);
    assert.deepEqual(image.events, [{ ...(await event.read()), img: true }]);

    await event.odds(market.oneXTwo('2.10', '3.40', '3.80'));
    const delta = await client.next('change');
    assert.equal(delta.img, undefined);
    assert.equal(delta.con, undefined);
    assert.ok(BigInt(delta.clk) >= BigInt(image.clk));
    const [{ markets, ...moving }] = delta.events;
    assert.deepEqual(Object.keys(moving).sort(),
      ['clock', 'id', 'match_status', 'score', 'state', 'status', 'version']);
    assert.equal(markets.length, 1);
    assert.deepEqual(odds(markets[0]), ['2.10', '3.40', '3.80']);
    assert.equal(markets[0].name, undefined);
    assert.ok(markets[0].version > image.events[0].version);
    await client.end();
  });

  test('a new market, and one with other outcomes, bring their names', async () => {
    const event = await world().event(market.oneXTwo());
    const client = await open();
    await client.subscribe({ events: [event.id] });
    await event.odds([market.oneXTwo('2.20'), market.total()]);
    const total = (m) => change(m) && find(m.events[0], 18, 'total=2.5');
    const [{ markets }] = (await client.next(total)).events; // the other one may come before
    assert.equal(find({ markets }, 1)?.name, undefined);
    assert.notEqual(find({ markets }, 18, 'total=2.5').name, undefined);
    assert.notEqual(find({ markets }, 18, 'total=2.5').outcomes[0].name, undefined);
    await event.odds({ id: 1, outcomes: { 1: '2.2', 2: '3.4', 3: '4', 4: '90' } });
    assert.notEqual((await client.next('change')).events[0].markets[0].outcomes[3].name, undefined);
    await client.end();
  });

  test('score, clock and suspension; new names bring an image', async () => {
    const event = await world().event(market.oneXTwo());
    const client = await open();
    await client.subscribe({ events: [event.id] });
    await event.odds([], { status: { status: 1, match_status: 6, home_score: 1, away_score: 0,
      match_time: '12:34' } });
    const [scored] = (await client.next('change')).events;
    assert.deepEqual([scored.score, scored.clock, scored.state],
      [{ home: '1', away: '0' }, '12:34', 'live']);
    assert.deepEqual(scored.markets, []);
    await event.stop();
    assert.equal((await client.next('change')).events[0].markets[0].status, 'suspended');
    await world().feed.send(uof.fixture(event.id, { home: 'Ajax', away: 'PSV',
      start: '2031-05-08T19:00:00Z' }));
    assert.equal((await client.next('change')).events[0].home, 'Ajax');
    await world().feed.send(uof.descriptions([{ id: 1, name: `1x2 of ${event.id}`,
      outcomes: { 1: '{$competitor1}' } }]));
    const renamed = await client.next('change');
    assert.equal(renamed.events[0].img, true);
    assert.equal(renamed.events[0].markets[0].name, `1x2 of ${event.id}`);
    await client.end();
  });

  test('a producer that goes down suspends what it owns, here too', async () => {
    await world().feed.up(31);
    const event = await world().event(market.oneXTwo(), { product: 31 });
    const client = await open();
    const image = await client.subscribe({ events: [event.id] });
    assert.equal(image.events[0].markets[0].status, 'active');
    await world().feed.send(uof.alive({ product: 31, subscribed: 0 }));
    await client.next((m) => change(m) && m.events[0].markets[0]?.status === 'suspended');
    await client.end();
  });

  // What is posted to a cluster is waited for: eight are more than a tick.  Here they may
  // be, too, on a busy machine: there are no more frames than ticks.
  oneProcess(test)('everything within a tick is one frame for each event, the newest', async () => {
    const TICK_MS = 1500;
    const slow = await openWorld({ 'stream-tick-ms': TICK_MS });
    try {
      const event = await slow.event(market.oneXTwo('1.50'));
      const client = await connect(slow.server.public);
      await client.subscribe({ events: [event.id] });
      await sleep(TICK_MS + 100); // the quiet is what is tried
      await event.odds(market.oneXTwo('1.51'));
      const first = await client.next('change'); // after quiet: at once
      assert.equal(odds(first.events[0].markets[0])[0], '1.51');
      const began = Date.now();
      for (let i = 2; i <= 9; i++) await event.odds(market.oneXTwo(`1.5${i}`));
      const ticks = 1 + Math.floor((Date.now() - began) / TICK_MS);
      for (let frames = 1; ; frames++) {
        const message = await client.next('change');
        assert.equal(message.con, undefined);
        assert.ok(frames <= ticks, `${frames} frames in ${ticks} ticks`);
        if (odds(message.events[0].markets[0])[0] === '1.59') break;
      }
      await client.end();
    } finally {
      await slow.close();
    }
  });

  oneProcess(test)('one encoding for all: frames are fewer than deliveries', async () => {
    const event = await world().event(market.oneXTwo('1.50'));
    const clients = await Promise.all([...Array(20)].map(open));
    await Promise.all(clients.map((client) => client.subscribe({ events: [event.id] })));
    await event.odds(market.oneXTwo('1.55')); // nothing of before is on its way behind this
    await Promise.all(clients.map((client) => client.next('change')));
    const was = [await metric('frames_total'), await metric('deliveries_total')];
    await event.odds(market.oneXTwo('1.60'));
    await Promise.all(clients.map((client) => client.next('change')));
    await eventually(async () =>
      assert.equal((await metric('deliveries_total')) - was[1], 20));
    assert.equal((await metric('frames_total')) - was[0], 1);
    await Promise.all(clients.map((client) => client.end()));
  });

  test('many events in one tick: only the last clk promises the tick', async () => {
    const events = [];
    for (let i = 0; i < 3; i++) events.push(await world().event(market.oneXTwo('1.50')));
    const client = await open();
    client.send({ op: 'subscribe', id: 1, events: events.map((e) => e.id) });
    const images = [];
    for (let i = 0; i < 3; i++) images.push(await client.next('change'));
    assert.deepEqual(images.map((m) => m.img), [true, true, true]);
    assert.deepEqual(images.flatMap((m) => m.events.map((e) => e.id)).sort(),
      events.map((e) => e.id).sort());
    assert.deepEqual(images.slice(0, 2).map((m) => m.clk), ['0', '0']);
    assert.ok(BigInt(images[2].clk) > 0n);
    await client.end();
  });

  // Of a book in partitions clk is where the last of them stands: some comes again.
  oneProcess(test)('clk resumes with what changed since; that of nowhere, all', async () => {
    const event = await world().event([market.oneXTwo('2.00'), market.total('1.95')]);
    const first = await open();
    const { clk } = await first.subscribe({ events: [event.id] });
    await event.odds(market.total('1.80'));
    await event.odds(market.total('1.70'));
    // Within a tick, clk promises what was before it: until this one is told.
    await first.next((m) => change(m) && odds(m.events[0].markets[0])[0] === '1.70');
    await first.end();

    const second = await open();
    const delta = await second.subscribe({ events: [event.id], clk });
    assert.equal(delta.img, undefined);
    assert.deepEqual(delta.events[0].markets.map((m) => [m.market, odds(m)[0]]), [['18', '1.70']]);
    await second.end();

    const third = await open(); // nothing has changed: nothing comes
    await third.ask({ op: 'subscribe', id: 5, events: [event.id], clk: delta.clk });
    await event.odds(market.oneXTwo('2.50'));
    const next = await third.next('change');
    assert.deepEqual(next.events[0].markets.map((m) => m.market), ['1']);
    for (const nowhere of ['999999999', '-1', 'x', '1.5', '']) {
      const image = await third.subscribe({ events: [event.id], clk: nowhere });
      assert.equal(image.events[0].img, true, nowhere);
    }
    await third.end();
  });

  // Of a cluster it goes on: tests/cluster/stream_test.js.
  oneProcess(test)('after a restart a former clk gets the image', async () => {
    const one = await openWorld();
    try {
      const event = await one.event(market.oneXTwo());
      const client = await connect(one.server.public);
      const { clk } = await client.subscribe({ events: [event.id] });
      await one.restart();
      await client.closes(1001);
      const again = await connect(one.server.public);
      const image = await again.subscribe({ events: [event.id], clk });
      assert.equal(image.events[0].img, true);
      await again.end();
    } finally {
      await one.close();
    }
  });

  withoutFanout(test)('a subscription takes the place of the former one', async () => {
    const [a, b] = [await world().event(market.oneXTwo()), await world().event(market.oneXTwo())];
    const client = await open();
    await client.subscribe({ events: [a.id] });
    await client.subscribe({ events: [b.id] });
    await a.odds(market.oneXTwo('3.00'));
    await b.odds(market.oneXTwo('3.10'));
    assert.equal((await client.next('change')).events[0].id, b.id);
    await client.ask({ op: 'subscribe', id: 3 }); // to nothing
    await eventually(async () => assert.equal(await metric('subscriptions', 'kind="event"'), 0));
    await client.end();
  });

  test('an event nobody knows is gone, until it comes', async () => {
    const client = await open();
    const id = `sr:match:9${process.pid}`;
    const image = await client.subscribe({ events: [id] });
    assert.deepEqual(image.events, [{ id, gone: true }]);
    await world().feed.send(uof.oddsChange(id, [market.oneXTwo('5.00')]));
    const came = await client.next('change');
    assert.equal(came.events[0].img, true);
    assert.deepEqual(odds(came.events[0].markets[0])[0], '5.00');
    await client.end();
  });

  test('a sport: its events with their main market, again when they change', async () => {
    const sport = `sr:sport:${process.pid}`;
    const make = async () => {
      const event = await world().event();
      await world().feed.send(uof.fixture(event.id, { home: 'A', away: 'B', sport: [sport, 'Go'],
        start: '2031-05-08T19:00:00Z' }));
      await event.odds([market.total(), market.oneXTwo('2.00')]);
      return event;
    };
    const event = await make();
    const client = await open();
    const image = await client.subscribe({ sports: [sport] });
    const listed = await world().server.call('GET', `/v1/events?sport=${sport}`);
    assert.deepEqual(image.events, listed.json.events);
    assert.equal(image.events[0].main.market, '1');
    assert.equal(image.events[0].markets, 2);

    await event.odds(market.total('1.50')); // not its main market: nothing to tell
    await event.odds(market.oneXTwo('2.30'));
    const delta = await client.next('change');
    assert.equal(delta.img, undefined);
    assert.deepEqual(odds(delta.events[0].main)[0], '2.30');
    const second = await make();
    const came = await client.next((m) => change(m) && m.events[0].main?.market === '1');
    assert.equal(came.events[0].id, second.id);
    const resumed = await open();
    await second.odds([], { status: { status: 3 } });
    assert.equal((await client.next('change')).events[0].state, 'ended');
    const since = await resumed.subscribe({ sports: [sport], clk: came.clk });
    const its = since.events.find(({ id }) => id === second.id);
    // At a process that nobody had asked for the sport: all of it, without what is over.
    assert.equal(its?.state, since.img ? undefined : 'ended', JSON.stringify(since));
    await client.end();
    await resumed.end();
  });

  test('what cannot be understood is answered, and the client goes on', async () => {
    const client = await open();
    const refused = async (json, code, detail) => {
      client.send(json);
      const status = await client.next('status');
      assert.deepEqual([status.status, status.code], ['error', code]);
      assert.match(status.detail, detail);
      assert.equal(status.id, json.id);
    };
    await refused({ op: 'subscribe', id: 7, event: [] }, 'malformed', /event/);
    await refused({ op: 'subscribe', events: 'x' }, 'malformed', /events/);
    await refused({ op: 'subscribe', id: 8, events: [''] }, 'malformed', /events/);
    await refused({ op: 'subscribe', id: 8, sports: [5] }, 'malformed', /sports/);
    await refused({ op: 'subscribe', id: 8, clk: 5 }, 'malformed', /clk/);
    await refused({ op: 'dance', id: 9 }, 'malformed', /op/);
    await refused({ id: 9 }, 'malformed', /op/);
    await refused({ op: 'authenticate', id: 1 }, 'malformed', /token/);
    const many = [...Array(101).keys()].map((i) => `sr:match:${i}`);
    await refused({ op: 'subscribe', id: 2, events: many }, 'limit_reached', /100/);
    client.write(frame('text', '[1'));
    assert.equal((await client.next('status')).code, 'malformed');
    assert.equal((await client.ask({ op: 'subscribe', id: 3 })).status, 'ok');
    await client.end();
  });

  test('heartbeats after five quiet seconds, with the newest clk', async () => {
    const event = await world().event(market.oneXTwo());
    const client = await open();
    const events = await sse(world().server, `/v1/events/${event.id}/stream`);
    const started = Date.now();
    const image = await client.subscribe({ events: [event.id] });
    const { clk } = await client.next('heartbeat');
    assert.ok(Date.now() - started > 4000);
    assert.ok(BigInt(clk) >= BigInt(image.clk));
    assert.equal((await events.next('heartbeat')).json.op, 'heartbeat');
    await client.end();
    events.end();
  });

  withoutFanout(test)('Server-Sent Events: the same changes, and Last-Event-ID', async () => {
    const event = await world().event([market.oneXTwo('2.00'), market.total()]);
    const path = `/v1/events/${event.id}/stream`;
    const first = await sse(world().server, path);
    assert.match(first.headers['content-type'], /^text\/event-stream/);
    assert.match(first.headers['cache-control'], /no-store/);
    const image = await first.next();
    assert.deepEqual(image.json.events, [{ ...(await event.read()), img: true }]);
    assert.equal(image.id, image.json.clk);
    await event.odds(market.oneXTwo('2.40'));
    const delta = await first.next();
    assert.equal(odds(delta.json.events[0].markets[0])[0], '2.40');
    first.end();
    await event.odds(market.total('1.33'));
    const second = await sse(world().server, path, { 'Last-Event-ID': delta.id });
    const resumed = await second.next();
    assert.equal(resumed.json.img, undefined);
    assert.deepEqual(odds(find(resumed.json.events[0], 18, 'total=2.5')), ['1.33', '1.85']);
    second.end();
    assert.equal((await world().server.call('GET', '/v1/events/sr:match:404/stream')).status, 404);
    const head = await world().server.call('HEAD', path);
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  // How much a load balancer takes before it stops, too, is its own affair.
  oneProcess(describe)('a client that stops reading', () => {
    // Markets enough that some hundred updates fill every socket.
    const wide = (price) =>
      [...Array(60).keys()].map((i) => market.total(price, '1.85', `${i}.5`));

    test('costs nothing more, then gets one merged delta, and never an old price', async () => {
      const event = await world().event(wide('1.01'));
      const client = await open();
      const other = await open();
      await client.subscribe({ events: [event.id] });
      await other.subscribe({ events: [event.id] });
      client.socket.pause();
      const was = await metric('conflated_total');
      const price = (i) => (1.1 + i / 100).toFixed(2);
      let i = 0;
      await eventually(async () => {
        await event.odds(wide(price(++i)));
        assert.equal(await metric('full_clients'), 1);
      }, FULL);
      const bytes = await metric('bytes_total');
      for (const end = i + 20; i < end; i++) {
        await event.odds(wide(price(i + 1)));
        await other.next((m) => change(m) && odds(m.events[0].markets[0])[0] === price(i + 1));
      }
      const image = JSON.stringify(await event.read()).length;
      // Only the one who reads is given anything.
      assert.ok((await metric('bytes_total')) - bytes < 20 * image);
      client.socket.resume();
      const merged = await client.next((m) => change(m) && m.con);
      assert.equal(odds(merged.events[0].markets[0])[0], price(i));
      assert.equal(merged.events[0].markets.length, 60);
      assert.equal((await metric('conflated_total')) - was, 1);
      assert.equal(await metric('full_clients'), 0);
      await event.odds(wide('9.00'));
      assert.equal((await client.next('change')).con, undefined);

      const versions = client.frames.slice(1).filter((f) => f.opcode === 1)
        .map((f) => JSON.parse(f.payload.toString())).filter(change)
        .map((m) => m.events[0].version);
      assert.ok(versions.length > 5);
      assert.deepEqual(versions, [...versions].sort((a, b) => a - b));
      await client.end();
      await other.end();
    });

    measured('and many of them are one bounded batch each', async () => {
      const event = await world().event(wide('1.01'));
      const stalled = await Promise.all([...Array(30)].map(open));
      const reader = await open();
      for (const client of [...stalled, reader]) await client.subscribe({ events: [event.id] });
      for (const client of stalled) client.socket.pause();
      let i = 0;
      const update = async () => {
        const price = (1.1 + ++i / 100).toFixed(2);
        await event.odds(wide(price));
        await reader.next((m) => change(m) && odds(m.events[0].markets[0])[0] === price);
      };
      await eventually(async () => {
        await update();
        assert.equal(await metric('full_clients'), 30);
      }, FULL);
      const was = world().rss();
      const given = await metric('bytes_total');
      for (let n = 0; n < 100; n++) await update();
      const one = (await metric('bytes_total')) - given; // what one client was given
      assert.ok(one > 500000);
      assert.ok(world().rss() - was < 5 * one, 'thirty would have kept thirty times that');
      for (const client of stalled) client.socket.resume();
      const last = (1.1 + i / 100).toFixed(2);
      for (const client of stalled) {
        const merged = await client.next((m) => change(m) && m.con);
        assert.equal(odds(merged.events[0].markets[0])[0], last);
      }
      for (const client of [...stalled, reader]) await client.end();
    });

    test('is closed when it takes nothing for too long', async () => {
      const strict = await openWorld({ 'stream-stall-s': 1 });
      try {
        const event = await strict.event(wide('1.01'));
        const client = await connect(strict.server.public);
        await client.subscribe({ events: [event.id] });
        client.socket.pause();
        const name = 'overround_stream_closes_total';
        let i = 0;
        await eventually(async () => {
          await event.odds(wide((1.1 + ++i / 100).toFixed(2)));
          assert.equal(await strict.metric(name, 'reason="slow"'), 1);
        }, FULL);
        client.socket.resume();
        await client.closed;
      } finally {
        await strict.close();
      }
    });
  });

  describe('own bets and balance', () => {
    const authenticated = async (customer) => {
      const client = await open();
      const status = await client.ask({ op: 'authenticate', id: 2, token: customer.token });
      assert.deepEqual(status, { op: 'status', id: 2, status: 'ok' });
      return client;
    };

    test('a deposit, a bet and its settlement arrive, at every device of theirs', async () => {
      const customer = await world().customer({ balance: '50.00' });
      const stranger = await authenticated(await world().customer());
      const clients = [await authenticated(customer), await authenticated(customer)];
      const event = await world().event(market.oneXTwo('2.00'));
      const bet = await customer.placed(event.home(), { stake: '10.00' });
      for (const client of clients) {
        const staked = (m) => m.op === 'account' && m.staked !== '0.00';
        assert.deepEqual(await client.next(staked),
          { op: 'account', balance: '40.00', debt: '0.00', staked: '10.00', currency: 'EUR' });
        const told = await client.next('bet');
        assert.equal(told.bet.id, bet.id);
        assert.equal(told.bet.state, 'accepted');
      }
      await event.result(1, 0, 0);
      for (const client of clients) {
        const told = await client.next((m) => m.op === 'bet' && m.bet.state === 'settled');
        assert.deepEqual(told.bet, await customer.betById(bet.id));
      }
      await customer.deposit('5.00');
      const paid = await clients[0].next((m) => m.op === 'account' && m.balance === '65.00');
      assert.equal(paid.staked, '0.00');
      const others = (m) => m.op === 'bet' || (m.op === 'account' && m.balance !== '100.00');
      assert.deepEqual(stranger.messages.filter(others), []);
      for (const client of [...clients, stranger]) await client.end();
    });

    oneProcess(test)('one who reads nothing: the balance then, and a word to go on', async () => {
      const customer = await world().customer({ balance: '50.00' });
      const wide = (price) =>
        [...Array(60).keys()].map((i) => market.total(price, '1.85', `${i}.5`));
      const event = await world().event([market.oneXTwo('2.00'), ...wide('1.01')]);
      const client = await authenticated(customer);
      const beside = await authenticated(customer);
      await client.subscribe({ events: [event.id] });
      client.socket.pause();
      let i = 0;
      await eventually(async () => {
        await event.odds(wide((1.1 + ++i / 100).toFixed(2)));
        assert.equal(await metric('full_clients'), 1);
      }, FULL);
      await customer.placed(event.home(), { stake: '10.00' });
      await customer.placed(event.home(), { stake: '7.00' });
      await beside.next((m) => m.op === 'account' && m.balance === '33.00');
      client.socket.resume();
      assert.equal((await client.next('account')).balance, '33.00');
      assert.equal((await client.next('status')).code, 'bets_missed');
      await client.end();
      await beside.end();
    });

    test('a token that is none is refused', async () => {
      const client = await open();
      for (const token of ['', 'nonsense', 'x'.repeat(1000)]) {
        const status = await client.ask({ op: 'authenticate', id: 4, token });
        assert.deepEqual([status.status, status.code], ['error', 'unauthorized']);
      }
      await client.end();
    });

    test('logging out everywhere ends it, and says so', async () => {
      const customer = await world().customer();
      const client = await authenticated(customer);
      assert.equal((await customer.call('DELETE', '/v1/sessions')).status, 204);
      // Another process looks at the account now and then.
      const status = await client.next('status', { timeout: 40000 });
      assert.deepEqual([status.id, status.status, status.code], [2, 'error', 'unauthorized']);
      await client.end();
    });

    test('so does the end of the token', async () => {
      const brief = await openWorld({ 'session-s': 4 });
      try {
        const customer = await brief.customer({ balance: null });
        const client = await connect(brief.server.public);
        await client.ask({ op: 'authenticate', id: 1, token: customer.token });
        assert.equal((await client.next('status')).code, 'unauthorized');
        await client.end();
      } finally {
        await brief.close();
      }
    });
  });

  measured('a connection that is idle costs less than 4 KiB', async () => {
    const event = await world().event(market.oneXTwo());
    const clients = [];
    const more = async (n) => {
      for (let i = 0; i < n; i += 20) {
        const some = await Promise.all([...Array(20)].map(open));
        await Promise.all(some.map((client) => client.subscribe({ events: [event.id] })));
        clients.push(...some);
      }
    };
    await more(200); // what is made once
    const was = world().rss();
    await more(1000);
    const each = (world().rss() - was) / 1000;
    assert.ok(each < 4096, `${each} bytes a connection`);
    assert.equal(await metric('clients', 'kind="websocket"'), 1200);
    await event.odds(market.oneXTwo('7.00'));
    await Promise.all(clients.map((client) => client.next('change')));
    await Promise.all(clients.map((client) => client.end()));
  });

  oneProcess(test)('SIGTERM: 1001 for all, then the server ends', async () => {
    const one = await openWorld();
    const event = await one.event(market.oneXTwo());
    const clients = await Promise.all([...Array(5)].map(() => connect(one.server.public)));
    await clients[0].subscribe({ events: [event.id] });
    const events = await sse(one.server, `/v1/events/${event.id}/stream`);
    await events.next();
    const stopped = one.close();
    await Promise.all(clients.map((client) => client.closes(1001)));
    await eventually(() => assert.ok(events.ended));
    await stopped;
  });

  // A client of n goes each n-th of n milliseconds: nobody hears of it before his turn,
  // however late a busy machine lets him.
  oneProcess(test)('SIGTERM with many: they are not sent away all at once',
    async () => {
      const one = await openWorld();
      const event = await one.event(market.oneXTwo());
      const clients = [];
      for (let i = 0; i < 800; i += 20) {
        const some = await Promise.all([...Array(20)].map(() => connect(one.server.public)));
        await Promise.all(some.map((client) => client.subscribe({ events: [event.id] })));
        clients.push(...some);
      }
      const began = Date.now();
      const left = []; // milliseconds since then, in order
      for (const client of clients) client.closed.then(() => left.push(Date.now() - began));
      one.server.child.kill('SIGTERM');
      await Promise.all(clients.map((client) => client.closes(1001)));
      const early = left.filter((ms, i) => ms < i - CLOCK_MS).length;
      assert.equal(early, 0, `${early} left before their turn: ${left}`);
      await one.server.exited;
      await one.close();
    });

  withoutFanout(test)('what is connected is counted', async () => {
    const kinds = async () => [await metric('clients', 'kind="websocket"'),
      await metric('clients', 'kind="sse"')];
    await eventually(async () => assert.deepEqual(await kinds(), [0, 0]));
    const event = await world().event(market.oneXTwo());
    const client = await open();
    const events = await sse(world().server, `/v1/events/${event.id}/stream`);
    await eventually(async () => assert.deepEqual(await kinds(), [1, 1]));
    await client.end();
    events.end();
    await eventually(async () => assert.deepEqual(await kinds(), [0, 0]));
    assert.ok((await metric('closes_total', 'reason="gone"')) >= 2);
  });
});
