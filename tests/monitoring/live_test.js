// A real Prometheus looks at a real server on PostgreSQL under a little load:
// every panel has an answer, a fault's alert reaches Alertmanager's webhook and
// is taken back, and nothing fires without one.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { Collector } = require('../api/lib/collector');
const { makeStore, Postgres } = require('../api/lib/store');
const { connect } = require('../api/lib/ws');
const { openWorld, market, newKey, run, eventually, sleep } = require('../api/lib/world');
const { Prometheus, startWebhook } = require('./lib/prometheus');
const { folder, queries } = require('./lib/rules');

const SETTINGS = {
  'hold-above': '100.00', 'hold-s': '20', 'live-delay-ms': '200', 'producer-silence-s': '600',
  'liability-max': '1000000',
};
const LIVE = { status: { status: 1, match_status: 6, home_score: 0, away_score: 0 } };
const PATIENT = { timeout: 120000, every: 500 };
// What one process on PostgreSQL without Kafka, a broker and ClickHouse has not.
const ABSENT = [
  [/overround_(kafka|mirror|relay|money)_/, 'Kafka'],
  [/overround_feed_told_position/, 'Kafka'],
  [/overround_copy_/, 'object stores'],
  [/overround_edge_country_/, 'a secret that an edge signs with'],
  [/slo:price_freshness/, 'Kafka: books that follow'],
  [/overround_amqp_(connected|held)/, 'an AMQP broker'],
  [/overround_(producer_recoveries|recovery_requests)/, 'an address for recoveries'],
];

