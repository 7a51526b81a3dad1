// X-Request-Id: in, out, and in the log's lines.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { worldFor, market, eventually } = require('./lib/world');

const MADE = /^[0-9a-f]{32}$/;
const NAMED = 'Root=1-67891233-abcdef012345678912345678';

describe('X-Request-Id', () => {
  const world = worldFor({ before, after }, { 'log-level': 'debug' });
  const get = (path, id) =>
    world().server.call('GET', path, { headers: id === undefined ? {} : { 'x-request-id': id } });

  // Bytes as they are; what came until the other side closed.
  function raw(listener, bytes) {
    const [host, port] = world().server[listener].split(':');
    return new Promise((resolve, reject) => {
      const socket = net.connect(Number(port), host);
      let answer = '';
      socket.on('data', (data) => (answer += data));
      socket.on('close', () => resolve(answer));
      socket.on('error', (error) => (answer ? resolve(answer) : reject(error)));
      socket.write(bytes);
    });
  }
  const idOf = (answer) => /^x-request-id: (.*?)\r$/im.exec(answer)?.[1];

  test('is answered as it came', async () => {
    for (const id of [NAMED, 'a', 'x'.repeat(64), '7f0d3c1e-0c5e-4f1b-9d8e-1c2d3e4f5a6b'])
      assert.equal((await get('/v1/events', id)).headers['x-request-id'], id);
    const answer = await world().server.operate('GET', '/v1/desk/me', {
      headers: { 'x-request-id': 'probe/1' },
    });
    assert.equal(answer.headers['x-request-id'], 'probe/1');
  });

  test('is made when there is none, or it is not well formed', async () => {
    const ids = new Set();
    const bad = ['', 'x'.repeat(65), 'two words', 'a"b', 'a,b', "a'b", 'é', 'a{b}', 'a\tb'];
    for (const id of [undefined, undefined, ...bad]) {
      const made = (await get('/v1/events', id)).headers['x-request-id'];
      assert.match(made, MADE, String(id));
      ids.add(made);
    }
    assert.equal(ids.size, bad.length + 2);
  });

  test('is on every kind of answer', async () => {
    const { server } = world();
    const event = await world().event(market.oneXTwo());
    const headers = { 'x-request-id': NAMED };
    const customer = await world().customer();
    const answers = [
      [404, await server.call('GET', '/v1/nothing', { headers })],
      [405, await server.call('PATCH', '/v1/bets', { headers })],
      [401, await server.call('GET', '/v1/wallet', { headers })],
      [400, await server.call('POST', '/v1/bets', { headers, body: '{', key: 'k' })],
      [401, await server.operate('GET', '/v1/desk/me', { headers, token: 'none' })],
      [200, await server.operate('GET', '/v1/desk/me', { headers })],
      [200, await customer.call('GET', '/v1/wallet', { headers })],
      [413, await server.call('POST', '/v1/bets', { headers, body: 'x'.repeat(70000) })],
    ];
    for (const [status, answer] of answers) {
      assert.equal(answer.status, status);
      assert.equal(answer.headers['x-request-id'], NAMED, String(status));
    }
    const { etag } = (await get(`/v1/events/${event}`)).headers;
    const same = await server.call('GET', `/v1/events/${event}`, {
      headers: { ...headers, 'if-none-match': etag },
    });
    assert.equal(same.status, 304);
    assert.equal(same.headers['x-request-id'], NAMED);
  });

  oneProcess(test)('is on probes, on what is no HTTP, and on what ends too early', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      const answer = await world().server.operate('GET', path, {
        headers: { 'x-request-id': 'probe/1' },
      });
      assert.equal(answer.headers['x-request-id'], 'probe/1', path);
    }
    for (const listener of ['public', 'operator']) {
      assert.match(idOf(await raw(listener, 'hello\r\n\r\n')), MADE);
      const large = `GET / HTTP/1.1\r\nX-Request-Id: before\r\nX: ${'a'.repeat(20000)}\r\n\r\n`;
      const answer = await raw(listener, large);
      assert.match(answer, /^HTTP\/1\.1 431 /);
      assert.equal(idOf(answer), 'before');
      // A value that had not ended is not taken for the whole of it.
      const cut = await raw(listener, `GET / HTTP/1.1\r\nX-Request-Id: ${'b'.repeat(20000)}`);
      assert.match(idOf(cut), MADE);
    }
  });

  test('is on a stream of either dress', async () => {
    const event = await world().event(market.oneXTwo());
    const ws = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    const head = (path, more) =>
      new Promise((resolve, reject) => {
        const [host, port] = world().server.public.split(':');
        const socket = net.connect(Number(port), host);
        socket.once('data', (data) => {
          resolve(data.toString('latin1'));
          socket.destroy();
        });
        socket.on('error', reject);
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-Request-Id: socket-1\r\n${more}\r\n`);
      });
    assert.equal(idOf(await head('/v1/stream', ws)), 'socket-1');
    assert.equal(idOf(await head(`/v1/events/${event}/stream`, '')), 'socket-1');
  });

  oneProcess(test)('is in the lines of the log that belong to it', async () => {
    const { server } = world();
    const lines = () =>
      server.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
    const id = `line-${process.pid}`;
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const answer = await customer.call('POST', '/v1/bets', {
      json: { stake: '1.00', type: 'single', accept: 'none', legs: [event.home()] },
      key: id,
      headers: { 'x-request-id': id },
    });
    assert.equal(answer.status, 201, answer.text);
    await eventually(() => {
      const mine = lines().filter((line) => line.request === id);
      assert.equal(mine.length, 1);
      const [{ area, msg, method, path, status }] = mine;
      assert.deepEqual({ area, msg, method, path, status },
        { area: 'http', msg: 'answered', method: 'POST', path: '/v1/bets', status: '201' });
    });
    // An operator's act is answered later, from the log; the line knows whose it is.
    const act = await server.operate('POST', '/v1/desk/suspend', {
      json: { scope: { event: String(event) }, reason: 'a story' },
      headers: { 'x-request-id': 'act-1' },
    });
    assert.equal(act.status, 200, act.text);
    await eventually(() => {
      const [line] = lines().filter((one) => one.msg === 'an operator acted');
      assert.equal(line?.request, 'act-1');
    });
    // What belongs to nobody names nobody.
    assert.ok(lines().some((line) => line.request === undefined));
    await server.operate('POST', '/v1/desk/resume', {
      json: { scope: { event: String(event) }, reason: 'a story' },
    });
  });
});
