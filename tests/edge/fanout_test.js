// An edge node's fan-out: the origin has one subscription for each event, readers have
// the stream as it is, and whatever goes they are never given old prices as new ones.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Reader, keyOf } = require('../api/lib/reader');
const { startFanout } = require('../api/lib/server');
const { market, eventually, openWorld, uof } = require('../api/lib/world');
const { connect, handshake } = require('../api/lib/ws');
const { edgeFor, HOST, AT_HOME } = require('./lib/edge');
const { startPipe } = require('./lib/pipe');

const LONG = { timeout: 60000 };
const headers = { Host: HOST, 'User-Agent': 'a test', 'X-Forwarded-For': AT_HOME };
const change = (message) => message.op === 'change';

// A number of a fan-out's /metrics; `at`: options of http.get.
function metricAt(at, name, label) {
  return new Promise((resolve, reject) => {
    http.get({ ...at, path: '/metrics', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more) => {
        text += more;
      });
      response.on('end', () => {
        const begin = label ? `${name}{${label}}` : `${name} `;
        const line = text.split('\n').find((l) => l.startsWith(begin));
        resolve(line ? Number(line.split(' ').at(-1)) : 0);
      });
    }).on('error', reject);
  });
}

const metricOf = (fanout, name, label) => {
  const [host, port] = fanout.operator.split(':');
  return metricAt({ host, port }, `overround_${name}`, label);
};

// What the event is, by GET, as a reader has it.
async function snapshot(event) {
  const json = await event.read();
  return { ...json, markets: new Map(json.markets.map((m) => [keyOf(m), m])) };
}

async function has(reader, event) {
  const want = await snapshot(event);
  reader.read();
  assert.deepEqual(reader.events.get(String(event)), want, reader.name);
}

// Server-Sent Events into a reader.
function openSse(url, event, reader) {
  return new Promise((resolve, reject) => {
    http.get(`${url}/v1/events/${event}/stream`, { headers, agent: false }, (response) => {
      let rest = '';
      const client = { messages: [], status: response.statusCode };
      response.setEncoding('utf8').on('data', (text) => {
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop();
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block);
          if (data) client.messages.push(JSON.parse(data[1]));
        }
      });
      response.on('error', () => {}).on('close', () => {
        client.gone = true;
      });
      client.end = () => response.destroy();
      reader.client = client;
      resolve(client);
    }).on('error', reject);
  });
}

const oddsOf = (messages, id) =>
  messages.filter(change).flatMap(({ events }) => events)
    .filter((event) => event.id === String(id))
    .flatMap(({ markets }) => markets.filter((m) => m.market === '1').map((m) =>
      m.outcomes[0].odds));

