// The WebSocket protocol of GET /v1/stream, held against RFC 6455 by a client
// of our own.  Names carry the numbers of the Autobahn test suite's cases.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { worldFor, eventually } = require('./lib/world');
const { connect, handshake, frame, closePayload } = require('./lib/ws');

const bytes = (hex) => Buffer.from(hex.replace(/ /g, ''), 'hex');

describe('WebSocket', () => {
  const world = worldFor({ before, after });
  const open = (options) => connect(world().server.public, options);

  // Sends frames; the connection must be failed with this code.
  async function fails(code, ...frames) {
    const client = await open();
    client.write(...frames);
    await client.closes(code);
  }

  // Sends frames; the messages are understood, the connection goes on.
  async function understood(...frames) {
    const client = await open();
    client.write(...frames);
    const status = await client.next('status');
    assert.equal(status.code, 'malformed'); // it was read, as JSON that is none
    client.write(frame('close', closePayload(1000)));
    await client.closes(1000);
    return client;
  }

  // What the server answers to these bytes until it closes.
  function said(bytes) {
    const [host, port] = world().server.public.split(':');
    return new Promise((resolve, reject) => {
      let text = '';
      const socket = net.connect(Number(port), host, () => socket.write(bytes));
      socket.setEncoding('latin1').on('data', (more) => {
        text += more;
      });
      socket.on('error', reject).on('close', () => resolve(text));
    });
  }

  describe('handshake', () => {
    const refused = async (headers, status, code, more = {}) => {
      const { answer } = await handshake(world().server.public, { headers, ...more });
      assert.equal(answer.status, status, answer.body);
      assert.equal(JSON.parse(answer.body).code, code);
      return answer;
    };

    test('the key is answered', async () => {
      const client = await open();
      assert.equal(client.answer.headers.upgrade, 'websocket');
      assert.equal(client.answer.headers['sec-websocket-extensions'], undefined);
      await client.end();
    });

    oneProcess(test)('without an upgrade: 426 says which', async () => {
      const { headers } = await refused({ Upgrade: undefined }, 426, 'upgrade_required');
      assert.equal(headers.upgrade, 'websocket');
      await refused({ Connection: 'keep-alive' }, 426, 'upgrade_required');
      await refused({ Upgrade: 'h2c' }, 426, 'upgrade_required');
    });

    test('another version: 426 with ours', async () => {
      const answer = await refused({ 'Sec-WebSocket-Version': '8' }, 426, 'upgrade_required');
      assert.equal(answer.headers['sec-websocket-version'], '13');
    });

    // A proxy that pipes what asks for a WebSocket does not look at what comes after it.
    oneProcess(test)('nothing is answered behind one that is refused', async () => {
      const ask = (path, more = '') =>
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n${more}\r\n`;
      const upgrade = 'Upgrade: WebSocket\r\nSec-WebSocket-Version: 12\r\n';
      for (const path of ['/v1/stream', '/v1/events/sr:match:0/stream', '/v1/sports']) {
        const both = await said(ask(path, upgrade) + ask('/v1/sports'));
        assert.equal(both.match(/HTTP\/1\.1 /g).length, 1, both);
        assert.match(both, /^Connection: close\r$/m);
      }
      const plain = await said(ask('/v1/sports') + ask('/v1/sports', 'Connection: close\r\n'));
      assert.equal(plain.match(/HTTP\/1\.1 /g).length, 2, plain);
    });

    test('a key that is none: 400', async () => {
      await refused({ 'Sec-WebSocket-Key': undefined }, 400, 'malformed');
      await refused({ 'Sec-WebSocket-Key': 'abc' }, 400, 'malformed');
    });

    test('tokens among others, in any case', async () => {
      const client = await open({
        headers: { Connection: 'keep-alive, UPGRADE', Upgrade: 'WebSocket' },
      });
      await client.end();
    });

    test('frames sent right behind it are not lost', async () => {
      const client = await open({ behind: frame('ping', 'early') });
      assert.equal((await client.frameOf('pong')).payload.toString(), 'early');
      await client.end();
    });
  });

  test('1.1.1-1.1.6 text of each length class', async () => {
    for (const n of [0, 125, 126, 127, 128, 65535]) await understood(frame('text', '*'.repeat(n)));
  });

  test('1.1.8, 9.1.1 octet by octet', async () => {
    const client = await open();
    for (const byte of frame('text', '{"op":"nothing","id":3}')) client.write(Buffer.from([byte]));
    assert.equal((await client.next('status')).id, 3);
    await client.end();
  });

  test('1.2 binary is no message here: 1003', () => fails(1003, frame('binary', 'abc')));

  test('2.1-2.4 pings are answered with their payload', async () => {
    for (const payload of ['', 'hello', bytes('00 ff fe fd fc fb 00 ff'), 'x'.repeat(125)]) {
      const client = await open();
      client.write(frame('ping', payload));
      assert.deepEqual((await client.frameOf('pong')).payload, Buffer.from(payload));
      await client.end();
    }
  });

  test('2.5 a ping of 126 bytes', () => fails(1002, frame('ping', 'x'.repeat(126))));

  test('2.6 a ping octet by octet', async () => {
    const client = await open();
    for (const byte of frame('ping', 'x'.repeat(125))) client.write(Buffer.from([byte]));
    assert.equal((await client.frameOf('pong')).payload.length, 125);
    await client.end();
  });

  test('2.7-2.9 pongs that nobody asked for', async () => {
    await understood(frame('pong'), frame('pong', 'x'), frame('ping', 'y'), frame('text', '?'));
  });

  test('2.10, 2.11 ten pings in a row, in pieces', async () => {
    const client = await open();
    const all = Buffer.concat([...Array(10).keys()].map((i) => frame('ping', `payload-${i}`)));
    for (let at = 0; at < all.length; at += 7) client.write(all.subarray(at, at + 7));
    await eventually(() => assert.equal(client.frames.length, 10));
    assert.deepEqual(client.frames.map((f) => f.payload.toString()),
      [...Array(10).keys()].map((i) => `payload-${i}`));
    await client.end();
  });

  test('3.1-3.7 reserved bits', async () => {
    for (let rsv = 1; rsv < 8; rsv++) {
      await fails(1002, frame('text', 'Hello', { rsv }));
    }
    await fails(1002, frame('ping', '', { rsv: 5 }));
    await fails(1002, frame('close', '', { rsv: 7 }));
  });

  test('4.1.1-4.2.5 reserved opcodes', async () => {
    for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
      await fails(1002, frame(opcode, ''));
      await fails(1002, frame('pong'), frame(opcode, 'Hello'), frame('ping'));
    }
  });

  test('5.1, 5.2 fragmented control frames', async () => {
    await fails(1002, frame('ping', 'frag', { fin: false }), frame('continuation', 'ment'));
    await fails(1002, frame('pong', 'frag', { fin: false }), frame('continuation', 'ment'));
  });

  test('5.3-5.5 two fragments', async () => {
    const parts = [frame('text', '{"op"', { fin: false }), frame('continuation', ':"x","id":9}')];
    const client = await open();
    for (const byte of Buffer.concat(parts)) client.write(Buffer.from([byte]));
    assert.equal((await client.next('status')).id, 9);
    await client.end();
  });

  test('5.6-5.8, 5.19, 5.20 control frames between fragments', async () => {
    const client = await understood(
      frame('text', 'a', { fin: false }),
      frame('ping', 'first'),
      frame('continuation', 'b', { fin: false }),
      frame('ping', 'second'),
      frame('continuation', 'c'),
    );
    const pongs = client.frames.filter((f) => f.opcode === 10).map((f) => f.payload.toString());
    assert.deepEqual(pongs, ['first', 'second']);
    assert.deepEqual(client.frames.map((f) => f.opcode), [10, 10, 1, 8]);
  });

  test('5.9-5.14 continuations of nothing', async () => {
    await fails(1002, frame('continuation', 'x'));
    await fails(1002, frame('continuation', 'x', { fin: false }), frame('text', 'y'));
    await fails(1002, frame('text', 'whole'), frame('continuation', 'x'));
  });

  test('5.15, 5.18 a new message within another', async () => {
    await fails(1002, frame('text', 'a', { fin: false }), frame('text', 'b'));
    await fails(1002, frame('text', 'a', { fin: false }), frame('binary', 'b', { fin: false }));
  });

  test('6.1 empty fragments', async () => {
    await understood(frame('text', '', { fin: false }), frame('continuation', '', { fin: false }),
      frame('continuation', ''));
  });

  test('6.2 UTF-8, whole and split within characters', async () => {
    const text = Buffer.from('Hello-\u00b5@\u00df\u00f6\u00e4\u20ac\u{1f600}');
    await understood(frame('text', text));
    const pieces = [...text].map((byte, i) =>
      frame(i === 0 ? 'text' : 'continuation', Buffer.from([byte]), {
        fin: i === text.length - 1,
      }));
    await understood(...pieces);
  });

  test('6.3, 6.4 invalid UTF-8, failed before the message ends', async () => {
    const bad = bytes('ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80');
    await fails(1007, frame('text', bad));
    await fails(1007, frame('text', bad, { fin: false })); // 6.4.1: nothing more comes
    await fails(1007, frame('text', bad, { length: 60000 })); // 6.4.3: nor does the frame end
  });

  test('6.6-6.22 sequences that are not UTF-8', async () => {
    const wrong = ['ce', 'ce ba e1', 'f8 88 80 80 80', 'fc 84 80 80 80 80', 'f7 bf bf bf',
      'f4 90 80 80', '80', 'bf', 'c0 20', 'e0 80', 'f0 80 80', 'fe', 'ff', 'c0 af', 'e0 80 af',
      'f0 80 80 af', 'c1 bf', 'e0 9f bf', 'f0 8f bf bf', 'c0 80', 'ed a0 80', 'ed bf bf',
      'ed a0 80 ed b0 80'];
    for (const hex of wrong) await fails(1007, frame('text', bytes(hex)));
    for (const hex of ['00', 'c2 80', 'e0 a0 80', 'f0 90 80 80', '7f', 'df bf', 'ef bf bf',
      'f4 8f bf bf', 'ed 9f bf', 'ee 80 80', 'ef bf bd'])
      await understood(frame('text', bytes(hex)));
  });

  test('7.1 a close, and what is sent behind it is not answered', async () => {
    const client = await open();
    client.write(frame('close', closePayload(1000)), frame('ping', 'late'),
      frame('text', '{"op":"late"}'));
    await client.closes(1000);
    assert.deepEqual(client.frames.map((f) => f.opcode), [8]);
  });

  test('7.3.1-7.3.6 what a close may hold', async () => {
    const client = await open();
    client.write(frame('close'));
    await client.closes(1005);
    await fails(1002, frame('close', 'a'));
    await fails(1000, frame('close', closePayload(1000, 'x'.repeat(123))));
    await fails(1002, frame('close', closePayload(1000, 'x'.repeat(124))));
  });

  test('7.5.1 a reason that is not UTF-8', () =>
    fails(1007, frame('close', Buffer.concat([closePayload(1000), bytes('ce ba ed a0 80')]))));

  test('7.7 codes that may come are echoed', async () => {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000,
      4999])
      await fails(code, frame('close', closePayload(code)));
  });

  test('7.9, 7.13 codes that may not', async () => {
    for (const code of [0, 999, 1004, 1005, 1006, 1012, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
      await fails(1002, frame('close', closePayload(code)));
  });

  test('9.x, 10.x messages up to 64 KiB, however cut; one byte more is 1009', async () => {
    await understood(frame('text', ' '.repeat(65536)));
    const pieces = [...Array(64).keys()].map((i) =>
      frame(i === 0 ? 'text' : 'continuation', ' '.repeat(1024), { fin: i === 63 }));
    await understood(...pieces);
    await fails(1009, frame('text', ' '.repeat(65537)));
    await fails(1009, frame('text', '', { length: 2 ** 31 })); // known by its header
    pieces[63] = frame('continuation', ' '.repeat(1025));
    await fails(1009, ...pieces);
  });

  test('RFC 6455 5.1: a client must mask', () =>
    fails(1002, frame('text', '{}', { masked: false })));

  test('too many messages: 1008', () =>
    fails(1008, ...Array(200).fill(frame('text', '{}'))));

  test('the socket of one that answers no close is closed all the same', async () => {
    const client = await open();
    client.write(frame(3));
    await client.closed;
    assert.equal(client.code, 1002);
  });
});
