// How old what is read may be: a thousand readers who poll through a real node while
// prices change and the event is suspended; and a correction that is purged.  No claim
// here is one of time, but for what Cache-Control promises and Age tells.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { after, before, describe, it } = require('node:test');
const { makeAgent } = require('../api/lib/http');
const { runAsync } = require('../api/lib/server');
const { eventually, market, worldFor } = require('../api/lib/world');
const { openEdge } = require('./lib/edge');
const { startWire } = require('./lib/slow');

const READERS = 1000;
const AT_A_TIME = 100; // connections, on which they take turns
const CHANGES = 6;

const seconds = (headers, name) =>
  Number(new RegExp(`(?:^|[ ,])${name}=(\\d+)`).exec(headers['cache-control'])[1]);

describe('a thousand readers who poll', () => {
  let world, edge, wire, event, path;
  const answers = []; // { reader, sent, got, age, kept, version, isSuspended, … }
  const published = []; // { version, at }: when the origin had it

  before(async () => {
    ({ world, edge } = await openEdge({
      through: async (address) => {
        wire = await startWire(address);
        return wire.address;
      },
    }));
    event = await world.event(market.oneXTwo());
    path = `/v1/events/${event}`;
  });
  after(async () => {
    edge?.stop();
    await wire?.cut();
    await world?.close();
  });

  async function read(reader, agent) {
    const sent = Date.now();
    const { status, headers, body } = await edge.get(path, {}, agent);
    assert.equal(status, 200);
    const { version, markets } = JSON.parse(body);
    const answer = { reader, sent, got: Date.now(), age: Number(headers.age),
      kept: headers['x-cache'], version, isSuspended: markets[0].status === 'suspended',
      most: seconds(headers, 's-maxage') + seconds(headers, 'stale-while-revalidate') };
    answers.push(answer);
    return answer;
  }

  // What the origin says itself, over no edge.
  const ofOrigin = async () =>
    JSON.parse(await (await fetch(`${world.server.publicUrl}${path}`)).text());

  // A change, and when it was the origin's word.
  async function change(markets) {
    const { version: before } = await ofOrigin();
    await event.odds(markets);
    await eventually(async () => {
      const { version } = await ofOrigin();
      assert.ok(version > before);
      published.push({ version, at: Date.now() });
    });
  }

  it('all see each other\'s newest, and all the suspension', async (t) => {
    const agent = makeAgent(AT_A_TIME);
    const from = wire.seen.length;
    const began = Date.now();
    const readers = Array.from({ length: READERS }, async (_, reader) => {
      while (!(await read(reader, agent)).isSuspended);
    });
    for (let i = 0; i < CHANGES; i++) {
      const read_by = answers.length;
      await change(market.oneXTwo(`${3 + i}.00`));
      await eventually(() => assert.ok(answers.length > read_by + READERS));
    }
    await change({ ...market.oneXTwo('9.00'), status: -1 });
    await Promise.all(readers);
    agent.destroy();
    const took = (Date.now() - began) / 1000;
    const asked = wire.seen.slice(from).filter((request) => request.path === path).length;
    t.diagnostic(`${answers.length} answers in ${took.toFixed(1)} s: ${asked} of the origin`);
    assert.ok(asked >= 1 && asked <= took + 2, `${asked} requests in ${took} s`);
    const last = published.at(-1).version;
    const blind = Array.from({ length: READERS }, (_, i) => i).filter((i) =>
      !answers.some((a) => a.reader === i && a.version === last && a.isSuspended));
    assert.deepEqual(blind, []);
  });

  it('what was newer for one is never older for another who asks later', () => {
    const byEnd = [...answers].sort((a, b) => a.got - b.got);
    const byStart = [...answers].sort((a, b) => a.sent - b.sent);
    let newest = 0;
    let ended = 0;
    for (const answer of byStart) {
      for (; ended < byEnd.length && byEnd[ended].got < answer.sent; ended++)
        newest = Math.max(newest, byEnd[ended].version);
      assert.ok(answer.version >= newest, `${answer.version} after ${newest}`);
    }
  });

  it('a copy is given no longer than promised, but while the next one is fetched', (t) => {
    const kept = new Map();
    for (const answer of answers)
      kept.get(answer.kept)?.push(answer) ?? kept.set(answer.kept, [answer]);
    for (const [name, list] of kept)
      t.diagnostic(`${name}: ${list.length}, Age at most ${Math.max(...list.map((a) => a.age))}`);
    assert.deepEqual([...kept.keys()].filter((name) =>
      !['HIT', 'MISS', 'EXPIRED', 'UPDATING'].includes(name)), []);
    assert.deepEqual(answers.filter((a) => a.kept !== 'UPDATING' && !(a.age <= a.most)), []);
    assert.ok(kept.get('HIT').length > READERS);
  });

  // Age is whole seconds, of when the node had it: before, it was on its way.
  it('and Age is true, by the version of the odds', () => {
    const way = Math.max(...answers.map((answer) => answer.got - answer.sent),
      ...wire.seen.map(({ at, answered = at }) => answered - at));
    for (const answer of answers) {
      const at = answer.sent - (answer.age + 1) * 1000 - way;
      const had = published.findLast((one) => one.at <= at);
      assert.ok(answer.version >= (had?.version ?? 0), JSON.stringify({ answer, had }));
    }
  });
});

