// HTTP at its edges: what broken or hostile clients may do to a listener.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, eventually } = require('./lib/world');

describe('http', () => {
  const world = worldFor({ before, after }, {});

  // Sends bytes, gives what came until the other side closed or fell silent.
  function raw(bytes, { quiet = 400 } = {}) {
    return new Promise((resolve, reject) => {
      const socket = net.connect(world().server.public.split(':')[1], '127.0.0.1');
      let answer = '';
      const end = () => {
        socket.destroy();
        resolve(answer);
      };
      let timer = setTimeout(end, 3000);
      socket.on('data', (data) => {
        answer += data;
        clearTimeout(timer);
        timer = setTimeout(end, quiet);
      });
      socket.on('close', end);
      socket.on('error', (error) => (answer ? end() : reject(error)));
      socket.write(bytes);
    });
  }
  const lives = async () =>
    assert.equal((await world().server.operate('GET', '/healthz')).status, 200);

  for (const [name, bytes] of Object.entries({
    'no HTTP': 'hello\r\n\r\n',
    'a version that is none': 'GET / HTTP/9.9\r\n\r\n',
    'two lengths':
      'POST /v1/bets HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    'a length and chunks':
      'POST /v1/bets HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a length that is no number':
      'POST /v1/bets HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n',
    'a chunk size that is none':
      'POST /v1/bets HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  })) {
    test(`refused with 400: ${name}`, async () => {
      assert.match(await raw(bytes), /^HTTP\/1\.1 400 /);
      await lives();
    });
  }

  test('headers that never end are 431', async () => {
    const answer = await raw(`GET / HTTP/1.1\r\nX: ${'a'.repeat(100000)}`);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    await lives();
  });

  test('pipelined requests are answered in order', async () => {
    const answer = await raw(
      'GET /v1/sports HTTP/1.1\r\nHost: x\r\n\r\n' +
        'GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/sports HTTP/1.1\r\nHost: x\r\n\r\n',
    );
    assert.deepEqual(answer.match(/HTTP\/1\.1 \d{3}/g), [
      'HTTP/1.1 200',
      'HTTP/1.1 404',
      'HTTP/1.1 200',
    ]);
  });

  test('a body in chunks is a body', async () => {
    const customer = await world().customer({ balance: null });
    const body = '{"amount":"2.50"}';
    const chunks = [...body].map((c) => `1\r\n${c}\r\n`).join('');
    const answer = await raw(
      'POST /v1/wallet/deposits HTTP/1.1\r\nHost: x\r\n' +
        `Authorization: Bearer ${customer.token}\r\nIdempotency-Key: chunks\r\n` +
        `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 201 /);
    await customer.holds('2.50');
  });

  test('HEAD is GET without the body', async () => {
    const event = await world().event(market.oneXTwo());
    const answer = await raw(`HEAD /v1/events/${event.id} HTTP/1.1\r\nHost: x\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /content-length: [1-9]/i);
    assert.ok(answer.endsWith('\r\n\r\n'));
  });

  test('Expect: 100-continue is answered', async () => {
    const answer = await raw(
      'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n' +
        'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
    );
    assert.match(answer, /HTTP\/1\.1 400 /);
  });

  test('a client that leaves in the middle does no harm', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const body = JSON.stringify({
      stake: '1.00',
      type: 'single',
      accept: 'any',
      legs: [event.home()],
    });
    for (let i = 0; i < 30; i++) {
      const socket = net.connect(world().server.public.split(':')[1], '127.0.0.1');
      socket.on('error', () => {});
      socket.write(
        `POST /v1/bets HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${customer.token}\r\n` +
          `Idempotency-Key: gone-${i}\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${body.length}\r\n\r\n` +
          body.slice(0, i % 2 ? body.length : 20),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
      socket.destroy();
    }
    await eventually(async () => {
      const bets = await customer.bets(); // the last one may still be on its way
      assert.equal((await customer.wallet()).balance, (100 - bets.length).toFixed(2));
    });
    await lives();
  });
});
