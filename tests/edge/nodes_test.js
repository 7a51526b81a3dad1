// What may go: a process behind the edge, an edge node, the CDN before it.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { sharedBus } = require('../cluster/lib/kafka');
const { Postgres, makeStore } = require('../api/lib/store');
const { startProcess } = require('../api/lib/server');
const { World, market, newKey, eventually, sleep } = require('../api/lib/world');
const { handshake } = require('../api/lib/ws');
const { Edge } = require('./lib/edge');

const DIRECT = 'direct.example.com';

describe('what goes', () => {
  let postgres, world, core, fronts, edges, event;

  before(async () => {
    if (!process.env.OVERROUND_TEST_PG) postgres = new Postgres();
    const server = process.env.OVERROUND_TEST_PG ?? postgres.url;
    const store = makeStore({ kind: 'postgres', server });
    const bus = sharedBus();
    const launch = (role) =>
      startProcess({ store: store.url, options: { role, bus, proxies: 1, partitions: 2 } });
    world = new World(store, {});
    [core, ...fronts] = await Promise.all(
      ['feed,odds,settle', 'bets,web', 'bets,web'].map(launch),
    );
    edges = [];
    for (let i = 0; i < 2; i++)
      edges.push(await new Edge().start(fronts.map((front) => front.public)));
    world.server = {
      call: (...args) => edges[1].call(...args),
      operate: (...args) => core.operate(...args),
      stop: () => Promise.all([core, ...fronts].map((one) => one.exit ?? one.stop())),
    };
    await world.feed.up();
    event = await world.event(market.oneXTwo());
    for (const front of fronts)
      await eventually(async () =>
        assert.equal((await front.call('GET', `/v1/events/${event}`)).status, 200));
  });
  after(async () => {
    for (const edge of edges ?? []) edge.stop();
    await world?.close();
    postgres?.stop();
  });

  const slip = () =>
    ({ stake: '0.10', type: 'single', accept: 'none', legs: [event.home()] });
  // n bets, ten at a time, each by a key of its own; send(key, i) gives its answer.
  async function bets(n, send, meanwhile) {
    const answers = [];
    let next = 0;
    const one = async () => {
      while (next < n) {
        const i = next++;
        if (i === Math.floor(n / 3)) meanwhile();
        answers.push(await send(newKey('goes'), i));
      }
    };
    await Promise.all(Array.from({ length: 10 }, one));
    return answers;
  }

  it('a process is killed: no customer sees it, and each key is one bet', async (t) => {
    const customer = await world.customer({ balance: '90.00' });
    const answers = await bets(
      300,
      (key) => edges[0].call('POST', '/v1/bets', { token: customer.token, key, json: slip() }),
      () => fronts[1].child.kill('SIGKILL'),
    );
    const wrong = answers.filter(({ status }) => status !== 201).map(({ text }) => text);
    assert.deepEqual(wrong, []);
    const ids = new Set(answers.map(({ json }) => json.id));
    assert.equal(ids.size, 300);
    assert.equal((await customer.wallet()).balance, '60.00');
    const again = edges[0].requests().filter(({ origin }) => /, /.test(origin ?? ''));
    t.diagnostic(`300 bets, 0 failed; ${again.length} were sent again by the edge`);
    assert.ok(again.length > 0, 'the edge had something to do');
  });

  it('a node is killed: the other one takes it up by the same key', async (t) => {
    const customer = await world.customer({ balance: '90.00' });
    let elsewhere = 0;
    const answers = await bets(
      200,
      async (key, i) => {
        const options = { token: customer.token, key, json: slip(), noRetry: true };
        const ask = (edge) => edge.call('POST', '/v1/bets', options);
        try {
          return await ask(edges[i % 2]);
        } catch {
          elsewhere++;
          return ask(edges[(i + 1) % 2]);
        }
      },
      () => edges[0].kill(),
    );
    assert.deepEqual(answers.filter(({ status }) => status !== 201).map(({ text }) => text), []);
    assert.equal(new Set(answers.map(({ json }) => json.id)).size, 200);
    assert.equal((await customer.wallet()).balance, '70.00');
    t.diagnostic(`200 bets, 0 failed; ${elsewhere} were sent to the other node`);
    assert.ok(elsewhere > 0);
  });

  // DNS leads customers to the node itself: nobody says for whom he calls, and all of
  // them come at once.
  it('the CDN is gone: all come again, and the origin is held', async (t) => {
    const node = await new Edge().start([fronts[0].public], {
      cdn: { networks: ['192.0.2.0/24'] },
      countries: { elsewhere: 'refused', unknown: 'allowed' },
      node: { streams_s: 20, passed_s: 50 },
    });
    const headers = { Host: DIRECT, 'User-Agent': 'a test', 'X-Forwarded-For': '198.51.100.7' };
    const began = Date.now();
    let refusals = 0;
    const open = await Promise.all(Array.from({ length: 200 }, async () => {
      for (;;) {
        const client = await handshake(node.address, { headers });
        if (client.answer.status === 101) return { client, at: Date.now() - began };
        assert.equal(client.answer.status, 429, client.answer.body);
        refusals++;
        client.end();
        await sleep(1000 * Number(client.answer.headers['retry-after']) * (0.5 + Math.random()));
      }
    }));
    const seconds = (Date.now() - began) / 1000;
    t.diagnostic(`200 streams were open again after ${seconds.toFixed(1)} s; ` +
      `${refusals} were told to wait`);
    assert.ok(refusals > 0);
    for (const second of [1, 2, 4]) {
      const within = open.filter(({ at }) => at <= second * 1000).length;
      assert.ok(within <= 20 * second + 21, `${within} within ${second} s`);
    }
    await Promise.all(open.map(({ client }) => client.end()));
    const flood = await Promise.all(Array.from({ length: 300 }, () =>
      node.call('GET', '/v1/wallet', { headers: { host: DIRECT } })));
    const passed = flood.filter(({ status }) => status === 401).length;
    assert.ok(passed <= 51 + 50 * (Date.now() - began) / 1000 && passed < 300, `${passed} passed`);
    const prices = await node.call('GET', `/v1/events/${event}`, { headers: { host: DIRECT } });
    assert.equal(prices.status, 200, 'what is kept goes on');
    node.stop();
  });

  it('the books agree', async () => {
    await eventually(() => world.audit());
  });
});
