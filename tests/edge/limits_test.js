// Who sends too much, too slowly, too large, or is a program that is not wanted.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { after, before, describe, it } = require('node:test');
const { makeAgent } = require('../api/lib/http');
const { newKey } = require('../api/lib/world');
const { openEdge, HOST, AT_HOME } = require('./lib/edge');
const { startWire } = require('./lib/slow');

const many = { per_address: 1000000, per_network: 10000000, burst: 100000 };

// The bytes of `head`, then a byte of `tail` every while; when it was cut, and its answer.
function dribble(address, head, tail, every) {
  return new Promise((resolve) => {
    const [host, port] = address.split(':');
    const began = Date.now();
    const socket = net.connect(Number(port), host, () => socket.write(head));
    let answer = '';
    let at = 0;
    const timer = setInterval(() => {
      if (socket.writable) socket.write(tail[at++ % tail.length]);
    }, every);
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ ms: Date.now() - began, sent: at, answer });
    });
  });
}

describe('limits', () => {
  let world, edge, wire;

  before(async () => {
    ({ world, edge } = await openEdge({
      through: async (address) => {
        wire = await startWire(address);
        return wire.address;
      },
      rates: {
        login: { per_address: 30, per_network: 60, burst: 5 },
        money: many,
        read: { per_address: 60, per_network: 120, burst: 20 },
        stream: many,
      },
      connections: { per_address: 10000, header_s: 2, body_s: 2 },
      bots: { unnamed: 'refused', agents: ['sqlmap', 'python-requests', 'Bad.Bot+1'] },
      stuffing: { per_address: 4, per_network: 12, window_s: 3600 },
    }));
  });
  after(async () => {
    edge?.stop();
    await wire?.cut();
    await world?.close();
  });

  // Of so many at once, how many were let through.
  async function burst(n, from, path = '/v1/sports', headers = {}) {
    const all = await Promise.all(Array.from({ length: n }, (_, i) =>
      edge.call('GET', path, { from: typeof from === 'function' ? from(i) : from, headers })));
    const refused = all.filter(({ status }) => status === 429);
    assert.equal(all.filter(({ status }) => status !== 429 && status !== 200).length, 0);
    return { passed: n - refused.length, refused };
  }

  it('an address that sends too much is told so, and when to come again', async () => {
    const { passed, refused } = await burst(80, '203.0.113.20');
    assert.ok(passed >= 21 && passed < 70, `${passed} passed`);
    const [{ headers, code, json }] = refused;
    assert.equal(code, 'too_many_requests');
    assert.match(headers['content-type'], /^application\/problem\+json/);
    assert.equal(json.status, 429);
    assert.ok(Number(headers['retry-after']) >= 1);
    assert.equal(headers['ratelimit-limit'], '20');
    assert.equal(headers['ratelimit-remaining'], '0');
    assert.equal(headers['ratelimit-reset'], headers['retry-after']);
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal((await burst(5, '192.0.2.20')).passed, 5, 'others are not concerned');
  });

  it('so is a network whose addresses take turns, and a household of IPv6', async () => {
    const v4 = await burst(400, (i) => `198.18.7.${i % 200}`);
    assert.ok(v4.refused.length > 100, `${v4.refused.length} refused`);
    const house = await burst(80, (i) => `2001:db8:1:1::${(i + 1).toString(16)}`);
    assert.ok(house.passed < 70, `${house.passed} passed`);
    const block = await burst(400, (i) => `2001:db8:2:${(i + 1).toString(16)}::1`);
    assert.ok(block.refused.length > 100, `${block.refused.length} refused`);
    assert.equal((await burst(5, '2001:db8:3::1')).passed, 5);
  });

  it('what a money call may is apart from what a reader may', async () => {
    const from = '203.0.113.20';
    const fan = await world.customer();
    await burst(60, from);
    const json = { amount: '1.00' };
    for (let i = 0; i < 10; i++) {
      const { status } = await edge.call('POST', '/v1/wallet/deposits', {
        from, json, token: fan.token, key: newKey(),
      });
      assert.equal(status, 201);
    }
  });

  // One connection: each worker of the node counts for itself.
  it('who tries lists of passwords may not log in any more', async () => {
    const agent = makeAgent(1);
    const json = { email: 'nobody@example.com', password: 'one of a list' };
    const tries = (from) => edge.call('POST', '/v1/sessions', { from, json, agent });
    const answers = [];
    for (let i = 0; i < 5; i++) answers.push((await tries('198.18.1.5')).status);
    assert.deepEqual(answers.slice(0, 4), [401, 401, 401, 401]);
    assert.equal(answers[4], 429);
    const { email, password } = (await world.customer()).fields;
    const right = (from) =>
      edge.call('POST', '/v1/sessions', { from, json: { email, password }, agent });
    const banned = await right('198.18.1.5');
    assert.deepEqual([banned.status, banned.code], [429, 'too_many_requests']);
    assert.ok(Number(banned.headers['retry-after']) >= 1);
    assert.equal((await right('198.18.1.6')).status, 201, 'the neighbour may');
    for (let i = 0; i < 8; i++) await tries(`198.18.1.${20 + i}`);
    assert.equal((await right('198.18.1.6')).status, 429, 'until the network has failed too often');
    assert.equal((await right('198.18.2.6')).status, 201);
    assert.equal((await edge.call('GET', '/v1/sports', { from: '198.18.1.5' })).status, 200);
    agent.destroy();
  });

  it('programs that are not wanted are refused by their name', async () => {
    const asked = wire.seen.length;
    for (const agent of ['sqlmap/1.7', 'python-requests/2.31', 'x bad.bot+1 y', '']) {
      const { status, code } = await edge.call('GET', '/v1/wallet', {
        from: '192.0.2.77', headers: { 'user-agent': agent },
      });
      assert.deepEqual([status, code], [403, 'client_refused'], agent);
    }
    assert.equal(wire.seen.length, asked);
    const { status } = await edge.call('GET', '/v1/wallet', {
      from: '192.0.2.77', headers: { 'user-agent': 'BadXBot+1' },
    });
    assert.equal(status, 401);
  });

  it('a head that comes byte by byte is cut off', async () => {
    const head = `GET /v1/sports HTTP/1.1\r\nHost: ${HOST}\r\nX-Slow: `;
    const cut = await Promise.all(
      Array.from({ length: 20 }, () => dribble(edge.address, head, 'a', 100)),
    );
    for (const { answer, sent } of cut) {
      assert.doesNotMatch(answer, / 200 /);
      assert.ok(sent < 600, `${sent} bytes were taken`);
    }
    assert.equal((await edge.call('GET', '/edge/health', { headers: { host: 'x' } })).status, 200);
  });

  it('a body that does not come is not waited for', async () => {
    const asked = wire.asked('/v1/sessions');
    const head = `POST /v1/sessions HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: a\r\n` +
      `X-Forwarded-For: ${AT_HOME}\r\nContent-Type: application/json\r\n` +
      'Content-Length: 60000\r\n\r\n{';
    const { answer } = await dribble(edge.address, head, '', 1e6);
    assert.match(answer, /^(HTTP\/1\.1 408 |$)/);
    assert.equal(wire.asked('/v1/sessions'), asked, 'and the server hears nothing of it');
  });

  it('a body that is too large is refused before it is read', async () => {
    const asked = wire.seen.length;
    const head = (path, length) => `POST ${path} HTTP/1.1\r\nHost: ${HOST}\r\nUser-Agent: a\r\n` +
      `X-Forwarded-For: ${AT_HOME}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\n${length}\r\n\r\n`;
    const large = head('/v1/bets', 'Content-Length: 65537');
    const declared = await dribble(edge.address, large, '', 1e6);
    assert.match(declared.answer, /^HTTP\/1\.1 413 /);
    assert.match(declared.answer, /"code":"too_large"/);
    const chunk = `${(70000).toString(16)}\r\n${' '.repeat(70000)}\r\n0\r\n\r\n`;
    const chunked = await dribble(edge.address,
      head('/v1/bets', 'Transfer-Encoding: chunked') + chunk, '', 1e6);
    assert.match(chunked.answer, /^HTTP\/1\.1 413 /);
    const none = head('/v1/wallet', 'Content-Length: 2').replace('POST', 'GET');
    assert.match((await dribble(edge.address, `${none}{}`, '', 1e6)).answer, /^HTTP\/1\.1 413 /);
    assert.equal(wire.seen.length, asked);
  });

  it('headers that are too large are refused', async () => {
    const { status, code } = await edge.call('GET', '/v1/wallet', {
      from: '192.0.2.78', headers: { 'x-large': 'a'.repeat(9000) },
    });
    assert.deepEqual([status, code], [431, 'headers_too_large']);
  });
});