describe('Prometheus looks at a server', () => {
  const prometheus = new Prometheus();
  const collector = new Collector();
  let postgres, world, webhook, load, textfile;

  // Alerts wait for a second instead of minutes; their expressions are as deployed.
  function quickRules() {
    const text = fs.readFileSync(path.join(folder, 'alerts.yaml'), 'utf8');
    const file = path.join(world.store.folder, 'alerts.yaml');
    fs.writeFileSync(file, text.replace(/^( {8}for:) \w+$/gm, '$1 1s'));
    return [file, path.join(folder, 'recording.yaml')];
  }

  // What `overround audit --textfile` wrote, as node_exporter would serve it.
  async function serveTextfile() {
    const file = path.join(world.store.folder, 'overround_audit.prom');
    const done = run(['audit', '--store', world.store.url, '--textfile', file]);
    assert.equal(done.status, 0, done.stderr);
    const server = http.createServer((req, res) => {
      res.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' });
      res.end(fs.readFileSync(file));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  before(async () => {
    postgres = new Postgres();
    await collector.start();
    world = await openWorld({ ...SETTINGS, 'trace-otlp': collector.url, 'trace-ratio': '100' }, {
      store: makeStore({ kind: 'postgres', server: postgres.url }),
    });
    webhook = await startWebhook();
    textfile = await serveTextfile();
    const labels = 'role=all,track=stable,namespace=house,pod=all-0';
    await prometheus.start({
      targets: [`${labels}@${world.server.operator}`],
      rules: quickRules(),
      alertmanager: webhook.url,
    });
    prometheus.scrape('node', [`127.0.0.1:${textfile.address().port}`]);
    load = startLoad(world);
  });

  after(async () => {
    await load?.stop();
    await prometheus.stop();
    webhook?.close();
    textfile?.close();
    await world?.close();
    postgres?.stop();
    collector.stop();
  });

  test('both formats are read: text by promtool, OpenMetrics by Prometheus', async () => {
    await eventually(async () => {
      const up = await prometheus.query('up{job="overround"}');
      assert.deepEqual(up.map(({ value }) => value), [1]);
    }, PATIENT);
    const { text } = await world.server.operate('GET', '/metrics');
    const lint = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    assert.equal(lint.status, 0, lint.stdout + lint.stderr);
    const open = await world.server.operate('GET', '/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    });
    assert.match(open.headers['content-type'], /^application\/openmetrics-text; version=1\.0\.0/);
    assert.ok(open.text.endsWith('\n# EOF\n'));
    // only OpenMetrics has units: that is what Prometheus has read
    const { overround_place_seconds: place, overround_bets: bets } =
      await prometheus.api('metadata');
    assert.equal(place[0].unit, 'seconds');
    assert.equal(bets[0].type, 'counter');
  });

  test('each query of each panel has an answer', async () => {
    const asked = queries('20s');
    assert.ok(asked.length > 100);
    let open = asked.filter(({ expr }) => !ABSENT.some(([what]) => what.test(expr)));
    assert.ok(open.length > 0.6 * asked.length, `${open.length} of ${asked.length}`);
    await eventually(async () => {
      const empty = [];
      for (const query of open)
        if ((await prometheus.query(query.expr)).length === 0) empty.push(query);
      open = empty; // what was there once is
      const names = open.map(({ board, panel, expr }) => `${board}: ${panel}: ${expr}`);
      assert.equal(open.length, 0, `no answer:\n${names.join('\n')}`);
    }, PATIENT);
    load.wellUntilNow();
  });

  test('what is said to be absent is absent', async () => {
    for (const { expr } of queries('20s'))
      for (const [what, why] of ABSENT)
        if (what.test(expr) && /^\w*\(*overround_\w+(?<!_total)\)*$/.test(expr))
          assert.deepEqual(await prometheus.query(expr), [], `${expr} without ${why}`);
  });

  test('figures agree with the server: bets, stakes, the clock, memory', async () => {
    const one = async (expr) => {
      const [answer] = await prometheus.query(expr);
      assert.ok(answer, `no answer: ${expr}`);
      return answer.value;
    };
    const accepted = 'overround_bets_total{result="accepted"}';
    await eventually(async () => {
      const seen = await one(accepted);
      const now = await world.metric('overround_bets_total', 'result="accepted"');
      assert.ok(seen > 0 && seen <= now && now - seen < 100, `${seen} of ${now}`);
    }, PATIENT);
    assert.ok(Math.abs(await one('overround_clock_skew_seconds')) < 0.5); // one machine
    const rss = world.rss();
    const said = await one('process_resident_memory_bytes{job="overround"}');
    assert.ok(said > rss / 2 && said < rss * 2, `${said} of ${rss}`);
    const age = Date.now() / 1000 - (await one('process_start_time_seconds{job="overround"}'));
    assert.ok(age > 0 && age < 3600, `${age} s`);
    assert.equal(await one('max(overround_audit_success)'), 1);
    assert.ok((await one('overround_queue_delay_seconds')) >= 0);
  });

  test('a bucket has its example: the trace of a bet', async () => {
    await eventually(async () => {
      const since = Date.now() / 1000 - 600;
      const found = await prometheus.api(`query_exemplars?start=${since}&end=${since + 700}` +
        '&query=overround_place_seconds_bucket');
      assert.match(found[0].exemplars[0].labels.trace_id, /^[0-9a-f]{32}$/);
      assert.ok(Number(found[0].exemplars[0].value) > 0);
    }, PATIENT);
  });

  test("autoscaling's queries have a value a pod", async () => {
    const text = fs.readFileSync(path.join(folder, 'prometheus-adapter.yaml'), 'utf8');
    const rules = [...text.matchAll(/seriesQuery: '(\w+)\{.*\n.*\n.*\n +metricsQuery: '(.*)'/g)];
    assert.equal(rules.length, 5);
    for (const [, series, query] of rules) {
      const expr = query
        .replace('<<.Series>>', series)
        .replace('<<.LabelMatchers>>', 'namespace="house",pod=~"all-0"')
        .replace('<<.GroupBy>>', 'pod');
      const pods = (await prometheus.query(expr)).map(({ metric }) => metric.pod);
      assert.deepEqual(pods, series === 'overround_kafka_lag' ? [] : ['all-0'], expr);
    }
  });

  test('the store is lost: the alert reaches the webhook, and is taken back', async () => {
    await eventually(async () => {
      const names = (await prometheus.firing()).map(({ labels }) => labels.alertname);
      assert.deepEqual(names.filter((name) => !load.causes.has(name)), []);
    }, PATIENT);
    await load.stop();
    postgres.kill();
    const told = (status) => {
      const alerts = webhook.posts.filter(({ path: to }) => to === '/page');
      const found = alerts.flatMap((post) => post.alerts).find(
        (alert) => alert.labels.alertname === 'StoreDown' && alert.status === status,
      );
      assert.ok(found, `no ${status} StoreDown`);
      return found;
    };
    const alert = await eventually(() => told('firing'), PATIENT);
    assert.equal(alert.labels.role, 'all');
    assert.equal(alert.annotations.runbook_url, 'docs/OPERATE.md#storedown');
    assert.match(alert.annotations.summary, /^127\.0\.0\.1:\d+ \(all\) cannot reach the store$/);
    const { alerts } = await prometheus.api('alerts');
    for (const { annotations } of alerts)
      assert.doesNotMatch(annotations.summary, /error expanding template/);
    postgres.restart();
    await eventually(() => told('resolved'), PATIENT);
    await eventually(async () => {
      const names = (await prometheus.firing()).map(({ labels }) => labels.alertname);
      assert.ok(!names.includes('StoreDown'));
    }, PATIENT);
  });
});

// Some of everything that customers, traders and producers do, again and again.
function startLoad(world) {
  let going = true;
  let failure;
  const rounds = (async () => {
    const customer = await world.customer({ balance: '90000.00' });
    const stream = await connect(world.server.public);
    while (going) await round(world, customer, stream).catch((error) => (failure ??= error));
    stream.socket?.destroy();
  })();
  return {
    // Alerts that the load itself causes, with their waits cut to a second.
    causes: new Set(['FeedRefused', 'HttpErrors', 'DebtGrows', 'LoopStalls', 'QueueDelay',
      'PlacementLatencyBudgetBurn', 'PlacementErrorBudgetBurn']),
    wellUntilNow: () => assert.ifError(failure),
    stop: () => {
      going = false;
      return rounds;
    },
  };
}

async function round(world, customer, stream) {
  const desk = (method, route, json) => world.server.operate(method, `/v1/desk/${route}`, { json });
  const event = await world.event(market.oneXTwo());
  const live = await world.event(market.oneXTwo(), LIVE);
  const other = await connect(world.server.public);
  await stream.subscribe({ events: [event.id, live.id] });
  await event.odds(market.oneXTwo('2.10'));
  await world.feed.up();
  await world.feed.post('<nonsense/>');
  const bet = await customer.placed(event.home('2.10'));
  await customer.bet(event.home('9.99')); // refused: the odds have changed
  const key = newKey('copy');
  await customer.bet(event.home('2.10'), { key });
  await customer.bet(event.home('2.10'), { key });
  const delayed = customer.bet(live.home());
  const stopped = customer.bet(live.away());
  await sleep(50);
  await live.stop();
  await Promise.all([delayed, stopped]);
  await customer.call('POST', `/v1/bets/${bet.id}/cashout`,
    { json: { minimum: '0.00' }, key: newKey('cashout') });
  const held = customer.bet(event.home('2.10'), { stake: '150.00' });
  await eventually(async () => {
    const { json } = await desk('GET', 'holds');
    assert.equal(json.holds.length, 1);
    await desk('POST', `holds/${json.holds[0].id}`, { decision: 'accept' });
  });
  await held;
  const where = { event: event.id, market: '1', specifiers: '' };
  const { json: proposed } = await desk('POST', 'voids', { ...where, reason: 'a rehearsal' });
  await desk('POST', `proposals/${proposed.proposal}/confirm`, { reason: 'by the same person' });
  await desk('POST', 'suspend', { scope: { event: event.id }, reason: 'a rehearsal' });
  await customer.withdraw('1.00');
  await customer.call('POST', '/v1/wallet/withdrawals',
    { json: { amount: '99999999.00' }, key: newKey('much') });
  await event.result(1, 0, 0);
  await event.result(0, 1, 0);
  other.socket.destroy();
  await sleep(100);
}