// A CDN that keeps what it has until it is told: by the keys of the answers.
async function startCdn(origin) {
  const copies = new Map();
  const purged = [];
  const purge = (req, res) => {
    const keys = req.headers['surrogate-key'].split(' ');
    purged.push(...keys);
    for (const [url, copy] of copies)
      if (keys.some((key) => copy.keys.includes(key))) copies.delete(url);
    res.end('{"status":"ok"}');
  };
  const give = async (req, res) => {
    if (!copies.has(req.url)) {
      const answer = await fetch(origin + req.url);
      copies.set(req.url, { keys: (answer.headers.get('surrogate-key') ?? '').split(' '),
        text: await answer.text() });
    }
    res.end(copies.get(req.url).text);
  };
  const server = http.createServer((req, res) =>
    (req.method === 'POST' ? purge(req, res) : give(req, res)));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}`;
  return {
    url,
    purged,
    read: async (path) => (await fetch(url + path)).json(),
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}

describe('a correction', () => {
  const of = worldFor({ before, after }, {});

  it('is at everybody\'s when it has been purged, and nothing else is', async () => {
    const world = of();
    const wrong = await world.event(market.oneXTwo('20.0'));
    const other = await world.event(market.oneXTwo('2.00'));
    const cdn = await startCdn(world.server.publicUrl);
    const odds = async (event) =>
      (await cdn.read(`/v1/events/${event}`)).markets[0].outcomes[0].odds;
    const listed = async (event) => (await cdn.read('/v1/events')).events
      .find(({ id }) => id === String(event)).main.outcomes[0].odds;
    assert.deepEqual([await odds(wrong), await odds(other)], ['20.00', '2.00']);
    assert.deepEqual([await listed(wrong), await listed(other)], ['20.00', '2.00']);
    await wrong.odds(market.oneXTwo('2.05'));
    await other.odds(market.oneXTwo('2.10'));
    await eventually(async () => {
      const { events } = await (await fetch(`${world.server.publicUrl}/v1/events`)).json();
      const now = events.map(({ main }) => main.outcomes[0].odds);
      assert.deepEqual(now.sort(), ['2.05', '2.10']);
    });
    assert.equal(await odds(wrong), '20.00', 'the CDN has not been told yet');
    const out = await runAsync(['purge', '--for', 'fastly', '--id', 'ID1', '--api', cdn.url,
      '--event', wrong.id], { env: { FASTLY_API_TOKEN: 'f-secret' } }).done;
    assert.equal(out.status, 0, out.stderr);
    assert.deepEqual(cdn.purged, ['events', `event-${wrong.id}`]);
    assert.deepEqual([await odds(wrong), await odds(other)], ['2.05', '2.00']);
    assert.deepEqual([await listed(wrong), await listed(other)], ['2.05', '2.10']);
    await cdn.stop();
  });
});
