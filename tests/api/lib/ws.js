// A WebSocket client on a bare socket (RFC 6455), made for tests: it can send
// what no client should, and shows every frame it gets.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const net = require('node:net');
const { eventually } = require('./wait');

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

// A client's frame: masked unless told otherwise.
function frame(opcode, payload = '', { fin = true, rsv = 0, masked = true, length } = {}) {
  const data = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
  const n = length ?? data.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | (OPCODE[opcode] ?? opcode)];
  const bit = masked ? 0x80 : 0;
  if (n < 126) head.push(bit | n);
  else if (n < 65536) head.push(bit | 126, n >> 8, n & 255);
  else head.push(bit | 127, 0, 0, 0, 0, n / 2 ** 24, (n >> 16) & 255, (n >> 8) & 255, n & 255);
  if (!masked) return Buffer.concat([Buffer.from(head), data]);
  const mask = crypto.randomBytes(4);
  return Buffer.concat([Buffer.from(head), mask, data.map((byte, i) => byte ^ mask[i & 3])]);
}

const closePayload = (code, reason = '') => {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
};

class WebSocketClient {
  constructor(socket) {
    this.socket = socket;
    this.frames = []; // { opcode, payload }, all of them
    this.messages = []; // JSON of text frames that nobody has taken yet
    this.rest = Buffer.alloc(0);
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.gone = true;
        resolve();
      });
    });
    socket.on('error', () => {});
  }

  // A server's frames: never masked, never fragmented, no reserved bits.
  take(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (;;) {
      const { rest } = this;
      if (rest.length < 2) return;
      const short = rest[1] & 127;
      const at = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < at) return;
      const n = short < 126 ? short
        : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < at + n) return;
      assert.equal(rest[0] & 0xf0, 0x80, 'a whole frame without reserved bits');
      assert.equal(rest[1] & 0x80, 0, 'a server does not mask');
      this.got(rest[0] & 15, rest.subarray(at, at + n));
      this.rest = rest.subarray(at + n);
    }
  }

  got(opcode, payload) {
    this.frames.push({ opcode, payload: Buffer.from(payload) });
    if (opcode === OPCODE.close && payload.length >= 2) {
      this.code = payload.readUInt16BE(0);
      this.reason = payload.subarray(2).toString();
    } else if (opcode === OPCODE.close) {
      this.code = 1005;
    } else if (opcode === OPCODE.text) {
      const text = new TextDecoder('utf8', { fatal: true }).decode(payload);
      this.messages.push(JSON.parse(text));
    }
  }

  write(...frames) {
    this.socket.write(Buffer.concat(frames));
  }
  send(json) {
    this.write(frame('text', JSON.stringify(json)));
  }

  // The next message that is as asked; those before it are passed over.
  async next(claim = () => true, options) {
    const wanted = typeof claim === 'string' ? (message) => message.op === claim : claim;
    return eventually(() => {
      while (this.messages.length > 0) {
        const message = this.messages.shift();
        if (wanted(message)) return message;
      }
      throw new Error(`no such message came${this.gone ? ', and it is closed' : ''}`);
    }, options);
  }

  async ask(json) {
    this.send(json);
    return this.next((message) => message.op === 'status' && message.id === json.id);
  }

  // Subscribes and gives the image.
  async subscribe(json) {
    const status = await this.ask({ op: 'subscribe', id: 1, ...json });
    assert.deepEqual(status, { op: 'status', id: 1, status: 'ok' });
    return this.next('change');
  }

  frameOf(opcode) {
    return eventually(() => {
      const found = this.frames.find((f) => f.opcode === OPCODE[opcode]);
      assert.ok(found, `no ${opcode} came`);
      return found;
    });
  }

  // Waits for the close frame with this code, then for the socket's end.
  async closes(code) {
    await eventually(() => assert.equal(this.code, code));
    await this.closed;
  }

  end() {
    this.socket.destroy();
    return this.closed;
  }
}

// The answer to a handshake, whatever it is; open: makes the socket where it is no bare one.
function handshake(address, {
  path = '/v1/stream', headers = {}, method = 'GET', behind, open,
} = {}) {
  const [host, port] = address.split(':');
  const key = crypto.randomBytes(16).toString('base64');
  const all = {
    Host: address,
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': key,
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = open ? open() : net.connect(Number(port), host);
    const client = new WebSocketClient(socket);
    let head = Buffer.alloc(0);
    const onData = (bytes) => {
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      socket.off('data', onData);
      const text = head.subarray(0, end).toString();
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)[1]);
      const given = Object.fromEntries(text.split('\r\n').slice(1).map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }));
      const accept = crypto.createHash('sha1').update(key + GUID).digest('base64');
      client.answer = { status, headers: given, accept, body: head.subarray(end + 4).toString() };
      if (status === 101) {
        socket.on('data', (more) => client.take(more));
        client.take(head.subarray(end + 4));
      }
      resolve(client);
    };
    socket.on('data', onData);
    socket.on('error', reject);
    socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    if (behind) socket.write(behind);
  });
}

async function connect(address, options) {
  const client = await handshake(address, options);
  assert.equal(client.answer.status, 101, client.answer.body);
  assert.equal(client.answer.headers['sec-websocket-accept'], client.answer.accept);
  return client;
}

module.exports = { connect, handshake, frame, closePayload, OPCODE };
