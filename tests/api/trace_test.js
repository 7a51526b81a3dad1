// Traces: one from a bet's request to its payout, at a collector of our own.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, test, before, after } = require('node:test');
const { Collector } = require('./lib/collector');
const { oneProcess } = require('./lib/shape');
const { openWorld, worldFor, market, eventually } = require('./lib/world');

const hex = (bytes) => crypto.randomBytes(bytes).toString('hex');
const STAGES = ['parse', 'queue', 'judge', 'commit'];
const SETTINGS = { 'trace-ratio': '0.00', 'trace-rate': 1000, 'trace-follow-rate': 1000 };

function parentOf() {
  const traceId = hex(16);
  const spanId = hex(8);
  return { traceId, spanId, header: `00-${traceId}-${spanId}-01` };
}

const betWith = (customer, leg, headers, options = {}) =>
  customer.call('POST', '/v1/bets', {
    json: { stake: '10.00', type: 'single', accept: 'none', legs: [leg], ...options.slip },
    key: options.key ?? `trace-${hex(6)}`,
    headers,
  });

const exported = (world) =>
  world.metric('overround_trace_spans_total', 'result="exported"');

describe('traces', () => {
  const collector = new Collector();
  const options = { ...SETTINGS };
  before(async () => {
    await collector.start();
    options['trace-otlp'] = collector.url;
  });
  const world = worldFor({ before, after }, options);
  after(() => collector.stop());

  const kept = (bet) =>
    world().store.sql(`SELECT parent FROM bet_traces${bet ? ` WHERE bet = ${bet}` : ''}`);

  test('one trace from the request to the payout', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const parent = parentOf();
    const began = BigInt(Date.now()) * 1000000n;
    const answer = await betWith(customer, event.home(), {
      traceparent: parent.header,
      'x-request-id': 'story-1',
    });
    assert.equal(answer.status, 201, answer.text);
    await collector.trace(parent.traceId, 'POST /v1/bets', ...STAGES);
    await event.result(1, 0, 0);
    await customer.becomes(answer.json, { state: 'settled', payout: '20.00' });
    const spans = await collector.trace(parent.traceId, 'settle', 'publish');
    const by = (name) => spans.find((one) => one.name === name);

    const whole = by('POST /v1/bets');
    assert.equal(whole.parentSpanId, parent.spanId);
    assert.equal(whole.kind, 2);
    assert.equal(whole.status, undefined);
    assert.deepEqual(whole.attributes, {
      'http.request.method': 'POST',
      'http.route': '/v1/bets',
      'http.response.status_code': '201',
      'overround.bet.id': answer.json.id,
      'overround.request.id': 'story-1',
    });
    assert.equal(whole.resource['service.name'], 'overround');
    assert.equal(new Set(spans.map((one) => one.spanId)).size, spans.length);
    for (const one of spans) {
      assert.ok(one.end >= one.start, one.name);
      if (one !== whole) assert.equal(one.parentSpanId, whole.spanId, one.name);
    }
    // Each stage lies in the whole, behind the one before.
    assert.ok(whole.start >= began - 1000000000n);
    assert.ok(whole.end <= BigInt(Date.now() + 1000) * 1000000n);
    let end = whole.start;
    for (const name of STAGES) {
      assert.ok(by(name).start >= end, `${name} begins behind the stage before`);
      assert.ok(by(name).end <= whole.end, `${name} ends within the whole`);
      end = by(name).end;
    }
    const context = `00-${parent.traceId}-${whole.spanId}-01`;
    assert.equal(kept(answer.json.id), context, 'what is kept with the bet');
    assert.ok(Number(by('commit').attributes['overround.batch.size']) >= 1);
    const settle = by('settle');
    assert.ok(settle.start >= by('commit').end, 'settled behind the commit');
    assert.equal(settle.attributes['overround.bet.id'], answer.json.id);
    assert.equal(settle.attributes['overround.payout.minor'], '2000');
    assert.equal(settle.attributes['overround.settle.change'], 'settled');
  });

  // Which trace each bucket of a histogram names last.
  async function examples(name) {
    const { text } = await world().server.operate('GET', '/metrics', {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}_bucket`));
    return lines.map((line) => /# \{trace_id="([0-9a-f]{32})"\}/.exec(line)?.[1]).filter(Boolean);
  }

  oneProcess(test)('a traced bet is an example of its buckets', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const parent = parentOf();
    await betWith(customer, event.home(), { traceparent: parent.header });
    for (const name of ['overround_place_seconds', 'overround_commit_seconds'])
      assert.ok((await examples(name)).includes(parent.traceId), name);
  });

  test('a settlement that is corrected is a span more', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const parent = parentOf();
    const { json } = await betWith(customer, event.home(), { traceparent: parent.header });
    await event.result(0, 1, 0);
    await customer.becomes(json, { state: 'settled', payout: '0.00' });
    await event.rollbackSettle({ id: 1 });
    await customer.becomes(json, { state: 'accepted' });
    await eventually(() => {
      const changes = collector
        .of(parent.traceId)
        .filter((one) => one.name === 'settle')
        .map((one) => one.attributes['overround.settle.change']);
      assert.deepEqual(changes, ['settled', 'reopened']);
    });
  });

  test('a refusal says which one, and keeps nothing', async () => {
    const customer = await world().customer({ balance: null });
    const event = await world().event(market.oneXTwo());
    const parent = parentOf();
    const answer = await betWith(customer, event.home(), { traceparent: parent.header });
    assert.equal(answer.code, 'insufficient_funds');
    const spans = await collector.trace(parent.traceId, 'POST /v1/bets', ...STAGES);
    const whole = spans.find((one) => one.name === 'POST /v1/bets');
    assert.equal(whole.attributes['overround.refusal'], 'insufficient_funds');
    assert.equal(whole.attributes['http.response.status_code'], '422');
    assert.equal(whole.attributes['overround.bet.id'], undefined);
    assert.equal(whole.status, undefined);
    assert.equal(spans.find((one) => one.name === 'publish'), undefined);
    assert.doesNotMatch(kept(), new RegExp(parent.traceId));
  });

  test('a malformed bet has a trace, too; a copy has its own', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const [bad, first, copy] = [parentOf(), parentOf(), parentOf()];
    const wrong = { ...event.home(), odds: 2 };
    const answer = await betWith(customer, wrong, { traceparent: bad.header });
    assert.equal(answer.status, 400);
    await collector.trace(bad.traceId, 'POST /v1/bets');
    const key = `copies-${hex(6)}`;
    const answers = await Promise.all(
      [first, copy].map((p) => betWith(customer, event.home(), { traceparent: p.header }, { key })),
    );
    assert.equal(answers[0].json.id, answers[1].json.id);
    for (const p of [first, copy]) await collector.trace(p.traceId, 'POST /v1/bets');
    const commits = [first, copy].map(
      (p) => collector.of(p.traceId).filter((one) => one.name === 'commit').length,
    );
    assert.ok(commits.includes(1), `one of both commits: ${commits}`);
  });

  test('what is not sampled, or malformed, exports nothing', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const { traceId, spanId, header } = parentOf();
    const headers = [
      undefined,
      `00-${traceId}-${spanId}-00`,
      `00-${traceId}-${spanId}-02`,
      `00-${'0'.repeat(32)}-${spanId}-01`,
      `00-${traceId}-${'0'.repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `ff-${traceId}-${spanId}-01`,
      `00-${traceId}-${spanId}-01-more`,
      `00-${traceId}-${spanId}-1`,
      `00-${traceId}-${spanId}`,
      `00-${traceId.slice(1)}g-${spanId}-01`,
      `${header},${header}`,
      `-${header}`,
      'x'.repeat(8000),
    ];
    // Spans of the tests before may still come: of relays, and of settlement.
    const known = new Set(collector.spans.map((one) => one.traceId));
    const had = kept().split('\n').length;
    for (const traceparent of headers) {
      const answer = await betWith(customer, event.home(), traceparent ? { traceparent } : {}, {
        slip: { stake: '0.10' },
      });
      assert.equal(answer.status, 201, `${traceparent}: ${answer.text}`);
    }
    // One that is traced comes behind them, so all of theirs would be here.
    const last = parentOf();
    await betWith(customer, event.home(), { traceparent: last.header });
    await collector.trace(last.traceId, 'POST /v1/bets', 'commit');
    known.add(last.traceId);
    assert.deepEqual(collector.spans.filter((one) => !known.has(one.traceId)), []);
    assert.equal(kept().split('\n').length, had + 1);
  });

  test('a version of tomorrow is read as far as it is known', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const { traceId, spanId } = parentOf();
    await betWith(customer, event.home(), { traceparent: `01-${traceId}-${spanId}-03-new` });
    await collector.trace(traceId, 'POST /v1/bets');
  });

  oneProcess(test)('a busy collector is asked again; what it rejects is counted', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    const failed = () => world().metric('overround_trace_spans_total', 'result="failed"');
    const [retried, refused, partly] = [parentOf(), parentOf(), parentOf()];
    const had = await failed();
    collector.answers.push({ status: 503, headers: { 'retry-after': '1' } }, { status: 429 });
    await betWith(customer, event.home(), { traceparent: retried.header });
    await collector.trace(retried.traceId, 'POST /v1/bets', 'commit');
    assert.equal(await failed(), had);
    collector.answers.push({ status: 400 });
    await betWith(customer, event.home(), { traceparent: refused.header });
    await eventually(async () => assert.ok((await failed()) > had));
    const before = await failed();
    collector.answers.push({ status: 200, body: { partialSuccess: { rejectedSpans: '2' } } });
    await betWith(customer, event.home(), { traceparent: partly.header });
    await collector.trace(partly.traceId, 'POST /v1/bets');
    await eventually(async () => assert.equal(await failed(), before + 2));
  });
});

