// A small AMQP 0-9-1 client of the tests' own: publishes with confirms, sends
// again what was not confirmed when the broker went away, and can do a few
// things to queues.
'use strict';

const net = require('node:net');
const tls = require('node:tls');
const { eventually } = require('../../api/lib/wait');

const EXCHANGE = 'unifiedfeed';
const FRAME_END = 0xce;
const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const BODY_BYTES = 100000;

const short = (n) => Buffer.from([n >> 8, n & 255]);
const long = (n) => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(n);
  return out;
};
const text = (s) => Buffer.concat([Buffer.from([Buffer.byteLength(s)]), Buffer.from(s)]);
const bytes = (s) => Buffer.concat([long(Buffer.byteLength(s)), Buffer.from(s)]);
const noTable = long(0);

function frame(type, channel, payload) {
  const head = Buffer.alloc(7);
  head.writeUInt8(type, 0);
  head.writeUInt16BE(channel, 1);
  head.writeUInt32BE(payload.length, 3);
  return Buffer.concat([head, payload, Buffer.from([FRAME_END])]);
}

const method = (channel, cls, id, ...parts) =>
  frame(METHOD, channel, Buffer.concat([short(cls), short(id), ...parts]));

// The publish of one message: method, header, body.  Persistent.
function publishFrames(exchange, key, body) {
  const head = Buffer.alloc(14);
  head.writeUInt16BE(60, 0);
  head.writeBigUInt64BE(BigInt(body.length), 4);
  head.writeUInt16BE(0x1000, 12); // delivery-mode
  const parts = [
    method(1, 60, 40, short(0), text(exchange), text(key), Buffer.from([0])),
    frame(HEADER, 1, Buffer.concat([head, Buffer.from([2])])),
  ];
  for (let at = 0; at < body.length; at += BODY_BYTES)
    parts.push(frame(BODY, 1, body.subarray(at, at + BODY_BYTES)));
  return Buffer.concat(parts);
}

function connectSocket(url, ca) {
  const { hostname: host, port, protocol } = new URL(url);
  return protocol === 'amqps:'
    ? tls.connect({ host, port, ca, servername: host })
    : net.connect({ host, port });
}

class Connection {
  constructor(url, ca) {
    this.socket = connectSocket(url, ca);
    this.rest = Buffer.alloc(0);
    this.replies = [];
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.dead = true;
        for (const wait of this.replies.splice(0)) wait.reject(new Error('closed'));
        resolve();
      });
    });
    this.socket.on('error', () => {});
    this.socket.on('data', (part) => this.take(part));
  }

  take(part) {
    this.rest = Buffer.concat([this.rest, part]);
    while (this.rest.length >= 7) {
      const length = this.rest.readUInt32BE(3);
      if (this.rest.length < length + 8) return;
      const type = this.rest.readUInt8(0);
      const payload = this.rest.subarray(7, 7 + length);
      this.rest = this.rest.subarray(8 + length);
      if (type === METHOD) this.onMethod(payload.readUInt16BE(0), payload.readUInt16BE(2), payload);
    }
  }

  onMethod(cls, id, payload) {
    if (cls === 60 && id === 80) {
      this.onConfirm?.(payload.readBigUInt64BE(4), payload.readUInt8(12) === 1);
      return;
    }
    const wait = this.replies.shift();
    const isClose = (cls === 10 && id === 50) || (cls === 20 && id === 40);
    if (isClose) wait?.reject(new Error(payload.subarray(7).toString('latin1')));
    else wait?.resolve(payload);
  }

  reply() {
    if (this.dead) return Promise.reject(new Error('closed'));
    return new Promise((resolve, reject) => {
      this.replies.push({ resolve, reject });
    });
  }

  call(...args) {
    const reply = this.reply();
    this.socket.write(method(...args));
    return reply;
  }

  async open(url) {
    const { username, password, pathname } = new URL(url);
    const start = this.reply();
    this.socket.write(Buffer.from('AMQP\x00\x00\x09\x01', 'latin1'));
    await start;
    const login = `\0${username}\0${password}`;
    await this.call(0, 10, 11, noTable, text('PLAIN'), bytes(login), text('en_US'));
    this.socket.write(method(0, 10, 31, short(100), long(131072), short(0)));
    const vhost = decodeURIComponent(pathname.slice(1)) || '/';
    await this.call(0, 10, 40, text(vhost), text(''), Buffer.from([0]));
    await this.call(1, 20, 10, text(''));
    return this;
  }
}

