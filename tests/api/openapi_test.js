// docs/openapi.yaml and the generated manuals are true of the running binary.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test, before, after } = require('node:test');
const { openWorld, worldFor, market, newKey, run, uof } = require('./lib/world');
const { root } = require('./lib/store');
const { eventually } = require('./lib/wait');
const openapi = require('./lib/openapi');
const { handshake } = require('./lib/ws');

const { document, operations, follow, problems, Driver } = openapi;
const read = (name) => fs.readFileSync(path.join(root, name), 'utf8');
const all = Object.values(operations);

function walk(node, visit, at = '#') {
  if (node === null || typeof node !== 'object') return;
  visit(node, at);
  for (const [name, child] of Object.entries(node)) walk(child, visit, `${at}/${name}`);
}

describe('the document', () => {
  test('has the routes of tbl/routes.h, and no other', () => {
    const table = [
      ...read('src/tbl/routes.h').matchAll(
        /^ROUTE\((\w+), "(\w+)", "([^"]+)", \w+, "[\w ]*", (?:\w+, ){5}"([^"]+)"\)/gm,
      ),
    ].map(
      ([, who, method, route, doc]) =>
        `${who === 'PUBLIC' ? who : 'OPERATOR'} ${method} ${route}: ${doc}`,
    );
    assert.ok(table.length >= 18);
    assert.deepEqual(
      all.map((o) => `${o.listener.toUpperCase()} ${o.method} ${o.path}: ${o.summary}`).sort(),
      table.sort(),
    );
  });

  test('has the parameters that edges let through, which are the table\'s', () => {
    const table = [
      ...read('src/tbl/routes.h').matchAll(
        /^ROUTE\(PUBLIC, "(\w+)", "([^"]+)", \w+, "([\w ]*)",/gm,
      ),
    ].map(([, method, route, query]) => `${method} ${route}: ${query}`);
    const names = (o) => o.parameters.filter((p) => p.in === 'query').map((p) => p.name);
    assert.deepEqual(
      all
        .filter((o) => o.listener === 'public')
        .map((o) => `${o.method} ${o.path}: ${names(o).sort().join(' ')}`)
        .sort(),
      table.sort(),
    );
  });

  test('has the codes of tbl/refusals.h, with their status, in their order', () => {
    const { stdout } = run(['reference', 'refusals']);
    const table = [...stdout.matchAll(/^\| `(\w+)` \| (\d+) \|.*\| ([\w? ]*) \| (?:yes)? \|$/gm)];
    const words = (text, which) => text.split(' ').filter((word) => word && which(word));
    assert.ok(table.length >= 36);
    assert.deepEqual(
      document.components.schemas.Code.enum,
      table.map(([, code]) => code),
    );
    assert.deepEqual(
      Object.entries(document.components['x-refusals']).map(([code, rule]) => [code, rule]),
      table.map(([, code, status, members]) => {
        const may = words(members, (word) => word.endsWith('?')).map((word) => word.slice(0, -1));
        const rule = { status: Number(status), members: words(members, (w) => !w.endsWith('?')) };
        return [code, may.length > 0 ? { ...rule, may } : rule];
      }),
    );
  });

  test('has every member of a refusal among those of a problem, and no other', () => {
    const rules = Object.values(document.components['x-refusals']);
    assert.deepEqual(
      [...new Set(rules.flatMap(({ members, may = [] }) => [...members, ...may]))].sort(),
      Object.keys(document.components.schemas.Problem.properties)
        .filter((name) => !['type', 'title', 'status', 'detail', 'code'].includes(name))
        .sort(),
    );
  });

  test('is what `make docs` makes of tbl/refusals.h', async () => {
    const { openapi: made } = await import('../../scripts/refusals.mjs');
    assert.equal(made(read('docs/openapi.yaml')), read('docs/openapi.yaml'));
  });

  test('has a new rung where its row is', async () => {
    const { openapi: made, refusals } = await import('../../scripts/refusals.mjs');
    const table = refusals();
    const at = table.findIndex(({ code }) => code === 'limit_reached');
    const rung = { code: 'new_rung', status: 422, members: ['maximum'], may: [] };
    const text = made(read('docs/openapi.yaml'), table.toSpliced(at, 0, rung));
    const before = table[at - 1].code;
    assert.match(text, new RegExp(`${before}, new_rung, limit_reached, market_closed`));
    assert.match(text, new RegExp(`- ${before}\\n +- new_rung\\n +- limit_reached\\n`));
    const rule = /\n {4}new_rung: \{ status: 422, members: \[maximum\] \}\n {4}limit_reached/;
    assert.match(text, rule);
  });

  test('lists the codes of each operation, which are those of its statuses', () => {
    const ladder = document.components.schemas.Code.enum;
    const rules = document.components['x-refusals'];
    for (const operation of all) {
      const codes = operation['x-refusals'];
      const rungs = codes.filter((code) => ladder.indexOf(code) < ladder.indexOf('underage'));
      assert.deepEqual(
        rungs,
        ladder.filter((code) => rungs.includes(code)),
        `${operation.operationId}: the ladder's order`,
      );
      assert.deepEqual(
        [...new Set(codes.map((code) => rules[code].status))].sort(),
        Object.keys(operation.responses)
          .map(Number)
          .filter((status) => status >= 400)
          .sort(),
        operation.operationId,
      );
    }
  });

  test('has no dead reference and no unused part', () => {
    const used = new Set();
    walk(document, (node) => {
      if (typeof node.$ref === 'string') {
        follow(node);
        used.add(node.$ref);
      }
    });
    for (const kind of ['parameters', 'headers', 'responses', 'schemas']) {
      for (const name of Object.keys(document.components[kind]))
        assert.ok(used.has(`#/components/${kind}/${name}`), `${kind}/${name} is not used`);
    }
    const schemes = all.flatMap((o) => o.security.flatMap((s) => Object.keys(s)));
    assert.deepEqual(
      [...new Set(schemes)].sort(),
      Object.keys(document.components.securitySchemes).sort(),
    );
  });

  test('closes every object, and its examples are what it says', () => {
    let examples = 0;
    walk(document, (node, at) => {
      if (node.type === 'object') {
        // With properties; else it is a map, whose values have a schema.
        const closed = node.properties ? false : (node.additionalProperties ?? false);
        assert.equal(node.additionalProperties, closed, at);
        for (const name of node.properties ? node.required : [])
          assert.ok(node.properties[name], `${at}: ${name}`);
      }
      for (const { value } of Object.values(node.schema ? (node.examples ?? {}) : {})) {
        assert.deepEqual(problems(node.schema, value), [], at);
        examples += 1;
      }
      if (node.schema && node.example !== undefined)
        assert.deepEqual(problems(node.schema, node.example), [], at);
    });
    assert.ok(examples >= 20);
  });
});

