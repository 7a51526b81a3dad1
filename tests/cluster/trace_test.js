// One trace over processes: the bet is placed in one, published by another and
// settled by a third.
'use strict';

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { describe, test } = require('node:test');
const { Collector } = require('../api/lib/collector');
const { market, newKey } = require('../api/lib/world');
const { Kafka } = require('./lib/kafka');
const { storyOfKafka } = require('./lib/story');

const hex = (bytes) => crypto.randomBytes(bytes).toString('hex');

describe('a trace over processes', () => {
  test('from the edge to the payout, and on the records', async () => {
    const kafka = new Kafka();
    const collector = await new Collector().start();
    const counts = { feed: 1, odds: 1, bets: 2, settle: 1, web: 1 };
    const options = {
      'trace-otlp': collector.url,
      'trace-ratio': '0.00',
      'trace-follow-rate': 100,
      'log-level': 'debug',
    };
    await storyOfKafka(kafka, { counts, options }, async (world, bus) => {
      const event = await world.event(market.oneXTwo('2.00'));
      const fan = await world.customer();
      const [traceId, spanId, requestId] = [hex(16), hex(8), `edge-${hex(4)}`];
      const answer = await fan.call('POST', '/v1/bets', {
        json: { stake: '10.00', type: 'single', accept: 'any', legs: [event.home()] },
        key: newKey('traced'),
        headers: { traceparent: `00-${traceId}-${spanId}-01`, 'x-request-id': requestId },
      });
      assert.equal(answer.status, 201, answer.text);
      assert.equal(answer.headers['x-request-id'], requestId);
      const untraced = await fan.placed(event.home());
      await event.result(1, 0, 0);
      await fan.becomes(answer.json, { state: 'settled', payout: '20.00' });
      const names = ['POST /v1/bets', 'parse', 'queue', 'judge', 'commit', 'settle', 'publish'];
      await collector.trace(traceId, ...names);

      // The bet and its stake, then that it is settled and its payout.
      const bet = answer.json.id;
      const own = (records, traced) =>
        records.filter(({ value }) => JSON.parse(value).bet === traced);
      const records = ['bets', 'transfers'].flatMap((topic) => own(kafka.records(bus, topic), bet));
      assert.equal(records.length, 4);
      const spans = await collector.trace(traceId, ...names);
      const whole = spans.find((one) => one.name === 'POST /v1/bets');
      assert.equal(whole.parentSpanId, spanId);
      assert.equal(whole.attributes['overround.request.id'], requestId);
      for (const one of spans.filter((s) => s !== whole))
        assert.equal(one.parentSpanId, whole.spanId, one.name);

      const published = spans.filter((one) => one.name === 'publish');
      assert.deepEqual(
        published.map((one) => one.attributes['messaging.destination.name']).sort(),
        ['bets', 'bets', 'transfers', 'transfers'],
      );
      const on = records.map(({ headers }) => /traceparent:([0-9a-f-]+)/.exec(headers)?.[1]);
      assert.deepEqual(on.sort(), published.map((s) => `00-${traceId}-${s.spanId}-01`).sort());
      for (const one of published) assert.equal(one.kind, 4);

      // Who did what: the stages in one process of bets, the rest elsewhere.
      const role = (name) =>
        new Set(spans.filter((s) => s.name === name).map((s) => s.resource['overround.role']));
      for (const name of names.slice(0, 5)) assert.deepEqual(role(name), new Set(['bets']), name);
      for (const name of ['settle', 'publish']) assert.deepEqual(role(name), new Set(['settle']));
      const instances = new Set(spans.map((s) => s.resource['service.instance.id']));
      assert.equal(instances.size, 2);

      // The load balancer names what nobody named; of a bet that is not traced nothing is told.
      const [plain] = own(kafka.records(bus, 'bets'), untraced.id);
      assert.doesNotMatch(plain.headers, /traceparent/);
      const made = await world.server.call('GET', '/v1/events');
      assert.match(made.headers['x-request-id'], /^[0-9a-f]{32}$/);
      assert.equal(new Set(collector.spans.map((s) => s.traceId)).size, 1);
    });
    await collector.stop();
  });
});
