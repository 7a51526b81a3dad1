// What is somebody's is kept nowhere, whatever is tried; and what is everybody's cannot
// be made to be something else.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { after, before, describe, it } = require('node:test');
const { market } = require('../api/lib/world');
const { openEdge, HOST, AT_HOME } = require('./lib/edge');
const { startWire } = require('./lib/slow');

// Bytes as they are: what a client library would not send.
function raw(address, text) {
  return new Promise((resolve, reject) => {
    const [host, port] = address.split(':');
    const socket = net.connect(Number(port), host, () => socket.write(text));
    let answer = '';
    socket.setTimeout(20000, () => socket.destroy(new Error('no answer')));
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
}

describe('what is private, and what is everybody\'s', () => {
  let world, edge, wire, event, ann, bob;

  before(async () => {
    ({ world, edge } = await openEdge({
      through: async (address) => {
        wire = await startWire(address);
        return wire.address;
      },
    }));
    event = await world.event(market.oneXTwo());
    ann = await world.customer({ balance: '77.00' });
    bob = await world.customer({ balance: '33.00' });
  });
  after(async () => {
    edge?.stop();
    await wire?.cut();
    await world?.close();
  });

  const ask = (path, headers, customer) =>
    edge.call('GET', path, { headers, token: customer?.token });
  const request = (line, headers = '') =>
    raw(edge.address, `${line} HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: a test\r\n` +
      `X-Forwarded-For: ${AT_HOME}\r\nConnection: close\r\n${headers}\r\n`);

  it('wallets, bets, limits and sessions are asked for each time', async () => {
    const paths = ['/v1/wallet', '/v1/bets', '/v1/limits', '/v1/sessions', '/v1/wallet/transfers'];
    for (const path of paths) {
      const before = wire.asked(path);
      for (const who of [ann, bob, ann]) {
        const { status, headers } = await ask(path, {}, who);
        assert.equal(status, 200, path);
        assert.equal(headers['cache-control'], 'no-store', path);
        assert.equal(headers.age, undefined, path);
        assert.equal(headers['x-cache'], undefined, path);
      }
      assert.equal(wire.asked(path) - before, 3, path);
      assert.equal((await ask(path)).status, 401, `${path} of nobody`);
    }
    assert.equal((await ask('/v1/wallet', {}, ann)).json.balance, '77.00');
    assert.equal((await ask('/v1/wallet', {}, bob)).json.balance, '33.00');
  });

  // A customer is made to open a path that looks like a file; then the attacker does.
  it('a wallet cannot be had by a path that looks like a file', async (t) => {
    const tricks = [
      '/v1/wallet/x.css', '/v1/wallet.css', '/v1/wallet%2Fx.css', '/v1/wallet;x.css',
      '/v1/wallet/..;/x.css', '/v1/wallet%3Bx.css', '/v1/wallet%00.css', '/v1/wallet%0A.css',
      '/v1/wallet%23.css', '/v1/wallet%3F.css', '/v1/wallet/%2e%2e/wallet', '/v1/./wallet',
      '/assets/..%2fv1%2fwallet', '/assets/%2e%2e/v1/wallet', '/assets/..;/v1/wallet',
      '/v1/events/..%2fwallet', '/v1/events/..%2Fwallet', '/v1/events/%2e%2e%2fwallet',
      '/v1/events/..;/wallet', '/v1/events/x/..%5c..%5cwallet', '//v1/wallet', '/v1//wallet',
      '/v1/wallet/', '/V1/WALLET', '/v1/bets/x.css', '/v1/sessions/x.js', '/event/..%2fv1%2fwallet',
    ];
    const kept = [];
    for (const path of tricks) {
      const line = `GET ${path}`;
      const token = `Authorization: Bearer ${ann.token}\r\n`;
      const mine = await request(line, token);
      const theirs = await request(line);
      assert.doesNotMatch(theirs, /77\.00/, path);
      assert.match(mine, /^HTTP\/1\.1 (404|400|403|401) /, path);
      if (/X-Cache: (HIT|STALE|UPDATING)/i.test(theirs)) kept.push(path);
    }
    assert.deepEqual(kept, []);
    t.diagnostic(`${tricks.length} paths, each by the customer and then by another: 0 kept`);
  });

  it('a query does not make a private path a public one', async () => {
    for (const query of ['?x.css', '?/assets/a.js', '?sport=1', '?callback=x']) {
      await ask(`/v1/wallet${query}`, {}, ann);
      assert.equal((await ask(`/v1/wallet${query}`)).status, 401, query);
    }
  });

  // One asks with what should not count; then another, who must get the usual copy.
  it('no header of one reader is in the copy of another', async (t) => {
    const path = `/v1/events/${event}`;
    const plain = await ask(path);
    const poisons = [
      { 'x-forwarded-host': 'evil.example' }, { 'x-host': 'evil.example' },
      { forwarded: 'host=evil.example;proto=http' }, { 'x-forwarded-proto': 'http' },
      { 'x-forwarded-scheme': 'nothttps' }, { 'x-forwarded-port': '1' },
      { 'x-original-url': '/v1/wallet' }, { 'x-rewrite-url': '/v1/wallet' },
      { 'x-http-method-override': 'POST' }, { 'x-http-method': 'PUT' },
      { 'x-method-override': 'DELETE' }, { 'x-forwarded-prefix': '/evil' },
      { cookie: 'session=1; admin=1' }, { range: 'bytes=0-3' }, { 'if-range': '"x"' },
      { 'accept-encoding': 'evil' }, { 'accept-encoding': 'br' }, { accept: 'text/evil' },
      { 'if-none-match': '*' }, { 'if-modified-since': 'Mon, 30 Nov 2099 00:00:00 GMT' },
      { 'cache-control': 'no-store' }, { pragma: 'no-cache' }, { origin: 'https://evil.example' },
      { 'x-release': 'canary' }, { 'x-edge-country': 'GB;t=1;sig=00' },
      { 'x-accel-redirect': '/v1/wallet' }, { 'x-accel-expires': '3600' },
      { 'x-request-id': 'of-the-attacker' }, { te: 'trailers' }, { 'max-forwards': '0' },
      { authorization: `Bearer ${ann.token}` }, { 'x-oversized': 'a'.repeat(7000) },
    ];
    for (const headers of poisons) {
      const began = wire.seen.length;
      const first = await ask(path, headers);
      const next = await ask(path);
      const name = JSON.stringify(headers).slice(0, 80);
      assert.ok([200, 304, 403].includes(first.status), `${name}: ${first.status}`);
      assert.equal(next.status, 200, name);
      assert.equal(next.text, plain.text, name);
      assert.equal(next.headers['content-encoding'], undefined, name);
      assert.doesNotMatch(JSON.stringify(next.headers), /evil|of-the-attacker/, name);
      for (const seen of wire.seen.slice(began)) {
        const told = Object.keys(seen.headers).filter((header) => header !== 'connection');
        assert.deepEqual(told.sort(), ['accept-encoding', 'host'], name);
        assert.equal(seen.headers.host, HOST, name);
        assert.equal(seen.method, 'GET', name);
      }
    }
    t.diagnostic(`${poisons.length} headers, each before another's request: 0 in the copy`);
  });

  it('a private request is told nothing that a client made up', async () => {
    const headers = {
      'x-forwarded-host': 'evil.example', 'x-http-method-override': 'DELETE',
      'x-original-url': '/v1/bets', 'x-rewrite-url': '/v1/bets', forwarded: 'for=1.2.3.4',
      'x-real-ip': '1.2.3.4', range: 'bytes=0-1',
      'x-edge-country': 'GB;t=1;sig=00',
    };
    const { status, json } = await ask('/v1/wallet', headers, ann);
    assert.equal(status, 200);
    assert.equal(json.balance, '77.00');
    const { headers: told } = wire.seen.at(-1);
    for (const name of ['x-forwarded-host', 'x-http-method-override', 'x-original-url',
      'x-rewrite-url', 'forwarded', 'x-real-ip', 'range'])
      assert.equal(told[name], undefined, name);
    assert.equal(told.host, HOST);
    assert.equal(told['x-forwarded-for'], AT_HOME);
    assert.match(told['x-edge-country'], /^MT;t=\d+;sig=[0-9a-f]{64}$/);
  });

  it('names that are not ours lead nowhere, the operator\'s least of all', async () => {
    const asked = wire.seen.length;
    for (const host of ['evil.example', 'desk.example.com', '127.0.0.1', 'www.example.com.evil'])
      assert.equal((await ask('/v1/sports', { host })).status, 404, host);
    for (const path of ['/desk', '/ops', '/metrics', '/healthz', '/readyz', '/v1/feed',
      '/v1/desk/me', '/v1/reports/daily', '/static/x.js'])
      assert.equal((await ask(path)).status, 404, path);
    assert.equal(wire.seen.length, asked);
    const twice = await request('GET /v1/sports', 'Host: evil.example\r\n');
    assert.match(twice, /^HTTP\/1\.1 400 /);
    assert.match(twice, /application\/problem\+json/);
    const absolute = await request('GET http://evil.example/v1/sports');
    assert.match(absolute, /^HTTP\/1\.1 404 /);
  });

  // RFC 9112 6.3: what may be read as two requests is read as none.
  it('no request hides in another\'s body', async () => {
    const asked = wire.asked('/v1/limits');
    const hidden = 'GET /v1/limits HTTP/1.1\r\nHost: x\r\n\r\n';
    const both = `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`;
    for (const headers of [
      both,
      `Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${hidden}`,
      `Content-Length: 4\r\nContent-Length: 400\r\n\r\n${hidden}`,
      `Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${hidden}`,
    ]) {
      const answer = await request('POST /v1/bets', headers);
      assert.match(answer, /^HTTP\/1\.1 (400|401|403|501) /, headers.slice(0, 40));
      assert.equal(answer.match(/HTTP\/1\.1 /g).length, 1, answer);
    }
    assert.equal(wire.asked('/v1/limits'), asked);
  });
});
