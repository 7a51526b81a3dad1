// The simulator into RabbitMQ, a server that consumes from it and asks the
// simulator for recovery: with a broker that dies in between.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { after, before, describe, test } = require('node:test');
const { World, eventually } = require('../api/lib/world');
const { runAsync } = require('../api/lib/server');
const { makeStore } = require('../api/lib/store');
const { Rabbit } = require('./lib/rabbit');

const freePort = () =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

describe('the simulator into RabbitMQ', () => {
  const rabbit = new Rabbit();
  before(() => rabbit.start());
  after(() => rabbit.stop());

  test('a match day is bet on, before and after the broker was killed', async () => {
    const port = await freePort();
    const listen = ['--recovery-listen', `127.0.0.1:${port}`];
    const args = ['sim', '--matches', '4', '--speed', '30', '--seed', '9', ...listen];
    const sim = runAsync([...args, '--to', rabbit.url]); // it declares the exchange
    const asked = `http://127.0.0.1:${port}/v1/liveodds/recovery/initiate_request`;
    await eventually(() => fetch(`${asked}?request_id=1`, { method: 'POST' }));
    const world = new World(makeStore(), {
      'amqp-url': rabbit.url,
      'recovery-url': `http://127.0.0.1:${port}/v1`,
      'recovery-pause-ms': '200',
    });
    await world.start();
    const fan = await world.customer();
    const bet = () =>
      eventually(
        async () => {
          const { json } = await world.server.call('GET', '/v1/events?state=live');
          const event = json.events.at(-1).id;
          const { markets } = (await world.server.call('GET', `/v1/events/${event}`)).json;
          const open = markets.find((m) => m.market === '1' && m.status === 'active');
          const { outcome, odds } = open.outcomes.find((o) => o.active);
          const leg = { event, market: '1', specifiers: '', outcome, odds };
          assert.equal((await fan.bet(leg, { stake: '1.00', accept: 'any' })).status, 201);
        },
        { timeout: 60000, every: 100 },
      );
    await bet();
    await rabbit.kill();
    await eventually(async () => {
      assert.equal(await world.metric('overround_amqp_connected'), 0);
    });
    await rabbit.restart();
    await eventually(
      async () => assert.equal(await world.metric('overround_amqp_connected'), 1),
      { timeout: 60000 },
    );
    await bet();
    sim.child.kill('SIGTERM');
    const { stderr } = await sim.done;
    assert.match(stderr, /waiting for the receiver/);
    assert.match(stderr, /the receiver is there/);
    await world.close();
  });
});
