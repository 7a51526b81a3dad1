// A collector of OTLP over HTTP for tests: takes ExportTraceServiceRequest in
// JSON, checks each against the schema of opentelemetry-proto 1.x by hand, and
// keeps the spans.
'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { eventually } = require('./wait');

const HEX = (n) => new RegExp(`^[0-9a-f]{${n}}$`);
const INT64 = /^-?(0|[1-9][0-9]{0,18})$/;

// Every member is known, and each is of its type.
function fields(object, where, types) {
  assert.ok(object && typeof object === 'object' && !Array.isArray(object), where);
  for (const name of Object.keys(object)) assert.ok(name in types, `${where}.${name}: unknown`);
  for (const [name, check] of Object.entries(types)) check(object[name], `${where}.${name}`);
}
const list = (check) => (value, where) => {
  assert.ok(Array.isArray(value), `${where}: a list`);
  value.forEach((one, i) => check(one, `${where}[${i}]`));
};
const optional = (check) => (value, where) => value === undefined || check(value, where);
const text = (value, where) => assert.equal(typeof value, 'string', where);
const filled = (value, where) => assert.match(value, /./, where);
const match = (pattern) => (value, where) => {
  text(value, where);
  assert.match(value, pattern, where);
};
const among = (low, high) => (value, where) =>
  assert.ok(Number.isInteger(value) && value >= low && value <= high, `${where}: ${value}`);
const object = (types) => (value, where) => fields(value, where, types);

// AnyValue: one of its members; int64 is a string.
function anyValue(value, where) {
  const kinds = { stringValue: text, intValue: match(INT64) };
  assert.equal(Object.keys(value).length, 1, where);
  const [[name, one]] = Object.entries(value);
  assert.ok(kinds[name], `${where}.${name}`);
  kinds[name](one, `${where}.${name}`);
}
const attributes = list(object({ key: filled, value: anyValue }));

const span = object({
  traceId: match(HEX(32)),
  spanId: match(HEX(16)),
  parentSpanId: optional(match(HEX(16))),
  name: filled,
  kind: among(1, 5),
  startTimeUnixNano: match(INT64),
  endTimeUnixNano: match(INT64),
  attributes,
  status: optional(object({ code: among(0, 2), message: optional(text) })),
});
const request = object({
  resourceSpans: list(object({
    resource: object({ attributes }),
    scopeSpans: list(object({ scope: object({ name: filled }), spans: list(span) })),
  })),
});

const valuesOf = (pairs) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

function spansOf(body) {
  return body.resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((one) => ({
        ...one,
        start: BigInt(one.startTimeUnixNano),
        end: BigInt(one.endTimeUnixNano),
        attributes: valuesOf(one.attributes),
        resource: valuesOf(resource.attributes),
      })),
    ),
  );
}

class Collector {
  constructor() {
    this.spans = [];
    this.requests = 0;
    this.faults = [];
    // What the next requests are answered with; afterwards 200.
    this.answers = [];
    this.server = http.createServer((req, res) => this.take(req, res));
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  take(req, res) {
    const parts = [];
    req.on('data', (part) => parts.push(part));
    req.on('end', () => {
      this.requests++;
      const answer = this.answers.shift();
      if (answer === undefined || answer.status === 200) this.keep(req, Buffer.concat(parts));
      const { status = 200, body = {}, headers = {} } = answer ?? {};
      res.writeHead(status, { 'content-type': 'application/json', ...headers });
      res.end(JSON.stringify(body));
    });
  }

  keep(req, bytes) {
    try {
      assert.equal(`${req.method} ${req.url}`, 'POST /v1/traces');
      assert.equal(req.headers['content-type'], 'application/json');
      const body = JSON.parse(bytes.toString('utf8'));
      request(body, 'request');
      this.spans.push(...spansOf(body));
    } catch (error) {
      this.faults.push(error.message);
    }
  }

  of(traceId) {
    return this.spans.filter((one) => one.traceId === traceId);
  }

  // The spans of a trace by name, once all of these have come.
  async trace(traceId, ...names) {
    const found = await eventually(
      () => {
        const mine = this.of(traceId);
        for (const name of names)
          assert.ok(mine.some((one) => one.name === name), `${name} of ${mine.map((s) => s.name)}`);
        return mine;
      },
      { timeout: 30000 },
    );
    assert.deepEqual(this.faults, []);
    return found;
  }

  stop() {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

module.exports = { Collector };