describe('the manuals', () => {
  for (const [name, what] of [
    ['docs/CONFIG.md', 'config'],
    ['docs/METRICS.md', 'metrics'],
    ['docs/REFUSALS.md', 'refusals'],
  ]) {
    test(`${name} is what \`overround reference ${what}\` prints; else: make docs`, () => {
      const { status, stdout } = run(['reference', what]);
      assert.equal(status, 0);
      assert.equal(read(name), stdout);
    });
  }
  test('docs/EVENTS.md has the table that `overround reference topics` prints', () => {
    const { status, stdout } = run(['reference', 'topics']);
    assert.equal(status, 0);
    assert.match(stdout, /\n\| `traffic` \|/);
    assert.ok(read('docs/EVENTS.md').includes(`\n${stdout}\n`), stdout);
  });
});

describe('the running binary', () => {
  const world = worldFor({ before, after }, { 'bet-rate': 1000, 'login-rate': 1000 });
  const driver = new Driver(world);
  const expect = (...args) => driver.expect(...args);
  const slip = (legs, more = {}) => ({
    stake: '10.00',
    type: [legs].flat().length === 1 ? 'single' : 'multiple',
    legs: [legs].flat(),
    ...more,
  });
  const bet = (customer, want, json, more = {}) =>
    expect('placeBet', want, { token: customer.token, key: newKey(), json, ...more });

  test('METRICS.md has the names of /metrics', async () => {
    const { text } = await expect('getMetrics', 200);
    const metrics = [...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name).sort();
    const manual = [...read('docs/METRICS.md').matchAll(/^\| `(\w+)` \|/gm)];
    assert.deepEqual(manual.map(([, name]) => name).sort(), metrics);
    assert.ok(metrics.length > 20);
  });

  test('health', async () => {
    await expect('getHealth', 200);
    await expect('getReady', 200);
  });

  test('accounts and sessions', async () => {
    const request = openapi.exampleRequest(operations.register);
    await expect('register', 201, request);
    await expect('register', 'already_exists', request);
    const day = `${new Date().getFullYear() - 17}-01-01`;
    await expect('register', 'underage', { json: { ...request.json, date_of_birth: day } });
    const session = await expect('logIn', 201, openapi.exampleRequest(operations.logIn));
    await expect('logIn', 'wrong_credentials', {
      json: { email: request.json.email, password: 'wrong and wrong' },
    });
    await expect('logIn', 'too_large', { json: { email: 'a'.repeat(70000), password: 'b' } });
    await expect('logIn', 'headers_too_large', {
      ...openapi.exampleRequest(operations.logIn),
      headers: { 'x-long': 'a'.repeat(20000) },
    });
    await expect('getSession', 200, { token: session.json.token });
    await expect('logOut', 204, { token: session.json.token });
    await expect('getSession', 'unauthorized', { token: session.json.token });
    await expect('getWallet', 'unauthorized', { token: session.json.token });
  });

  test('the wallet', async () => {
    const { token } = await world().customer({ balance: null });
    const key = newKey();
    const move = (id, want, amount, more) =>
      expect(id, want, { token, key: newKey(), json: { amount }, ...more });
    await move('deposit', 201, '100.00', { key });
    await move('deposit', 201, '100.00', { key });
    await move('deposit', 'key_reused', '100.01', { key });
    await move('deposit', 'key_missing', '1.00', { key: undefined });
    await move('deposit', 'limit_reached', '100000.01');
    await move('deposit', 'malformed', '0');
    await move('deposit', 'malformed', '1.001');
    await move('withdraw', 201, '30');
    await move('withdraw', 'insufficient_funds', '70.01');
    await expect('getWallet', 200, { token });
    const page = await expect('listTransfers', 200, { token, query: { limit: '1' } });
    await expect('listTransfers', 200, { token, query: { after: page.json.next } });
    await expect('listTransfers', 'malformed', { token, query: { after: '7' } });
    await expect('listTransfers', 'malformed', { token, query: { limit: '201' } });
  });

  test('bets of every type, and their lives', async () => {
    const customer = await world().customer();
    const { token } = customer;
    const events = [];
    for (let i = 0; i < 4; i += 1)
      events.push(await world().event([market.oneXTwo(), market.total()]));
    const legs = events.map((event) => event.home());
    const key = newKey();
    const first = await bet(customer, 201, slip(legs[0]), { key });
    assert.equal((await bet(customer, 201, slip(legs[0]), { key })).text, first.text);
    const over = events[0].leg(18, 12, '1.9', { specifiers: 'total=2.5' });
    await bet(customer, 201, slip(over, { accept: 'higher' }));
    await bet(customer, 201, slip(legs.slice(0, 2), { accept: 'any' }));
    const system = { type: 'system', system: [2, 3], stake: '6.00' };
    await bet(customer, 201, slip([{ ...legs[0], banker: true }, ...legs.slice(1)], system));
    await events[0].result(1, 0, 0);
    await events[1].result({ result: 1, void: 0.5 }, 0, 0);
    await customer.becomes(first.json, { state: 'settled', payout: '20.00' });
    await expect('getBet', 200, { token, params: { id: first.json.id } });
    await expect('getBet', 'not_found', { token, params: { id: '1' } });
    await expect('getBet', 'not_found', { token, params: { id: 'one' } });
    const page = await expect('listBets', 200, { token, query: { limit: '2' } });
    await expect('listBets', 200, { token, query: { after: page.json.next, state: 'settled' } });
    await expect('listBets', 200, { token, query: { state: 'open' } });
    await expect('listBets', 'malformed', { token, query: { state: 'lost' } });
    await expect('listTransfers', 200, { token });
    await events[0].rollbackSettle({ id: 1 });
    await customer.becomes(first.json, { state: 'accepted' });
    await expect('getBet', 200, { token, params: { id: first.json.id } });
    await expect('listTransfers', 200, { token });
  });

  test('limits and exclusion', async () => {
    const { token } = await world().customer();
    await expect('getLimits', 200, { token });
    const daily = { kind: 'stake', period: 'day', amount: '5.00' };
    await expect('setLimit', 200, { token, json: daily });
    await expect('setLimit', 200, { token, json: { ...daily, amount: '9.00' } });
    await expect('setLimit', 'malformed', { token, json: { ...daily, kind: 'win' } });
    const event = await world().event(market.oneXTwo());
    const tooMuch = { token, key: newKey(), json: slip(event.home()) };
    await expect('placeBet', 'limit_reached', tooMuch);
    const until = (hours) => ({ until: new Date(Date.now() + hours * 3600000).toISOString() });
    await expect('exclude', 200, { token, json: until(2) });
    await expect('exclude', 'exclusion_stands', { token, json: until(1) });
    await expect('exclude', 'malformed', { token, json: { until: 'later' } });
    await expect('getLimits', 200, { token });
  });

  test('cash-outs', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo('2.00'));
    const { token } = customer;
    const cashOut = (want, id, json) =>
      expect('cashOut', want, { token, key: newKey(), params: { id }, json });
    const { id } = await customer.placed(event.home(), { stake: '10.00' });
    const crumb = await customer.placed(event.home(), { stake: '0.10' });
    await cashOut('not_found', '1', { minimum: '1.00' });
    await cashOut('stake_too_large', id, { minimum: '1.00', stake: '11.00' });
    await cashOut('stake_too_small', id, { minimum: '1.00', stake: '0.01' });
    await cashOut(200, id, { minimum: '1.00', stake: '5.00' });
    await expect('getBet', 200, { token, params: { id } });
    await event.odds(market.oneXTwo('100.00'));
    await cashOut('cashout_moved', id, { minimum: '1.00' });
    await cashOut('cashout_unavailable', crumb.id, { minimum: '0.00' });
    await event.stop();
    await cashOut('market_suspended', id, { minimum: '0.00' });
    await event.odds(market.oneXTwo('2.00'));
    await cashOut(200, id, { minimum: '0.00' });
    await cashOut('bet_closed', id, { minimum: '0.00' });
    await expect('getBet', 200, { token, params: { id } });
    await expect('listTransfers', 200, { token });
  });

  test('refusals of bets', async () => {
    const customer = await world().customer({ balance: '50.00' });
    const event = await world().event([market.oneXTwo(), market.total('1000.00', '1.01')]);
    const other = await world().event(market.oneXTwo());
    const stopped = await world().event(market.oneXTwo());
    await stopped.stop();
    const over = await world().event({ ...market.oneXTwo(), status: -3 });
    const home = event.home();
    await bet(customer, 'malformed', slip({ ...home, odds: '0.99' }));
    await bet(customer, 'key_missing', slip(home), { key: undefined });
    await bet(customer, 'unauthorized', slip(home), { token: 'nonsense' });
    await bet(customer, 'stake_too_small', slip(home, { stake: '0.09' }));
    await bet(customer, 'stake_too_large', slip(home, { stake: '10000.01' }));
    await bet(customer, 'unknown_selection', slip([home, { ...other.home(), outcome: '9' }]));
    await bet(customer, 'related_legs', slip([home, event.away()]));
    await bet(customer, 'market_closed', slip(over.home()));
    await bet(customer, 'market_suspended', slip(stopped.home()));
    await bet(customer, 'odds_changed', slip([home, other.home('2.10')]));
    const huge = event.leg(18, 12, '1000.00', { specifiers: 'total=2.5' });
    await bet(customer, 'payout_too_large', slip(huge, { stake: '9999.00' }));
    const key = newKey();
    await bet(customer, 'insufficient_funds', slip(home, { stake: '50.01' }), { key });
    await bet(customer, 'key_reused', slip(home, { stake: '50.02' }), { key });
  });

  test('what traders see, and their word on held bets', async () => {
    const customer = await world().customer({ balance: '9000.00' });
    const event = await world().event(market.oneXTwo());
    await bet(customer, 201, slip(event.home(), { stake: '1000.00' }));
    await expect('getExposure', 200);
    await expect('getExposure', 200, { query: { event: event.id } });
    await expect('getExposure', 200, { query: { sport: 'sr:sport:1' } });
    await expect('listLargeBets', 200, { query: { limit: '1' } });
    await expect('listLargeBets', 'malformed', { query: { after: 'x' } });
    await expect('getCustomerRisk', 200, { params: { id: customer.id } });
    await expect('getCustomerRisk', 'not_found', { params: { id: '1' } });
    const held = await openWorld({ 'hold-above': '100.00' });
    const waiting = new Driver(() => held);
    try {
      const { token } = await held.customer({ balance: '9000.00' });
      const leg = (await held.event(market.oneXTwo())).home();
      for (const [json, want] of [
        [{ decision: 'decline', reason: 'no' }, 'declined'],
        [{ decision: 'offer', stake: '50.00' }, 'stake_too_large'],
        [{ decision: 'accept' }, 201],
      ]) {
        const answer = waiting.expect('placeBet', want, {
          token,
          key: newKey(),
          json: slip(leg, { stake: '200.00' }),
        });
        const { id } = await eventually(async () => {
          const { json: page } = await waiting.expect('listHolds', 200);
          assert.equal(page.holds.length, 1);
          return page.holds[0];
        });
        await waiting.expect('decideHold', 'malformed', { params: { id }, json: {} });
        await waiting.expect('decideHold', 200, { params: { id }, json });
        await waiting.expect('decideHold', 'not_found', { params: { id }, json });
        await answer;
      }
      for (const what of waiting.seen) driver.seen.add(what);
    } finally {
      await held.close();
    }
  });

  test('the catalogue', async () => {
    const event = await world().event([market.oneXTwo(), market.total()], {
      status: { status: 1, match_status: 6, home_score: 1, away_score: 0, match_time: '12:34' },
    });
    const start = '2030-01-01T15:00:00Z';
    await world().feed.send(uof.fixture(event.id, { home: 'Alpha', away: 'Beta', start }));
    const requests = [
      ['listSports', {}],
      ['listEvents', { query: { sport: 'sr:sport:1', state: 'live', limit: '1' } }],
      ['listEvents', { query: { after: event.id } }],
      ['getEvent', { params: { event: event.id } }],
    ];
    for (const [id, request] of requests) {
      const { headers } = await expect(id, 200, request);
      const again = await driver.send(id, {
        ...request,
        headers: { 'If-None-Match': headers.etag },
      });
      assert.ok([200, 304].includes(again.status)); // 200: the lists may have moved
      await expect(id, 304, { ...request, headers: { 'If-None-Match': '*' } });
    }
    await expect('getEvent', 'not_found', { params: { event: 'sr:match:none' } });
    await expect('listEvents', 'malformed', { query: { state: 'soon' } });
    await expect('listEvents', 'malformed', { query: { limit: '0' } });
    await expect('openStream', 'upgrade_required');
  });

  test('the streams', async () => {
    const event = await world().event(market.oneXTwo());
    const { answer } = await handshake(world().server.public);
    driver.look('openStream', { ...answer, text: '' });
    const path = `/v1/events/${event.id}/stream`;
    const sse = await fetch(world().server.publicUrl + path);
    const headers = Object.fromEntries(sse.headers);
    driver.look('streamEvent', { status: sse.status, headers, text: '' });
    await sse.body.cancel();
    await expect('streamEvent', 'not_found', { params: { event: 'sr:match:none' } });
  });

  test('the pages', async () => {
    const pages = { getBoardPage: 'getAsset', getDeskPage: 'getOperatorAsset' };
    for (const [id, assets] of Object.entries(pages)) {
      const { text } = await expect(id, 200);
      const files = [...text.matchAll(/(?:href|src)="\/\w+\/([^"]+)"/g)].map(([, file]) => file);
      assert.ok(files.length >= 3, text);
      for (const file of files) {
        const { headers } = await expect(assets, 200, { params: { file } });
        const again = { params: { file }, headers: { 'If-None-Match': headers.etag } };
        await expect(assets, 304, again);
      }
      await expect(assets, 'not_found', { params: { file: 'none.js' } });
    }
    const same = ['getEventPage', 'getBetsPage', 'getWalletPage', 'getAccountPage', 'getOpsPage'];
    for (const id of [...Object.keys(pages), ...same]) {
      const request = { params: { event: 'sr:match:42' } };
      await expect(id, 200, request);
      await expect(id, 304, { ...request, headers: { 'If-None-Match': '*' } });
    }
  });

  test('the feed and the report', async () => {
    const xml = { type: 'application/xml', body: uof.alive() };
    await expect('pushFeed', 202, xml);
    await expect('pushFeed', 202, { ...xml, type: 'text/xml; charset=utf-8' });
    await expect('pushFeed', 'unsupported_type', { ...xml, type: 'application/json' });
    const { json } = await expect('pushFeed', 'malformed', { ...xml, body: '<alive\n product=' });
    assert.ok(json.line >= 1 && json.column >= 1);
    await expect('getFeedHealth', 200);
    await expect('getDailyReport', 200);
    const csv = { query: { format: 'csv', from: '2026-01-01', to: '2026-01-31' } };
    const report = await expect('getDailyReport', 200, csv);
    assert.match(report.headers['content-disposition'], /^attachment/);
    await expect('getDailyReport', 200, { headers: { Accept: 'text/csv' } });
    await expect('getDailyReport', 'malformed', { query: { from: 'yesterday' } });
    await expect('getSeriesReport', 200, { query: { minutes: '10' } });
    await expect('getSeriesReport', 'malformed', { query: { minutes: '0' } });
    await expect('getExperimentReport', 200, { query: { experiment: 'slip' } });
    await expect('getExperimentReport', 'malformed', { query: { experiment: "'" } });
  });

  test('the desk', async () => {
    const operator = (name, role) => {
      const add = ['operator', 'add', name, '--role', role];
      const { stdout } = run([...add, '--store', world().store.url]);
      return /token (\S+)$/m.exec(stdout)[1];
    };
    const [trader, senior] = [operator('tom', 'trader'), operator('sue', 'senior')];
    await world().admits(trader, senior);
    const event = await world().event(market.oneXTwo());
    const scope = { event: event.id };
    const where = { event: event.id, market: '1', specifiers: '' };
    const reason = 'agreed';
    const post = (id, want, json, more = {}) =>
      expect(id, want, { token: trader, json: { reason, ...json }, ...more });
    await expect('deskMe', 200, { token: trader });
    await post('deskSuspend', 200, { scope });
    await post('deskResume', 200, { scope: { all: true } });
    await post('deskResume', 200, { scope });
    await post('deskMargin', 200, { scope, margin: '0.06' });
    await post('deskPrice', 200, { ...where, outcome: '1', odds: '2.10' });
    const limits = { scope, stake_max: '100.00', liability_max: null, hold_above: null };
    await post('deskLimits', 'forbidden', limits);
    await post('deskLimits', 200, limits, { token: senior });
    await post('deskFactor', 200, { customer: '1', factor: '0.5' }, { token: senior });
    await expect('deskEvents', 200, { token: trader, query: { state: 'live', limit: 1 } });
    const params = { event: event.id };
    await expect('deskEvent', 200, { token: trader, params });
    const outcomes = ['1', '2', '3'].map((outcome) => ({ outcome, result: 'void' }));
    const { json } = await post('deskResult', 202, { ...where, outcomes });
    await post('deskVoid', 202, where);
    await post('deskWithdrawal', 202, { ...where, kind: 'void' });
    await expect('deskProposals', 200, { token: trader });
    const id = { params: { id: json.proposal }, token: senior };
    await post('deskConfirm', 200, {}, id);
    await post('deskConfirm', 'not_found', {}, id);
    const second = await post('deskVoid', 202, where);
    await post('deskReject', 200, {}, { params: { id: second.json.proposal } });
    await expect('deskAudit', 200, { token: trader });
    await expect('deskAudit', 200, { token: trader, query: { limit: 3 } });
  });

  test('what a request must be, it must be', async () => {
    const { token } = await world().customer();
    for (const operation of all.filter(openapi.bodySchema)) {
      const schema = follow(openapi.bodySchema(operation));
      const request = openapi.exampleRequest(operation);
      const wrong = schema.required.map((name) => {
        const { [name]: gone, ...rest } = request.json;
        assert.ok(gone !== undefined, `${operation.operationId}: ${name} is in the example`);
        return rest;
      });
      for (const [name, part] of Object.entries(schema.properties)) {
        wrong.push({ ...request.json, [name]: 5 });
        if (![follow(part).type].flat().includes('null'))
          wrong.push({ ...request.json, [name]: null });
      }
      wrong.push({ ...request.json, surplus: 'x' }, [], 'text');
      for (const json of wrong) {
        assert.notDeepEqual(openapi.requestFaults(operation, { ...request, json }), []);
        const wrongly = { ...request, json, key: newKey() };
        if (operation.listener === 'public') wrongly.token = token;
        await expect(operation.operationId, 'malformed', wrongly);
      }
    }
  });

  test('what needs a token is refused without one, what does not is not', async () => {
    for (const operation of all) {
      const request = { ...openapi.exampleRequest(operation), token: undefined };
      const { code } = await driver.send(operation.operationId, request);
      assert.equal(code === 'unauthorized', operation.security.length > 0, operation.operationId);
    }
  });

  test('HEAD is GET without a body; other methods are 405 with Allow', async () => {
    for (const route of Object.keys(document.paths)) {
      const here = all.filter((operation) => operation.path === route);
      const base = { public: 'call', operator: 'operate' }[here[0].listener];
      const at = route.replace(/\{\w+\}/, '1');
      if (here.some((o) => o.method === 'GET')) {
        const [get, head] = [
          await world().server[base]('GET', at),
          await world().server[base]('HEAD', at),
        ];
        assert.equal(head.status, get.status, route);
        assert.equal(head.text, '');
      }
      const answer = await world().server[base]('PATCH', at);
      assert.equal(answer.code, 'method_not_allowed', route);
      assert.deepEqual(
        answer.headers.allow.split(', ').sort(),
        here.map((operation) => operation.method).sort(),
      );
      assert.deepEqual(problems(document.components.schemas.Problem, answer.json), []);
    }
  });

  test('too many requests', async () => {
    const slow = await openWorld({ 'bet-rate': 1, 'login-rate': 1 });
    const slowly = new Driver(() => slow);
    try {
      const { token } = await slow.customer({ balance: null });
      for (const id of ['deposit', 'logIn', 'register']) {
        const request = { ...openapi.exampleRequest(operations[id]), token };
        let answer;
        for (let i = 0; i < 30 && answer?.status !== 429; i += 1)
          answer = await slowly.send(id, { ...request, key: request.key && newKey() });
        assert.equal(answer.code, 'too_many_requests', id);
      }
      for (const what of slowly.seen) driver.seen.add(what);
    } finally {
      await slow.close();
    }
  });

  test('from a country that is refused, or nobody knows from where', async () => {
    const { SECRET, sign } = require('./lib/edge');
    const home = await openWorld({ 'edge-secret': SECRET, 'countries-refused': 'US' });
    const abroad = new Driver(() => home);
    try {
      const send = (id, token, country) => abroad.send(id, {
        ...openapi.exampleRequest(operations[id]), token, key: newKey(),
        headers: country ? sign(country) : {},
      });
      const { json } = await send('register', undefined, 'MT');
      for (const id of ['register', 'deposit', 'placeBet']) {
        assert.equal((await send(id, json.token, 'US')).code, 'country_refused', id);
        assert.equal((await send(id, json.token)).code, 'country_unsigned', id);
      }
      for (const country of ['MT', 'US', undefined]) {
        assert.equal((await send('logIn', undefined, country)).status, 201);
        assert.equal((await send('getSession', json.token, country)).status, 200);
      }
      for (const what of abroad.seen) driver.seen.add(what);
    } finally {
      await home.close();
    }
  });

  test('excluded', async () => {
    const customer = await world().customer();
    const event = await world().event(market.oneXTwo());
    await world().server.stop();
    world().store.sql(`UPDATE accounts SET status = 1 WHERE id = ${customer.id}`);
    await world().start();
    await world().feed.up();
    const { token } = customer;
    await bet(customer, 'excluded', slip(event.home()));
    await expect('deposit', 'excluded', { token, key: newKey(), json: { amount: '1.00' } });
    await expect('withdraw', 201, { token, key: newKey(), json: { amount: '1.00' } });
  });

  test('every operation succeeded here, and was refused in every way but these', () => {
    for (const operation of all) {
      for (const status of Object.keys(operation.responses)) {
        if (status >= '400' || status === '202') continue;
        const what = `${operation.operationId} ${status}`;
        assert.ok(driver.seen.has(what), `${what} was not seen`);
      }
    }
    const elsewhere = {
      method_not_allowed: 'above, of every path',
      request_timeout: 'takes half a minute; tests/unit/http_test.c',
      busy: 'needs a store that is gone; tests/crash',
      already_decided: 'needs two that decide at once; tests/api/desk_test.js',
    };
    assert.deepEqual(
      document.components.schemas.Code.enum.filter((code) => !driver.seen.has(code)).sort(),
      Object.keys(elsewhere).sort(),
    );
  });
});
