// The page lives off the stream: prices, scores, own bets and balance come
// without asking, and a lost connection resumes where it was.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { customer, match } = require('./lib/customer');
const { eventually, market, worldFor } = require('../api/lib/world');

describe('the stream in the browser', () => {
  const world = worldFor({ before, after }, {});

  // Every message in both directions; cut() breaks the connection, and while it is deaf
  // it hears of no change, as an edge node that has lost its origin and beats all the same.
  const tapped = async (fan) => {
    const tap = { sent: [], received: [], connections: 0 };
    await fan.page.routeWebSocket('**/v1/stream', (socket) => {
      const on = (tap.connections += 1);
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        tap.sent.push({ ...JSON.parse(text), on });
        server.send(text);
      });
      server.onMessage((text) => {
        const message = JSON.parse(text);
        if (tap.deaf && message.op === 'change') return;
        tap.received.push({ ...message, on });
        socket.send(text);
      });
      tap.cut = () => Promise.all([socket.close(), server.close()]);
    });
    return tap;
  };

  test('prices, own bets and balance arrive without a request', async () => {
    const event = await match(world(), 'Maple', 'Olive', [market.oneXTwo()]);
    const fan = await customer(world());
    const tap = await tapped(fan);
    await fan.register();
    await fan.deposit('100');
    await fan.page.getByRole('link', { name: 'Board' }).first().click();
    await fan.pick(event, 1, 1);
    await fan.stake('10');
    await fan.bet();
    await fan.placed();
    await fan.page.getByRole('link', { name: 'My bets' }).first().click();
    await fan.page.locator('.bet').getByText('Single').waitFor();
    await eventually(() => assert.ok(tap.received.some(({ op }) => op === 'account')));

    const asked = [];
    fan.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await event.odds(market.oneXTwo('1.60'));
    await fan.page.getByRole('button', { name: 'Cash out €11.87' }).waitFor();
    await event.result(1, 0, 0);
    await fan.page.getByText('No open bets.').waitFor();
    await fan.page.locator('.top').getByText('€110.00').waitFor();
    assert.deepEqual(
      asked.filter((path) => path.startsWith('/v1/events/')),
      [],
    );
    assert.deepEqual(
      asked.filter((path) => path.startsWith('/v1/bets')),
      [],
    );
    await fan.close();
  });

  for (const path of ['/', '/event/']) {
    test(`a stream that is behind the snapshots is not believed: ${path}`, async () => {
      const event = await match(world(), 'Walnut', 'Hazel', [market.oneXTwo()]);
      const fan = await customer(world());
      const tap = await tapped(fan);
      await fan.page.addInitScript(() => {
        new MutationObserver(() => {
          window.wasLocked ||= document.querySelector('.freshness .warn') !== null;
        }).observe(document, { subtree: true, childList: true });
      });
      await fan.goto(path === '/' ? path : path + event);
      await fan.price(event, 1, 1).getByText('2.00').waitFor();
      await eventually(() => assert.ok(tap.received.some(({ op }) => op === 'change')));
      tap.deaf = true;
      await event.odds(market.oneXTwo('2.77'));
      await fan.price(event, 1, 1).getByText('2.77').waitFor({ timeout: 60000 });
      assert.equal(await fan.page.evaluate(() => window.wasLocked), true);
      await eventually(() => assert.ok(tap.connections >= 2));
      tap.deaf = false;
      await event.odds(market.oneXTwo('2.88'));
      await fan.price(event, 1, 1).getByText('2.88').waitFor({ timeout: 60000 });
      await fan.close();
    });
  }

  test('a lost connection resumes at its position', async () => {
    const event = await match(world(), 'Peach', 'Quince', [market.oneXTwo()]);
    const fan = await customer(world());
    const tap = await tapped(fan);
    await fan.goto('/');
    await fan.price(event, 1, 1).getByText('2.00').waitFor();
    await eventually(() => assert.ok(tap.received.some(({ clk }) => clk !== undefined)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await tap.cut();
    await event.odds(market.oneXTwo('2.22'));
    await fan.price(event, 1, 1).getByText('2.22').waitFor();
    const asked = ({ op, on }) => on === 2 && op === 'subscribe';
    await eventually(() => assert.ok(tap.sent.some(asked)));
    const { clk } = tap.received.findLast((message) => message.on === 1 && message.clk);
    const again = tap.sent.find(asked);
    assert.equal(again.clk, clk);
    await fan.close();
  });

  // answer(message, socket): true when the server shall not see it.
  const between = (fan, answer) =>
    fan.page.routeWebSocket('**/v1/stream', (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => answer(JSON.parse(text), socket) || server.send(text));
      server.onMessage((text) => socket.send(text));
    });

  test('a position of the former subscription resumes no other', async () => {
    const event = await match(world(), 'Rowan', 'Spruce', [market.oneXTwo()]);
    const fan = await customer(world());
    const asked = [];
    await between(fan, (message, socket) => {
      if (message.op !== 'subscribe' || message.events.length === 0) return false;
      asked.push(message);
      if (asked.length > 1) return false;
      socket.send(JSON.stringify({ op: 'heartbeat', clk: '1' }));
      setTimeout(() => socket.close(), 100);
      return true;
    });
    await fan.goto('/');
    await fan.price(event, 1, 1).getByText('2.00').waitFor();
    await fan.page.locator(`[data-event="${event}"] a.match`).click();
    await eventually(() => assert.equal(asked.length, 2));
    assert.deepEqual(asked.map(({ clk }) => clk), [undefined, undefined]);
    await fan.close();
  });

  test('an old snapshot is locked until the stream says what is so', async () => {
    const event = await match(world(), 'Willow', 'Yew', [market.oneXTwo()]);
    const fan = await customer(world());
    const held = [];
    let hold = true;
    await fan.page.routeWebSocket('**/v1/stream', (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        if (hold) held.push(() => server.send(text));
        else server.send(text);
      });
      server.onMessage((text) => socket.send(text));
    });
    await fan.page.route(/\/v1\/events/, async (route) => {
      await eventually(() => assert.ok(held.length > 0)); // the stream is open
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), age: '9' } });
    });
    await fan.goto(`/event/${event}`);
    await fan.price(event, 1, 1).waitFor();
    await fan.page.getByText(/No connection: the odds below may be old/).waitFor();
    assert.equal(await fan.page.locator('.price:not(.locked)').count(), 0);
    hold = false;
    for (const send of held) send();
    await fan.price(event, 1, 1).getByText('2.00').waitFor();
    await fan.page.getByText(/No connection/).waitFor({ state: 'hidden' });
    await fan.close();
  });

  test('a stream that refuses the subscription is not lived off', async () => {
    const event = await match(world(), 'Tulip', 'Umber', [market.oneXTwo()]);
    const fan = await customer(world());
    await between(fan, ({ op, id }, socket) => {
      if (op !== 'subscribe') return false;
      socket.send(JSON.stringify({ op: 'status', id, status: 'error', code: 'busy' }));
      return true;
    });
    await fan.goto('/');
    await fan.price(event, 1, 1).getByText('2.00').waitFor();
    await event.odds(market.oneXTwo('2.33'));
    await fan.price(event, 1, 1).getByText('2.33').waitFor();
    await fan.close();
  });
});