describe('traces by chance and by rate', () => {
  oneProcess(test)('roots of our own, a share of them and so many a second', async () => {
    const collector = await new Collector().start();
    const world = await openWorld({
      'trace-otlp': collector.url,
      'trace-ratio': '100.00',
      'trace-rate': 2,
      'trace-follow-rate': 0,
    });
    const customer = await world.customer();
    const event = await world.event(market.oneXTwo());
    const parent = parentOf();
    await betWith(customer, event.home(), { traceparent: parent.header });
    const began = Date.now();
    for (let i = 0; i < 12; i++)
      await betWith(customer, event.home(), {}, { slip: { stake: '0.10' } });
    const seconds = (Date.now() - began) / 1000;
    const traces = (result) => world.metric('overround_traces_total', `result="${result}"`);
    const started = await traces('started');
    assert.ok(started >= 1 && started <= 2 + 2 * (seconds + 1), `${started} in ${seconds} s`);
    assert.equal(started + (await traces('limited')), 13); // with the one that is not followed
    assert.equal(await traces('followed'), 0);
    await eventually(() => {
      const roots = collector.spans.filter((one) => one.parentSpanId === undefined);
      assert.equal(roots.length, started);
    });
    assert.deepEqual(collector.of(parent.traceId), []);
    assert.deepEqual(collector.faults, []);
    await world.close();
    await collector.stop();
  });

  oneProcess(test)('a collector that is down: bets go on, spans are counted', async () => {
    const gone = await new Collector().start();
    await gone.stop();
    const world = await openWorld({
      ...SETTINGS,
      'trace-otlp': gone.url,
      'trace-ratio': '100.00',
      'trace-rate': 1000000,
    });
    const customer = await world.customer({ balance: '1000.00' });
    const event = await world.event(market.oneXTwo());
    const place = () => betWith(customer, event.home(), {}, { slip: { stake: '0.10' } });
    const lost = async () =>
      (await world.metric('overround_trace_spans_total', 'result="failed"')) +
      (await world.metric('overround_trace_spans_total', 'result="dropped"'));
    // More than fit in what waits: 8,192 spans, six a bet.
    for (let i = 0; i < 60; i++) {
      const answers = await Promise.all(Array.from({ length: 32 }, place));
      for (const answer of answers) assert.equal(answer.status, 201, answer.text);
    }
    await eventually(async () => assert.ok((await lost()) > 0), { timeout: 30000 });
    assert.equal(await exported(world), 0);
    await eventually(() => assert.match(world.server.log, /the collector takes no spans/));
    assert.equal((await place()).status, 201);
    await world.close();
  });

  test('contexts go when their time is over', async () => {
    const collector = await new Collector().start();
    const world = await openWorld({
      'trace-otlp': collector.url,
      'trace-ratio': '100.00',
      'trace-rate': 1000,
      'trace-keep-hours': 0,
    });
    const customer = await world.customer();
    const event = await world.event(market.oneXTwo());
    await customer.placed(event.home());
    const { traceId } = await eventually(() => {
      const whole = collector.spans.find((one) => one.name === 'POST /v1/bets');
      assert.ok(whole);
      return whole;
    });
    await eventually(() => assert.equal(world.store.sql('SELECT * FROM bet_traces'), ''), {
      timeout: 60000,
    });
    await event.result(1, 0, 0);
    await world.quiet();
    assert.ok(collector.of(traceId).every((one) => one.name !== 'settle'));
    assert.deepEqual(collector.faults, []);
    await world.close();
    await collector.stop();
  });

  test('settings that cannot be', async () => {
    const { run } = require('./lib/server');
    for (const args of [
      ['--trace-otlp', 'localhost:4318'],
      ['--trace-ratio', '100.01'],
    ]) {
      const done = run(['serve', '--check', ...args]);
      assert.equal(done.status, 2, `${args}: ${done.stderr}`);
      assert.match(done.stderr, /trace-/);
    }
  });
});