describe('a node', () => {
  const of = edgeFor({ before, after }, { node: { streams_s: 10000 } });
  const nodeMetric = (name, label) => metricAt(
    { socketPath: path.join(of().edge.folder, 'run/fanout-operator.sock') },
    `overround_${name}`, label);
  const originMetric = (name, label) => of().world.metric(`overround_${name}`, label);
  const open = async (name, subscription) => {
    const reader = new Reader(name);
    await reader.open(of().edge.address, subscription, false, { headers });
    return reader;
  };

  it('has one subscription for a thousand readers, who see the same', LONG, async () => {
    const { edge, world } = of();
    const event = await world.event([market.oneXTwo('2.00'), market.total()]);
    const readers = [];
    for (let i = 0; i < 1000; i++) {
      if (i % 2 === 0) {
        readers.push(await open(`reader ${i}`, { events: [event.id] }));
      } else {
        readers.push(new Reader(`reader ${i}`));
        await openSse(edge.url, event, readers[i]);
      }
    }
    await eventually(() => assert.ok(readers.every(({ client }) => client.messages.some(change))));
    assert.equal(await nodeMetric('stream_clients', 'kind="websocket"'), 500);
    assert.equal(await nodeMetric('stream_clients', 'kind="sse"'), 500);
    assert.equal(await originMetric('stream_clients', 'kind="websocket"'), 1);
    assert.equal(await originMetric('stream_clients', 'kind="sse"'), 0);
    assert.equal(await originMetric('stream_subscriptions', 'kind="event"'), 1);
    for (let i = 1; i <= 20; i++) {
      await event.odds([market.oneXTwo((2 + i / 100).toFixed(2)),
        ...(i % 5 === 0 ? [market.total('1.50', '2.50', `${i}.5`)] : [])]);
    }
    const want = await snapshot(event);
    await eventually(() => {
      for (const { client } of readers)
        assert.equal(oddsOf(client.messages, event.id).at(-1), '2.20');
    }, LONG);
    const seen = readers.map(({ client }) => oddsOf(client.messages, event.id).join(' '));
    assert.equal(new Set(seen).size, 1, [...new Set(seen)].join('\n'));
    for (const reader of readers) {
      reader.read();
      assert.deepEqual(reader.events.get(event.id), want, reader.name);
    }
    const late = await open('who comes later', { events: [event.id] });
    await eventually(() => has(late, event));
    assert.equal(await originMetric('stream_subscriptions', 'kind="event"'), 1);
    await Promise.all([...readers, late].map(({ client }) => client.end()));
    await eventually(async () => assert.equal(await nodeMetric('stream_clients',
      'kind="websocket"'), 0));
  });

  it('of a reader who is slow merges what he missed', LONG, async () => {
    const { world } = of();
    const wide = (price) => [...Array(300)].map((_, i) => market.total(price, '1.90', `${i}.5`));
    const event = await world.event(wide('1.10'));
    const slow = await open('slow', { events: [event.id] });
    const quick = await open('quick', { events: [event.id] });
    await eventually(() => has(slow, event));
    slow.client.socket.pause();
    let i = 0;
    await eventually(async () => {
      await event.odds(wide((1.2 + ++i / 100).toFixed(2)));
      assert.equal(await nodeMetric('stream_full_clients'), 1);
    }, LONG);
    for (const end = i + 20; i < end; i++) await event.odds(wide((1.2 + i / 100).toFixed(2)));
    await eventually(() => has(quick, event), LONG);
    slow.client.socket.resume();
    await eventually(() => has(slow, event), LONG);
    const merged = slow.client.frames.filter(({ opcode, payload }) =>
      opcode === 1 && JSON.parse(payload).con);
    assert.ok(merged.length >= 1 && merged.length < 20, `${merged.length} of 20 changes`);
    await slow.close();
    await quick.close();
  });

  it('has as many streams of the origin as a subscription allows, and no more', async () => {
    const { world } = of();
    const events = [];
    for (let i = 0; i < 150; i++) events.push(await world.event(market.oneXTwo()));
    const a = await open('a', { events: events.slice(0, 100).map(String) });
    const b = await open('b', { events: events.slice(50).map(String) });
    for (const event of events.slice(0, 100)) await eventually(() => has(a, event));
    for (const event of events.slice(50)) await eventually(() => has(b, event));
    await eventually(async () =>
      assert.equal(await nodeMetric('fanout_connections'), 2), LONG);
    await eventually(async () => assert.ok(
      await originMetric('stream_subscriptions', 'kind="event"') >= 150));
    for (const event of [events[0], events[75], events[149]])
      await event.odds(market.oneXTwo('4.44'));
    await eventually(() => has(a, events[0]));
    await eventually(() => has(a, events[75]));
    await eventually(() => has(b, events[75]));
    await eventually(() => has(b, events[149]));
    await a.close();
    await b.close();
  });

  it('tells of sports as the origin does', async () => {
    const { edge, world } = of();
    const sport = 'sr:sport:77';
    const events = [await world.event(market.oneXTwo()), await world.event(market.oneXTwo())];
    for (const event of events)
      await world.feed.send(uof.fixture(String(event), { home: 'A', away: 'B',
        sport: [sport, 'A sport'], start: '2030-01-01T12:00:00Z' }));
    const reader = await open('board', { sports: [sport] });
    const rows = async () => {
      reader.read();
      const { json } = await edge.call('GET', `/v1/events?sport=${sport}&limit=500`);
      assert.equal(json.events.length, events.length);
      for (const { version: _, ...want } of json.events) {
        const { version: __, ...row } = reader.rows.get(want.id) ?? {};
        assert.deepEqual(row, want);
      }
    };
    await eventually(rows);
    await events[0].odds(market.oneXTwo('5.55'));
    await eventually(rows);
    await reader.close();
  });

  it('says of an event nobody knows what the origin says, and asks for it no more', async () => {
    const { edge, world } = of();
    const unknown = await openSse(edge.url, 'sr:match:404404', new Reader('nobody'));
    assert.equal(unknown.status, 404);
    const before = await originMetric('stream_subscriptions', 'kind="event"');
    const clients = await Promise.all([...Array(5)].map((_, k) => open(`inventor ${k}`, {
      events: [...Array(100)].map((__, i) => `sr:match:${k}0000${i}`) })));
    for (const { client } of clients)
      await eventually(() => assert.equal(client.messages.filter(change).length, 100), LONG);
    assert.ok(clients.every(({ client }) =>
      client.messages.filter(change).every(({ events: [{ gone }] }) => gone)));
    assert.ok(await nodeMetric('fanout_missing_channels') >= 500);
    await eventually(async () => assert.ok(
      await originMetric('stream_subscriptions', 'kind="event"') <= before + 100));
    const event = await world.event(market.oneXTwo()); // and is as quick for others
    const reader = await open('reader', { events: [String(event)] });
    await eventually(() => has(reader, event));
    await Promise.all([...clients, reader].map(({ client }) => client.end()));
  });

  it('passes own bets to whose they are', async () => {
    const { edge, world } = of();
    const event = await world.event(market.oneXTwo('2.00'));
    const [a, b] = [await world.customer({ balance: '20.00' }),
      await world.customer({ balance: '20.00' })];
    const streams = [];
    for (const [i, customer] of [a, b].entries()) {
      const stream = await connect(edge.address, { headers });
      const status = await stream.ask({ op: 'authenticate', id: i + 5, token: customer.token });
      assert.deepEqual(status, { op: 'status', id: i + 5, status: 'ok' });
      streams.push(stream);
    }
    assert.equal(await nodeMetric('fanout_sessions'), 2);
    const bet = await a.placed(event.home('2.00'), { stake: '3.00' });
    assert.equal((await streams[0].next('bet')).bet.id, bet.id);
    await a.deposit('5.00');
    await streams[0].next(({ op, balance }) => op === 'account' && balance === '22.00');
    assert.deepEqual(streams[1].messages.filter(({ op }) => op !== 'heartbeat'), []);
    const wrong = await streams[1].ask({ op: 'authenticate', id: 9, token: 'none' });
    assert.equal(wrong.code, 'unauthorized');
    await eventually(async () => assert.equal(await nodeMetric('fanout_sessions'), 1));
    for (const stream of streams) await stream.end();
    await eventually(async () => assert.equal(await nodeMetric('fanout_sessions'), 0));
  });

  it('whose fan-out is killed leads streams past it', LONG, async () => {
    const { edge, world } = of();
    const event = await world.event(market.oneXTwo('2.00'));
    const reader = await open('reader', { events: [event.id] });
    await eventually(() => has(reader, event));
    const pid = Number(fs.readFileSync(path.join(edge.folder, 'run/fanout.pid'), 'utf8'));
    process.kill(pid, 'SIGKILL');
    await reader.client.closed;
    reader.read();
    await event.odds(market.oneXTwo('3.00'));
    await reader.open(edge.address, reader.subscription, true, { headers });
    await eventually(() => has(reader, event));
    await event.odds(market.oneXTwo('3.10'));
    await eventually(() => has(reader, event));
    await eventually(async () =>
      assert.equal(await originMetric('stream_clients', 'kind="websocket"'), 1));
    await reader.close();
  });
});

