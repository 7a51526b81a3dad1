// What a fan-out must stand: readers who mean it ill, an origin of which a part is away.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, describe, it } = require('node:test');
const { Reader, keyOf } = require('../api/lib/reader');
const { startFanout } = require('../api/lib/server');
const { market, eventually, openWorld, sleep } = require('../api/lib/world');
const { connect } = require('../api/lib/ws');
const { startPipe } = require('./lib/pipe');

const LONG = { timeout: 90000 };
const WHOLE = { timeout: 300000 };

async function has(reader, event) {
  const json = await event.read();
  reader.read();
  assert.deepEqual(reader.events.get(String(event)),
    { ...json, markets: new Map(json.markets.map((m) => [keyOf(m), m])) }, reader.name);
}

const statusOf = (url, path) => new Promise((resolve, reject) => {
  http.get(`${url}${path}`, { agent: false }, (response) => {
    response.on('error', () => {});
    resolve(response.statusCode);
    response.destroy();
  }).on('error', reject);
});

describe('a fan-out', WHOLE, () => {
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
  const open = async (name, subscription, address = fanout.public) => {
    const reader = new Reader(name);
    await reader.open(address, subscription, false);
    return reader;
  };
  const events = async (n) => {
    const made = [];
    for (let i = 0; i < n; i++) made.push(await world.event(market.oneXTwo('2.00')));
    return made;
  };
  // The connection over which the origin tells of this event.
  const pairOf = async (event, odds) => {
    const said = new Map([...pipe.pairs].map((pair) => [pair, '']));
    for (const pair of said.keys())
      pair.far.on('data', (bytes) => said.set(pair, said.get(pair) + bytes));
    await event.odds(market.oneXTwo(odds));
    return eventually(() => {
      const found = [...said].filter(([, text]) => text.includes(`"${event}"`));
      assert.equal(found.length, 1);
      return found[0][0];
    });
  };

  it('refuses ids of control characters, which JSON writes six times as long', async () => {
    const reader = await connect(fanout.public);
    reader.send({ op: 'subscribe', id: 1, events: ['\u0001'.repeat(120)] });
    assert.equal((await reader.next('status', LONG)).status, 'error');
    await reader.end();
  });

  it('lives when ids are of characters that JSON writes twice as long', LONG, async () => {
    const odd = (k) => [...Array(75)].map((_, i) => '"'.repeat(120) + `${k}-${i}`);
    const readers = await Promise.all([0, 1, 2, 3].map(() => connect(fanout.public)));
    for (const [k, reader] of readers.entries())
      reader.send({ op: 'subscribe', id: 1, events: odd(k) });
    for (const reader of readers) {
      const { status } = await reader.next('status', LONG);
      assert.equal(status, 'ok');
    }
    for (const reader of readers) await reader.end();
  });

  it('asks for others although one asks for what is no id', LONG, async () => {
    const event = await world.event(market.oneXTwo('2.00'));
    assert.equal(await statusOf(fanout.publicUrl, '/v1/events/%ff%fe/stream'), 404);
    const reader = await open('reader', { events: [event.id] });
    await eventually(() => has(reader, event));
    await reader.close();
  });

  it('calls the origin no more often than readers come', LONG, async () => {
    const reader = await connect(fanout.public);
    const was = pipe.calls;
    for (let i = 0; i < 40; i++) {
      const { code } = await reader.ask({ op: 'authenticate', id: i, token: 'none' });
      assert.equal(code, 'unauthorized');
    }
    // One for the reader; a line of the fan-out's own may come meanwhile.
    assert.ok(pipe.calls - was <= 4, `${pipe.calls - was} calls`);
    await reader.end();
  });

  it('tells who comes back all that came while one line of two was away', LONG, async () => {
    await fanout.ready();
    const many = await events(101);
    const a = await open('a', { events: many.slice(0, 100).map(String) });
    await eventually(() => has(a, many[99]), LONG);
    const b = await open('b', { events: [String(many[100])] });
    await eventually(() => has(b, many[100]));
    await sleep(16000); // lines that hold nothing end, and channels have been here for a while
    const pair = await pairOf(many[100], '2.22');
    const reader = await open('reader', { events: [String(many[0])] });
    await eventually(() => has(reader, many[0]));
    await reader.client.next('heartbeat');
    await many[0].odds(market.oneXTwo('3.00'));
    await reader.client.next('change').then((m) => reader.take(m));
    pipe.open = false;
    pair.near.destroy();
    await many[0].odds(market.oneXTwo('4.44'));
    await reader.client.closes(1013);
    reader.read();
    await sleep(2000);
    await many[0].odds(market.oneXTwo('5.55'));
    await sleep(11000);
    pipe.open = true;
    await fanout.ready();
    await reader.open(fanout.public, reader.subscription, true);
    await eventually(() => has(reader, many[0]), { timeout: 8000 });
    await reader.close();
  });
});

describe('a fan-out whose origin has another log', WHOLE, () => {
  it('tells what that one says', LONG, async () => {
    const [old, restored] = [await openWorld(), await openWorld()];
    const pipe = await startPipe(old.server.public);
    const fanout = await startFanout(pipe.address);
    try {
      const event = await old.event(market.oneXTwo('2.00'));
      for (let i = 0; i < 30; i++) await event.odds(market.oneXTwo(`2.${10 + i}`));
      const reader = new Reader('reader');
      await reader.open(fanout.public, { events: [String(event)] }, false);
      await eventually(() => has(reader, event));
      const same = Object.assign(Object.create(Object.getPrototypeOf(event)),
        { world: restored, id: event.id });
      await same.odds(market.oneXTwo('9.99'));
      pipe.to = restored.server.public;
      pipe.cut();
      await eventually(async () => {
        const late = new Reader('who comes later');
        await late.open(fanout.public, { events: [String(event)] }, false);
        await eventually(() => has(late, same), { timeout: 1000 });
        await late.close();
      }, { timeout: 45000 });
      await reader.client.end();
    } finally {
      await fanout.stop();
      pipe.close();
      await old.close();
      await restored.close();
    }
  });
});
