// overround load: what the generator itself must hold to; bench/ has its figures.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const { before, after, describe, test } = require('node:test');
const { runAsync, startServer } = require('./lib/server');
const { makeStore } = require('./lib/store');
const { eventually } = require('./lib/wait');

describe('load', () => {
  let store, server, front, bets = 0;

  // Passes all on, but keeps the answer of the third bet to itself.
  const pass = (request, answer) => {
    const isLost = request.url === '/v1/bets' && request.method === 'POST' && ++bets === 3;
    const { hostname, port } = new URL(server.publicUrl);
    const { method, url: path, headers } = request;
    request.pipe(http.request({ hostname, port, method, path, headers }, (given) => {
      if (isLost) return given.resume();
      answer.writeHead(given.statusCode, given.headers);
      return given.pipe(answer);
    }));
  };

  before(async () => {
    store = makeStore();
    server = await startServer({ store: store.url });
    front = http.createServer(pass);
    await new Promise((resolve) => front.listen(0, '127.0.0.1', resolve));
  });
  after(async () => {
    front.closeAllConnections();
    front.close();
    await server.stop();
    store.remove();
  });

  // Nobody waits for it any more after ten seconds, and the books are looked at without.
  test('an answer that never comes is counted, and the books are checked', async () => {
    const out = await runAsync(['load', '--url', `http://127.0.0.1:${front.address().port}`,
      '--operator-url', server.operatorUrl, '--operator-token', server.token,
      '--customers', '4', '--connections', '4', '--rate', '20', '--seconds', '1',
      '--check', '--json']).done;
    assert.equal(out.status, 0, out.stderr);
    const said = JSON.parse(out.stdout);
    assert.equal(said.unanswered, 1);
    assert.equal(said.accepted + said.unanswered, 20, out.stdout);
    assert.equal(said.differences, 0);
  });
});

// Streams of an address that goes, and what they meet where they come to.
describe('load --reconnect', () => {
  let store, server, gone, other;

  // Passes connections on; the first ones are told instead what `first` says.
  function passing(first = []) {
    const sockets = new Set();
    const { hostname, port } = new URL(server.publicUrl);
    const front = net.createServer((socket) => {
      const told = first.shift();
      if (told) return socket.end(told);
      sockets.add(socket);
      const behind = net.connect(Number(port), hostname);
      socket.pipe(behind).pipe(socket);
      for (const one of [socket, behind]) one.on('error', () => {});
      return socket.on('close', () => behind.destroy());
    });
    return new Promise((resolve) => {
      front.listen(0, '127.0.0.1', () => resolve({
        url: `http://127.0.0.1:${front.address().port}`,
        sockets,
        end() {
          front.close();
          for (const socket of sockets) socket.destroy();
        },
      }));
    });
  }
  const refusal = (status, after) =>
    `HTTP/1.1 ${status} Later\r\nRetry-After: ${after}\r\nContent-Length: 0\r\n\r\n`;

  async function reconnect(first, ...more) {
    gone = await passing();
    other = await passing(first);
    const { child, done } = runAsync(['load', '--url', gone.url, '--reconnect', other.url,
      '--streams', '40', '--json', ...more]);
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    await eventually(() => assert.match(said, /40 streams are open at http:/));
    return { done };
  }

  before(async () => {
    store = makeStore();
    server = await startServer({ store: store.url });
  });
  after(async () => {
    await server.stop();
    store.remove();
  });

  for (const backOff of ['page', 'told', 'none']) {
    test(`all are back, and who was told to wait is counted: ${backOff}`, async () => {
      const first = [...Array(7).fill(refusal(429, 1)), ...Array(5).fill(refusal(503, 1)),
        'HTTP/1.1 451 No\r\nContent-Length: 0\r\n\r\n', 'no HTTP at all\r\n\r\n'];
      const { done } = await reconnect(first, '--back-off', backOff);
      gone.end();
      const out = await done;
      other.end();
      assert.equal(out.status, 0, out.stderr);
      const it = JSON.parse(out.stdout);
      assert.deepEqual(
        [it.streams, it.opened, it.lost, it.losses, it.back], [40, 40, 40, 40, 40]);
      assert.deepEqual([it.told_429, it.told_503, it.told_otherwise, it.failed], [7, 5, 1, 1]);
      assert.equal(it.let_in_by_second.reduce((a, b) => a + b), 40);
      assert.equal(Math.max(...it.let_in_by_second), it.most_in_a_second);
      assert.ok(it.p50_us <= it.p99_us && it.max_us / 1000 <= it.elapsed_ms + 1);
      if (backOff !== 'none') assert.ok(it.max_us > 200000, `${it.max_us} us: nobody waited`);
    });
  }

  test('who cannot come back is not called back', async () => {
    const { done } = await reconnect([], '--seconds', '2');
    other.end();
    gone.end();
    const out = await done;
    assert.equal(out.status, 1);
    const it = JSON.parse(out.stdout);
    assert.deepEqual([it.lost, it.back, it.let_in_by_second], [40, 0, []]);
    assert.ok(it.failed >= 40);
  });

  test('one that is lost again is counted again', async () => {
    const { done } = await reconnect(Array(5).fill(refusal(503, 3)), '--back-off', 'told');
    gone.end();
    await eventually(() => assert.ok(other.sockets.size >= 35));
    for (const socket of [...other.sockets].slice(0, 4)) socket.destroy();
    const out = await done;
    other.end();
    assert.equal(out.status, 0, out.stderr);
    const it = JSON.parse(out.stdout);
    assert.deepEqual([it.lost, it.back], [40, 40]);
    assert.ok(it.losses > 40 && it.losses <= 44, `${it.losses}`);
  });

  test('what it does not understand is said', async () => {
    const bad = [['--back-off', 'soon'], ['--streams', '0'], ['--reconnect', 'nowhere']];
    for (const words of bad) {
      const out = await runAsync(['load', '--reconnect', 'http://127.0.0.1:1', ...words]).done;
      assert.equal(out.status, 2, out.stderr);
    }
  });
});
