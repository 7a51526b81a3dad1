// What operators see: health, metrics, reports, audit, behind a token.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, run } = require('./lib/world');
const { root } = require('./lib/store');

describe('operators', () => {
  const world = worldFor({ before, after }, {});
  const get = (route, options) => world().server.operate('GET', route, options);

  test('feed and reports need a token, health and metrics do not', async () => {
    for (const token of [undefined, 'wrong', world().server.token.slice(0, -1)]) {
      for (const [method, route] of [
        ['POST', '/v1/feed'],
        ['GET', '/v1/reports/daily'],
      ]) {
        const answer = await world().server.operate(method, route, {
          token,
          type: 'application/xml',
          body: method === 'POST' ? '<alive/>' : undefined,
        });
        assert.equal(answer.status, 401, `${route} with ${token}`);
        assert.equal(answer.code, 'unauthorized');
      }
    }
    for (const route of ['/healthz', '/readyz', '/metrics']) {
      assert.equal((await get(route, { token: undefined })).status, 200, route);
    }
  });

  test('what is running: its version, rules and commit, wherever it is asked', async () => {
    const line = run(['--version']).stdout;
    const said = /^overround (\S+), rules (\S+) \(commit (\S+)\)\n$/.exec(line);
    const [, version, rules, commit] = said;
    assert.equal(version, fs.readFileSync(path.join(root, 'VERSION'), 'utf8').trim());
    assert.match(commit, /^([0-9a-f]{12}(-dirty)?|unknown)$/);
    const { json } = await get('/healthz', { token: undefined });
    assert.deepEqual(json, { status: 'alive', version, commit, rules });
    const labels = `version="${version}",commit="${commit}",rules="${rules}"`;
    assert.equal(await world().metric('overround_build_info', labels), 1);
  });

  test("customers' calls are not on the operator listener, nor the other way", async () => {
    assert.equal((await get('/v1/wallet')).status, 404);
    assert.equal((await world().server.call('POST', '/v1/feed', { body: '<x/>' })).status, 404);
    assert.equal((await world().server.call('GET', '/metrics')).status, 404);
  });

  test('/metrics holds every number of the table, with help and type', async () => {
    const table = fs.readFileSync(path.join(root, 'src/tbl/metrics.h'), 'utf8');
    const names = [...table.matchAll(/^METRIC\(\w+, (\w+), "(\w+)"/gm)];
    assert.ok(names.length > 20);
    const { text, headers } = await get('/metrics');
    assert.match(headers['content-type'], /^text\/plain/);
    const types = {
      COUNTER: 'counter',
      GAUGE: 'gauge',
      INFO: 'gauge',
      COUNTER_US: 'counter',
      GAUGE_MS: 'gauge',
      GAUGE_US: 'gauge',
      HISTOGRAM: 'histogram',
      SIZES: 'histogram',
    };
    for (const [, kind, name] of names) {
      assert.ok(text.includes(`# HELP ${name} `), name);
      assert.ok(text.includes(`# TYPE ${name} ${types[kind]}`), name);
    }
    for (const line of text.trim().split('\n')) {
      assert.match(line, /^(# (HELP|TYPE) .+|[a-z_]+(\{[^}]*\})? (-?[0-9.e+-]+|\+Inf|NaN))$/, line);
    }
  });

  test('the counters move with what happens', async () => {
    const read = async () =>
      Promise.all([
        world().metric('overround_bets_total', 'result="accepted"'),
        world().metric('overround_bets_total', 'result="odds_changed"'),
        world().metric('overround_staked_minor_total', 'currency="EUR"'),
        world().metric('overround_place_seconds_count'),
        world().metric('overround_commit_seconds_count'),
        world().metric('overround_feed_messages_total', 'type="odds_change"'),
        world().metric('overround_feed_refused_total', 'reason="malformed"'),
        world().metric('overround_settle_bets_total', 'result="settled"'),
      ]);
    const customer = await world().customer();
    const first = await read();
    const event = await world().event(market.oneXTwo());
    const bet = await customer.placed(event.home());
    await customer.bet(event.home('1.99'));
    await world().feed.post('<nonsense/>');
    await event.result(1, 0, 0);
    await customer.becomes(bet, { state: 'settled' });
    const grown = (await read()).map((n, i) => n - first[i]);
    assert.deepEqual(grown.slice(0, 3), [1, 1, 1000]);
    assert.ok(grown[3] >= 2 && grown[4] >= 2);
    assert.deepEqual(grown.slice(5), [1, 1, 1]);
  });

  test('ledger gauges are the sums of the accounts', async () => {
    const sums = async () => [
      await world().metric('overround_ledger_balance_minor', 'currency="NOK"'),
      await world().metric('overround_ledger_open_stakes_minor', 'currency="NOK"'),
      await world().metric('overround_accounts', 'currency="NOK"'),
    ];
    const customer = await world().customer({ currency: 'NOK', balance: '50.00' });
    const event = await world().event(market.oneXTwo());
    await customer.placed(event.home(), { stake: '20.00' });
    const { eventually } = require('./lib/world');
    await eventually(async () => assert.deepEqual(await sums(), [3000, 2000, 1]));
  });

  test('the daily report, JSON and CSV', async () => {
    const customer = await world().customer({ currency: 'SEK' });
    const event = await world().event(market.oneXTwo());
    const won = await customer.placed(event.home(), { stake: '10.00' });
    const lost = await customer.placed(event.away(), { stake: '30.00' });
    await customer.placed((await world().event(market.oneXTwo())).home(), { stake: '5.00' });
    await event.result(1, 0, 0);
    await customer.becomes(won, { state: 'settled' });
    await customer.becomes(lost, { state: 'settled' });
    const day = new Date().toISOString().slice(0, 10);
    const { status, json, text } = await get(`/v1/reports/daily?from=${day}&to=${day}`);
    assert.equal(status, 200, text);
    const row = Object.values(json)
      .flat()
      .find((r) => r.currency === 'SEK');
    assert.ok(row, text);
    assert.equal(row.turnover, '45.00');
    assert.equal(row.payouts, '20.00');
    assert.equal(row.ggr, '25.00', 'turnover less payouts');
    assert.ok(text.includes('"10.00"'), 'the open bet may still pay 10.00');
    const csv = await get(`/v1/reports/daily?from=${day}&to=${day}&format=csv`);
    assert.match(csv.headers['content-type'], /^text\/csv/);
    const [head, ...rows] = csv.text.trim().split(/\r?\n/);
    assert.ok(/turnover/.test(head) && /currency/.test(head));
    const cells = rows.find((r) => r.includes('SEK')).split(',');
    assert.equal(cells[head.split(',').indexOf('turnover')], '45.00');
    const bad = await get('/v1/reports/daily?from=yesterday&to=today');
    assert.equal(bad.status, 400);
  });

  test('audit proves the books of the live server, and says it', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    await customer.placed(event.home());
    const audit = run(['audit', '--store', world().store.url]);
    assert.equal(audit.status, 0, audit.stderr);
    assert.ok(audit.stdout.trim().length > 0);
  });
});
