// overround load: what the generator itself must hold to; bench/ has its figures.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { before, after, describe, test } = require('node:test');
const { runAsync, startServer } = require('./lib/server');
const { makeStore } = require('./lib/store');

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
