// Many readers of one event: what they cost the origin, how old what they read may be,
// and what they read while the origin is slow or away.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const zlib = require('node:zlib');
const { market, eventually, sleep } = require('../api/lib/world');
const { makeAgent } = require('../api/lib/http');
const { openEdge } = require('./lib/edge');
const { startWire } = require('./lib/slow');

const READERS = 10000;
const AT_A_TIME = 100;
describe('many readers', () => {
  let world, edge, wire, event, path;

  before(async () => {
    ({ world, edge } = await openEdge({
      through: async (address) => {
        wire = await startWire(address);
        return wire.address;
      },
    }));
    event = await world.event(
      Array.from({ length: 40 }, (_, i) => ({ ...market.total(), specifiers: `total=${i}.5` })),
    );
    path = `/v1/events/${event}`;
  });
  after(async () => {
    edge?.stop();
    await wire?.cut();
    await world?.close();
  });

  // Each reads once, a hundred at a time; what each was answered.
  async function readers(n, options = () => ({})) {
    const agent = makeAgent(AT_A_TIME);
    const all = [];
    let next = 0;
    const begun = Date.now();
    const one = async () => {
      while (next < n) {
        const { query = '', ...more } = options(next++);
        const { status, headers } = await edge.get(path + query, more, agent);
        all.push({ status, age: headers.age, kept: headers['x-cache'] });
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, one));
    agent.destroy();
    return { all, seconds: (Date.now() - begun) / 1000 };
  }

  // No second, as the clock counts them, has two requests of the origin.
  function onePerSecond(from) {
    const seconds = wire.seen.slice(from).filter((r) => r.path === path)
      .map((r) => Math.floor((r.at - wire.delay) / 1000));
    const most = Math.max(...seconds.map((s) => seconds.filter((other) => other === s).length));
    return { asked: seconds.length, most };
  }

  it('10,000 readers cost the origin a request a second', async (t) => {
    const from = wire.seen.length;
    const { all, seconds } = await readers(READERS, (i) => ({
      query: i % 3 === 0 ? `?_=${i}` : '',
      'x-forwarded-for': `198.18.${i >> 8}.${i & 255}`,
      'accept-encoding': ['gzip', 'identity', 'br, gzip'][i % 3],
      cookie: `who=${i}`,
    }));
    assert.ok(all.every(({ status }) => status === 200));
    const { asked } = onePerSecond(from);
    t.diagnostic(`${READERS} readers in ${seconds.toFixed(1)} s: ${asked} requests of the origin`);
    assert.ok(asked >= 1 && asked <= seconds + 2, `${asked} requests in ${seconds} s`);
  });

  it('also while the origin is slow: others read the copy before', async (t) => {
    wire.delay = 1500;
    const from = wire.seen.length;
    const { all, seconds } = await readers(READERS);
    wire.delay = 0;
    assert.ok(all.every(({ status }) => status === 200));
    const asked = wire.seen.slice(from).filter((r) => r.path === path).length;
    t.diagnostic(`${READERS} readers in ${seconds.toFixed(1)} s: ${asked} requests of the origin`);
    assert.ok(asked <= seconds / 1.5 + 2, `${asked} requests in ${seconds} s`);
    assert.ok(all.filter(({ kept }) => kept === 'UPDATING').length > 0);
  });

  it('and when nobody has a copy yet, all wait for one', async () => {
    const other = await world.event(market.oneXTwo());
    wire.delay = 1500;
    const began = Date.now();
    const got = await Promise.all(
      Array.from({ length: 200 }, () => edge.call('GET', `/v1/events/${other}`)),
    );
    wire.delay = 0;
    assert.ok(got.every(({ status }) => status === 200));
    assert.ok(wire.asked(`/v1/events/${other}`) <= 1 + (Date.now() - began) / 1500);
  });

  it('a copy is compressed once, and undone for who cannot read it', async () => {
    const asked = wire.asked(path);
    const began = Date.now();
    const of = ['gzip', 'identity', 'gzip, br;q=0.9', '', 'gzip;q=0', 'deflate'];
    const got = await Promise.all(
      of.map((encoding) => edge.get(path, { 'accept-encoding': encoding })),
    );
    const seconds = Math.ceil((Date.now() - began) / 1000);
    assert.ok(wire.asked(path) - asked <= seconds + 1, 'one copy for all of them');
    assert.deepEqual(
      got.map(({ headers }) => headers['content-encoding']),
      ['gzip', undefined, 'gzip', undefined, undefined, undefined],
    );
    for (const { headers, body } of got) {
      const text = headers['content-encoding'] ? zlib.gunzipSync(body) : body;
      assert.equal(JSON.parse(text).id, String(event));
      assert.equal(headers.vary, 'Accept-Encoding');
    }
    assert.ok(got[0].body.length < got[1].body.length / 4);
    assert.ok(wire.seen.at(-1).headers['accept-encoding'] === 'gzip');
  });

  it('what changes is read soon, however it is kept', async (t) => {
    let going = true;
    const others = (async () => {
      while (going) await edge.call('GET', path);
    })();
    const late = [];
    for (let i = 0; i < 4; i++) {
      await sleep(150 * i);
      const began = Date.now();
      await event.odds(market.oneXTwo(`${3 + i}.00`));
      await eventually(async () => {
        const { json } = await edge.call('GET', path);
        const found = json.markets.find((m) => m.market === '1');
        assert.equal(found?.outcomes[0].odds, `${3 + i}.00`);
      });
      late.push(Date.now() - began);
    }
    going = false;
    await others;
    t.diagnostic(`price to reader, ms: ${late.join(' ')}`);
  });

  it('the origin is away: old odds, and their age', async () => {
    await edge.call('GET', path);
    await wire.cut();
    await sleep(2500);
    const got = await readers(500);
    assert.deepEqual([...new Set(got.all.map(({ status }) => status))], [200]);
    const { headers } = await edge.call('GET', path);
    assert.ok(Number(headers.age) >= 2, `Age ${headers.age}`);
    assert.equal(headers['x-cache'], 'STALE');
    await wire.mend();
    await eventually(async () => {
      const fresh = await edge.call('GET', path);
      assert.equal(fresh.headers.age, '0');
    });
  });

  it('of what nobody had, nothing is made up', async () => {
    await wire.cut();
    const { status, code, headers } = await edge.call('GET', '/v1/events/sr:match:0815');
    await wire.mend();
    assert.equal(status, 503);
    assert.equal(code, 'busy');
    assert.equal(headers['retry-after'], '1');
    assert.equal(headers['cache-control'], 'no-store');
  });

  it('what is over is not kept for its mistake', async () => {
    const { status, code } = await edge.call('GET', '/v1/events/sr:match:404404');
    assert.deepEqual([status, code], [404, 'not_found']);
  });
});