class Publisher {
  constructor(url, { ca, exchange = EXCHANGE } = {}) {
    Object.assign(this, { url, ca, exchange });
    this.unconfirmed = []; // { key, body }, oldest first
    this.next = 0n; // tag of the next one published on this connection
    this.first = 0n; // tag of unconfirmed[0]
  }

  // Connects, and sends again what was not confirmed.
  async connect() {
    const link = await new Connection(this.url, this.ca).open(this.url);
    await link.call(1, 40, 10, short(0), text(this.exchange), text('topic'),
      Buffer.from([2]), noTable);
    await link.call(1, 85, 10, Buffer.from([0]));
    link.onConfirm = (tag, multiple) => this.confirm(tag, multiple);
    this.link = link;
    this.first = this.next = 1n;
    this.done = new Set();
    for (const { key, body } of this.unconfirmed) this.put(key, body);
    return this;
  }

  async connectAgain() {
    return eventually(() => this.connect(), { timeout: 60000, every: 200 });
  }

  put(key, body) {
    this.next++;
    if (!this.link.dead) this.link.socket.write(publishFrames(this.exchange, key, body));
  }

  publish(key, xml) {
    const message = { key, body: Buffer.from(xml) };
    this.unconfirmed.push(message);
    this.put(message.key, message.body);
  }

  confirm(tag, multiple) {
    if (multiple) for (let t = this.first; t <= tag; t++) this.done.add(t);
    else this.done.add(tag);
    while (this.done.delete(this.first)) {
      this.first++;
      this.unconfirmed.shift();
    }
  }

  // Until the broker has confirmed everything; reconnects when it must.
  async flush() {
    await eventually(
      async () => {
        if (this.link.dead) await this.connect();
        if (this.unconfirmed.length > 0) throw new Error(`${this.unconfirmed.length} unconfirmed`);
      },
      { timeout: 60000, every: 20 },
    );
  }

  // Messages in a queue that exists, not delivered yet.
  async depth(queue) {
    const flags = Buffer.from([1]); // passive
    const payload = await this.link.call(1, 50, 10, short(0), text(queue), flags, noTable);
    const at = 5 + payload.readUInt8(4);
    return payload.readUInt32BE(at);
  }

  // A durable queue as the server itself declares it, bound to everything.
  async declareQueue(name, key = '#') {
    const yes = Buffer.from('t\x01', 'latin1');
    const single = Buffer.concat([text('x-single-active-consumer'), yes]);
    const table = Buffer.concat([long(single.length), single]);
    await this.link.call(1, 50, 10, short(0), text(name), Buffer.from([2]), table);
    await this.link.call(1, 50, 20, short(0), text(name), text(this.exchange), text(key),
      Buffer.from([0]), noTable);
  }

  deleteQueue(name) {
    return this.link.call(1, 50, 40, short(0), text(name), Buffer.from([0]));
  }

  close() {
    this.link?.socket.destroy();
  }
}

// The routing key that belongs to a message.
function keyOf(xml) {
  const [, type] = /<(\w+)[ >]/.exec(xml.replace(/<\?.*?\?>/, ''));
  const event = /event_id="([^"]*):(\d+)"/.exec(xml);
  const live = /product="1"/.test(xml);
  if (!event) return `-.-.-.${type}.-.-.-.-`;
  return `hi.${live ? '-.live' : 'pre.-'}.${type}.1.${event[1]}.${event[2]}.-`;
}

module.exports = { Publisher, keyOf };
