// What may go: a process behind the edge, an edge node, the CDN before it.
'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const { sharedBus } = require('../cluster/lib/kafka');
const { Postgres, makeStore } = require('../api/lib/store');
const { runAsync, startProcess } = require('../api/lib/server');
const { World, market, newKey, eventually } = require('../api/lib/world');
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
    const cdn = await new Edge().start([fronts[0].public],
      { countries: { elsewhere: 'refused', unknown: 'allowed' } });
    const { child, done } = runAsync(['load', '--url', cdn.url, '--reconnect', node.url,
      '--host', DIRECT, '--streams', '200', '--back-off', 'told', '--seconds', '120', '--json']);
    const began = Date.now();
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    await eventually(() => assert.match(said, /200 streams are open/), { timeout: 60000 });
    cdn.kill();
    const out = await done;
    t.diagnostic(out.stderr.trim().split('\n').at(-1));
    assert.equal(out.status, 0, out.stderr);
    const came = JSON.parse(out.stdout);
    assert.deepEqual([came.lost, came.back, came.told_503, came.told_otherwise],
      [200, 200, 0, 0]);
    assert.ok(came.told_429 > 0);
    let within = 0;
    came.let_in_by_second.forEach((n, second) => {
      within += n;
      assert.ok(within <= 20 * (second + 1) + 21, `${within} within ${second + 1} s`);
    });
    cdn.stop();
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