// It takes connections, by its backlog, and says nothing: nginx gives it 20 s.
describe('a node whose fan-out stands still', () => {
  const of = edgeFor({ before, after }, {});

  it('leads streams past it', LONG, async () => {
    const { edge, world } = of();
    const event = await world.event(market.oneXTwo('2.00'));
    const pid = Number(fs.readFileSync(path.join(edge.folder, 'run/fanout.pid'), 'utf8'));
    const reader = new Reader('reader');
    process.kill(pid, 'SIGSTOP');
    try {
      await reader.open(edge.address, { events: [event.id] }, false, { headers });
      await eventually(() => has(reader, event));
      await reader.close();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

describe('a fan-out', () => {
  let world, pipe, fanout;
  before(async () => {
    world = await openWorld();
    pipe = await startPipe(world.server.public);
    fanout = await startFanout(pipe.address);
  });
  after(async () => {
    await fanout?.stop();
    pipe?.close();
    await world?.close();
  });
  const metric = (name, label) => metricOf(fanout, name, label);
  const open = async (name, subscription) => {
    const reader = new Reader(name);
    await reader.open(fanout.public, subscription, false);
    return reader;
  };

  it('goes on where it was when a stream of the origin is cut', LONG, async () => {
    const event = await world.event([market.oneXTwo('2.00'), market.total()]);
    const reader = await open('reader', { events: [event.id] });
    await eventually(() => has(reader, event));
    for (let i = 1; i <= 10; i++) {
      await event.odds(market.oneXTwo((2 + i / 10).toFixed(2)));
      pipe.cut();
      await event.odds(market.total((1.1 + i / 100).toFixed(2)));
      await eventually(() => has(reader, event));
    }
    assert.ok(!reader.client.gone, 'its socket was kept');
    assert.ok(await metric('fanout_reconnects_total') >= 10);
    const images = reader.client.frames.filter(({ opcode, payload }) =>
      opcode === 1 && JSON.parse(payload).img);
    assert.equal(images.length, 1, 'nothing had to be told whole again');
    await reader.close();
  });

  it('sends readers away when nothing comes, and takes none', LONG, async () => {
    const event = await world.event(market.oneXTwo('2.00'));
    const reader = await open('reader', { events: [event.id] });
    await eventually(() => has(reader, event));
    pipe.open = false;
    pipe.cut();
    await reader.client.closes(1013);
    reader.read();
    assert.equal((await handshake(fanout.public)).answer.status, 503);
    await event.odds(market.oneXTwo('2.50'));
    pipe.open = true;
    await fanout.ready();
    await reader.open(fanout.public, reader.subscription, true);
    await eventually(() => has(reader, event));
    await reader.close();
  });

  it('says no heartbeat for an origin that says nothing', LONG, async () => {
    const event = await world.event(market.oneXTwo('2.00'));
    const reader = await open('reader', { events: [event.id] });
    await eventually(() => has(reader, event));
    await reader.client.next('heartbeat');
    pipe.open = false;
    pipe.hold();
    await eventually(async () => assert.ok(await metric('fanout_silence_seconds') > 8.5), LONG);
    reader.client.messages.length = 0;
    await reader.client.closes(1013);
    assert.deepEqual(reader.client.messages, []);
    pipe.open = true;
    await fanout.ready();
  });

  it('has all that happened while the origin was away', LONG, async () => {
    const events = await Promise.all([...Array(8)].map(() => world.event(market.oneXTwo())));
    const subscription = { events: events.map(String), sports: ['sr:sport:1'] };
    const readers = await Promise.all([0, 1, 2].map((i) => open(`reader ${i}`, subscription)));
    for (let round = 0; round < 3; round++) {
      await world.restart({ kill: round % 2 === 0 });
      await world.feed.up();
      for (const [i, event] of events.entries())
        await event.odds(market.oneXTwo(`${2 + round}.${10 + i}`));
      pipe.to = world.server.public;
      await fanout.ready();
      for (const reader of readers) {
        if (reader.client.gone) {
          reader.read();
          await reader.open(fanout.public, subscription, true);
        }
        for (const event of events) await eventually(() => has(reader, event), LONG);
      }
    }
    await Promise.all(readers.map((reader) => reader.close()));
  });

  it('a reader who comes back gets what he lacks, not all', LONG, async () => {
    const event = await world.event([market.oneXTwo('2.00'), market.total()]);
    const reader = await open('reader', { events: [event.id] });
    await eventually(() => has(reader, event));
    let i = 0;
    await eventually(async () => { // a channel must have been here for a while
      await reader.close();
      await event.odds(market.total((1.1 + ++i / 100).toFixed(2)));
      await reader.open(fanout.public, reader.subscription, true);
      const first = await reader.client.next(change);
      reader.take(first);
      assert.equal(first.img, undefined);
    }, { timeout: 50000, every: 500 });
    await eventually(() => has(reader, event));
    await reader.close();
  });

  it('sends away whose own bets cannot be told any more', LONG, async () => {
    const customer = await world.customer({ balance: '20.00' });
    const stream = await connect(fanout.public);
    await stream.ask({ op: 'authenticate', id: 2, token: customer.token });
    pipe.cut();
    await stream.closes(1013);
    await fanout.ready();
  });

  it('tells the origin whose session it is, and nothing else of it', LONG, async () => {
    const seen = [];
    const origin = http.createServer();
    origin.on('upgrade', (request, socket) => {
      const accept = crypto.createHash('sha1').update(
        `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
        + `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      const call = { headers: request.headers, text: '' };
      seen.push(call);
      socket.on('error', () => {}).on('data', (bytes) => {
        const n = bytes[1] & 127; // one short frame
        const mask = bytes.subarray(2, 6);
        call.text += bytes.subarray(6, 6 + n).map((byte, i) => byte ^ mask[i & 3]).toString();
      });
    });
    await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
    const node = await startFanout(`127.0.0.1:${origin.address().port}`);
    const told = { 'X-Forwarded-For': '203.0.113.9', 'X-Edge-Country': 'MT;t=1;sig=ab',
      'X-Request-Id': 'reader-9', Cookie: 'a=b', Authorization: 'Bearer c' };
    const reader = await connect(node.public, { headers: told });
    reader.send({ op: 'authenticate', id: 4, token: 'a-token' });
    await eventually(() => assert.equal(seen.length, 2));
    await eventually(() => assert.equal(seen[1].text,
      '{"op":"authenticate","id":4,"token":"a-token"}'));
    const { headers: of } = seen[1];
    assert.equal(of['x-forwarded-for'], '203.0.113.9');
    assert.equal(of['x-edge-country'], 'MT;t=1;sig=ab');
    assert.equal(of['x-request-id'], 'reader-9');
    assert.equal(of.cookie, undefined);
    assert.equal(of.authorization, undefined);
    assert.equal(seen[0].headers['x-forwarded-for'], undefined);
    await reader.end();
    await node.kill();
    origin.closeAllConnections();
    origin.close();
  });

  it('drains as the server does', LONG, async () => {
    const event = await world.event(market.oneXTwo('2.00'));
    const second = await startFanout(world.server.public);
    const readers = [];
    for (let i = 0; i < 50; i++) {
      const reader = new Reader(`reader ${i}`);
      await reader.open(second.public, { events: [event.id] }, false);
      readers.push(reader);
    }
    await eventually(() => has(readers[49], event));
    const stopped = second.stop();
    await Promise.all(readers.map(({ client }) => client.closes(1001)));
    await stopped;
  });
});
