// The trading desk: what operators do, what customers then see and may bet
// on, and that all of it is in the log.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { oneProcess } = require('./lib/shape');
const { worldFor, market, run } = require('./lib/world');
const { eventually } = require('./lib/wait');
const { connect } = require('./lib/ws');

const tokens = {};

// Named operators exist before the server starts to read them again.
function makeOperators(world) {
  for (const [name, role] of Object.entries({
    tom: 'trader',
    tina: 'trader',
    sue: 'senior',
    sam: 'senior',
    rob: 'reader',
    fin: 'finance',
  })) {
    const add = ['operator', 'add', name, '--role', role];
    const { stdout, stderr } = run([...add, '--store', world.store.url]);
    const match = /token (\S+)$/m.exec(stdout);
    assert.ok(match, stderr);
    tokens[name] = match[1];
  }
}

describe('the desk', () => {
  const world = worldFor({ before, after }, {});
  before(async () => {
    makeOperators(world());
    await world().admits(...Object.values(tokens));
  });

  const send = (who, route, json) =>
    world().server.operate('POST', `/v1/desk/${route}`, { token: tokens[who], json });
  const get = (who, route) =>
    world().server.operate('GET', `/v1/desk/${route}`, { token: tokens[who] });
  const does = async (who, route, json, want = 200) => {
    const answer = await send(who, route, { reason: 'as agreed', ...json });
    assert.equal(answer.status, want, `${route}: ${answer.text}`);
    return answer.json;
  };
  const refused = async (who, route, json, code) =>
    assert.equal((await send(who, route, { reason: 'as agreed', ...json })).code, code, route);
  const view = async (event, id = 1, specifiers = '') => {
    const answer = await get('rob', `events/${event}`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.markets.find((m) => m.market === String(id) && m.specifiers === specifiers);
  };
  const status = async (event, id, specifiers) => (await event.market(id, specifiers)).status;
  const odds = async (event, id = 1) => (await event.market(id)).outcomes.map((o) => o.odds);
  // What the fixture of an event says, with its sport.
  const fixture = (event, sport) =>
    world().feed.send(
      `<fixtures_fixture><fixture id="${event}" start_time="2030-01-01T12:00:00Z"` +
        ' status="not_started">' +
        `<tournament id="t:1" name="Cup"><sport id="${sport}" name="Chess"/></tournament>` +
        '<competitors><competitor id="c:1" name="A"/>' +
        '<competitor id="c:2" name="B"/></competitors>' +
        '</fixture></fixtures_fixture>',
    );

  test('suspends and resumes at four levels, each by itself', async () => {
    const event = await world().event([market.oneXTwo(), market.total()]);
    await fixture(event, 'sr:sport:chess');
    const other = await world().event(market.oneXTwo());
    const customer = await world().customer();
    const scopes = {
      all: { all: true },
      sport: { sport: 'sr:sport:chess' },
      event: { event: `${event}` },
      market: { event: `${event}`, market: '1', specifiers: '' },
    };
    const before_ = (await event.market(1)).version;
    for (const [level, scope] of Object.entries(scopes)) {
      await does('tom', 'suspend', { scope });
      assert.equal(await status(event, 1), 'suspended', level);
      assert.deepEqual((await view(event)).suspended, [level]);
      const total = level === 'market' ? 'active' : 'suspended';
      assert.equal(await status(event, 18, 'total=2.5'), total);
      assert.equal(await status(other, 1), level === 'all' ? 'suspended' : 'active');
      assert.equal((await customer.bet(event.home())).code, 'market_suspended', level);
      await does('tom', 'resume', { scope });
      assert.equal(await status(event, 1), 'active', level);
      await customer.placed(event.home(), { stake: '1.00' });
    }
    assert.ok((await event.market(1)).version > before_);
    await does('tom', 'suspend', { scope: scopes.all });
    await does('tom', 'suspend', { scope: scopes.market });
    await does('tom', 'resume', { scope: scopes.all });
    assert.equal(await status(event, 1), 'suspended', "the market's own holds");
    await does('tom', 'resume', { scope: scopes.market });
    await customer.placed(event.home(), { stake: '1.00' });
  });

  test('a resume opens nothing of the feed, odds nothing of the desk', async () => {
    const event = await world().event(market.oneXTwo());
    await event.stop();
    await does('tom', 'suspend', { scope: { event: `${event}` } });
    await does('tom', 'resume', { scope: { event: `${event}` } });
    assert.equal(await status(event, 1), 'suspended');
    await does('tom', 'suspend', { scope: { event: `${event}` } });
    await event.odds(market.oneXTwo('2.10'));
    assert.equal(await status(event, 1), 'suspended');
    assert.equal((await view(event)).feed_status, 'active');
    await does('tom', 'resume', { scope: { event: `${event}` } });
    assert.equal(await status(event, 1), 'active');
  });

  test('a market that is suspended before it is listed', async () => {
    const event = await world().event(market.oneXTwo());
    await does('tom', 'suspend', { scope: { event: `${event}` } });
    await event.odds([market.oneXTwo(), market.total()]);
    assert.equal(await status(event, 18, 'total=2.5'), 'suspended');
  });

  test('a margin changes what is sold, a price outranks it, the nearest scope wins', async () => {
    const event = await world().event(market.oneXTwo('2.10', '3.40', '3.70'));
    const customer = await world().customer();
    const where = { event: `${event}`, market: '1', specifiers: '' };
    const feed = ['2.10', '3.40', '3.70'];
    // 1/2.10 + 1/3.40 + 1/3.70 = 1.04058; x 1.04058 / 1.1
    await does('tom', 'margin', { scope: { event: `${event}` }, margin: '0.1' });
    assert.deepEqual(await odds(event), ['1.98', '3.21', '3.50']);
    const shown = await view(event);
    assert.equal(shown.margin, '0.10');
    assert.deepEqual(shown.outcomes.map((o) => o.fed), feed);
    assert.equal(shown.overround.fed, '1.0406');
    assert.ok(Number(shown.overround.sold) >= 1.1 && Number(shown.overround.sold) < 1.11);
    assert.equal((await customer.bet(event.home('2.10'))).code, 'odds_changed');
    assert.equal((await customer.placed(event.home('1.98'))).legs[0].odds, '1.98');
    await eventually(async () => {
      const [{ stakes, liability }] = (await view(event)).outcomes;
      assert.deepEqual([stakes, liability], ['10.00', '9.80']);
    });
    await does('tom', 'margin', { scope: where, margin: '0.00' });
    assert.deepEqual(await odds(event), ['2.18', '3.53', '3.85']);
    await does('tom', 'price', { ...where, outcome: '1', odds: '1.75' });
    assert.deepEqual(await odds(event), ['1.75', '3.53', '3.85']);
    await customer.placed(event.home('1.75'), { stake: '1.00' });
    const { version } = await event.market(1);
    await event.odds(market.oneXTwo('2.20', '3.40', '3.70'));
    assert.equal((await odds(event))[0], '1.75', 'the price stays');
    assert.ok((await event.market(1)).version > version, 'the others moved');
    await does('tom', 'price', { ...where, outcome: '1', odds: null });
    await does('tom', 'margin', { scope: where, margin: null });
    await does('tom', 'margin', { scope: { event: `${event}` }, margin: null });
    assert.deepEqual(await odds(event), ['2.20', '3.40', '3.70']);
  });

  test('the stream tells it, at any level', async () => {
    const event = await world().event(market.oneXTwo('2.10', '3.40', '3.70'));
    await fixture(event, 'sr:sport:go');
    const where = { event: `${event}`, market: '1', specifiers: '' };
    const client = await connect(world().server.public);
    await client.subscribe({ events: [event.id] });
    const told = async () => (await client.next('change')).events[0].markets[0];
    for (const scope of [{ all: true }, { sport: 'sr:sport:go' }, { event: `${event}` }, where]) {
      await does('tom', 'suspend', { scope });
      assert.equal((await told()).status, 'suspended', JSON.stringify(scope));
      await does('tom', 'resume', { scope });
      assert.equal((await told()).status, 'active', JSON.stringify(scope));
    }
    await does('tom', 'margin', { scope: { sport: 'sr:sport:go' }, margin: '0.1' });
    assert.deepEqual((await told()).outcomes.map((o) => o.odds), ['1.98', '3.21', '3.50']);
    await does('tom', 'price', { ...where, outcome: '1', odds: '1.75' });
    assert.equal((await told()).outcomes[0].odds, '1.75');
    await does('tom', 'margin', { scope: { sport: 'sr:sport:go' }, margin: null });
    assert.deepEqual((await told()).outcomes.map((o) => o.odds), ['1.75', '3.40', '3.70']);
    await client.end();
  });

  test('limits and factors: who may, and what is shown', async () => {
    const event = await world().event(market.oneXTwo());
    const limits = { stake_max: '100.00', liability_max: null, hold_above: '50.00' };
    await refused('tom', 'limits', { scope: { event: `${event}` }, ...limits }, 'forbidden');
    await does('sue', 'limits', { scope: { event: `${event}` }, ...limits });
    const where = { event: `${event}`, market: '1', specifiers: '' };
    await does('sue', 'limits', { scope: where, ...limits, stake_max: '7.00', hold_above: null });
    assert.deepEqual((await view(event)).limits, {
      stake_max: '7.00',
      liability_max: null,
      hold_above: '50.00',
    });
    const none = { stake_max: null, liability_max: null, hold_above: null };
    await does('sue', 'limits', { scope: { event: `${event}` }, ...none });
    await does('sue', 'limits', { scope: where, ...none });
    await refused('tom', 'factors', { customer: '1', factor: '0.25' }, 'forbidden');
    await does('sue', 'factors', { customer: '1', factor: '0.25' });
  });

  test('a restart keeps all of it', async () => {
    const event = await world().event([market.oneXTwo('2.10', '3.40', '3.70'), market.total()]);
    const where = { event: `${event}`, market: '1', specifiers: '' };
    await does('tom', 'margin', { scope: { event: `${event}` }, margin: '0.1' });
    await does('tom', 'price', { ...where, outcome: '1', odds: '1.75' });
    await does('tom', 'suspend', { scope: { ...where, market: '18', specifiers: 'total=2.5' } });
    const { proposal } = await does('tom', 'voids', where, 202);
    await world().restart();
    await world().feed.up();
    await event.odds([market.oneXTwo('2.10', '3.40', '3.70'), market.total()]);
    assert.deepEqual(await odds(event), ['1.75', '3.21', '3.50']);
    assert.equal(await status(event, 1), 'active');
    assert.equal(await status(event, 18, 'total=2.5'), 'suspended');
    const { proposals } = (await get('rob', 'proposals')).json;
    assert.deepEqual(
      proposals.map((p) => [p.id, p.what, p.operator, p.from, p.to]),
      [[proposal, 'void', 'tom', null, null]],
    );
    await does('tina', `proposals/${proposal}/reject`, {});
    assert.deepEqual((await get('rob', 'proposals')).json.proposals, []);
    await refused('sue', `proposals/${proposal}/confirm`, {}, 'not_found');
    assert.equal(await status(event, 1), 'active');
  });

  const decided = async (route, json, who = 'tom', by = 'sue') => {
    const { proposal } = await does(who, route, json, 202);
    return does(by, `proposals/${proposal}/confirm`, {});
  };
  const home = (a, b, c) => [
    { outcome: '1', result: a },
    { outcome: '2', result: b },
    { outcome: '3', result: c },
  ];

  test('a result needs two operators, pays, and outranks the feed until withdrawn', async () => {
    const event = await world().event(market.oneXTwo());
    const customer = await world().customer();
    const bet = await customer.placed(event.home());
    const where = { event: `${event}`, market: '1', specifiers: '' };
    const result = { ...where, outcomes: home('won', 'lost', 'lost') };
    const { proposal } = await does('sue', 'results', result, 202);
    assert.equal((await customer.betById(bet.id)).state, 'accepted');
    assert.equal(await status(event, 1), 'active');
    const confirm = `proposals/${proposal}/confirm`;
    await refused('sue', confirm, {}, 'forbidden');
    await refused('tom', confirm, {}, 'forbidden');
    await does('sam', confirm, {});
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
    assert.equal(await status(event, 1), 'suspended');
    await does('tom', 'resume', { scope: where });
    assert.equal(await status(event, 1), 'suspended', 'what is decided is not sold');
    assert.deepEqual((await view(event)).suspended, ['result']);
    await refused('sam', confirm, {}, 'not_found');

    await event.result(0, 0, 1, { certainty: 2 });
    await event.cancel({ id: 1 });
    await world().quiet();
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
    await decided('withdrawals', { ...where, kind: 'result' });
    await customer.becomes(bet, { state: 'settled', payout: '10.00' });
    await event.rollbackCancel({ id: 1 });
    await customer.becomes(bet, { state: 'settled', payout: '0.00' });
    const refusals = await world().metric('overround_desk_refused_total', 'reason="self_confirm"');
    assert.equal(refusals, 1);
  });

  test('a void: of a window, and of all; withdrawn, the result stands again', async () => {
    const event = await world().event(market.oneXTwo());
    const customer = await world().customer();
    const first = await customer.placed(event.home());
    const { placed_at: at } = await customer.betById(first.id);
    const to = new Date(Date.parse(at) + 1).toISOString();
    await eventually(() => assert.ok(Date.now() > Date.parse(to)));
    const second = await customer.placed(event.home());
    const where = { event: `${event}`, market: '1', specifiers: '' };
    await decided('voids', { ...where, from: at, to });
    await customer.becomes(first, { state: 'settled', payout: '10.00' });
    assert.equal((await customer.betById(second.id)).state, 'accepted');
    await does('tom', 'resume', { scope: where });
    assert.equal(await status(event, 1), 'active', 'a window that is over may be resumed');
    await event.result(0, 1, 0);
    await customer.becomes(second, { state: 'settled', payout: '0.00' });
    await decided('voids', where);
    await customer.becomes(second, { state: 'settled', payout: '10.00' });
    await decided('withdrawals', { ...where, kind: 'void' });
    await customer.becomes(first, { state: 'settled', payout: '0.00' });
    await customer.becomes(second, { state: 'settled', payout: '0.00' });
  });

  test('half results and dead heats are paid exactly', async () => {
    const event = await world().event([market.handicap(), market.oneXTwo('3.00')]);
    const customer = await world().customer();
    const half = await customer.placed(event.leg(16, 1714, '1.90', { specifiers: 'hcp=-0.25' }));
    const heat = await customer.placed(event.home('3.00'));
    await decided('results', {
      event: `${event}`,
      market: '16',
      specifiers: 'hcp=-0.25',
      outcomes: [
        { outcome: '1714', result: 'half_lost' },
        { outcome: '1715', result: 'half_won' },
      ],
    });
    await customer.becomes(half, { state: 'settled', payout: '5.00' });
    const outcomes = home('won', 'lost', 'won').map((o) =>
      o.result === 'won' ? { ...o, dead_heat_factor: '0.5' } : o,
    );
    await decided('results', { event: `${event}`, market: '1', outcomes });
    await customer.becomes(heat, { state: 'settled', payout: '15.00' });
  });

  test('of two that decide at once, one does', async () => {
    const event = await world().event(market.oneXTwo());
    const where = { event: `${event}`, market: '1', specifiers: '' };
    const { proposal } = await does('tom', 'voids', where, 202);
    const answers = await Promise.all([
      send('sue', `proposals/${proposal}/confirm`, { reason: 'yes' }),
      send('sam', `proposals/${proposal}/reject`, { reason: 'no' }),
      send('sam', `proposals/${proposal}/confirm`, { reason: 'yes' }),
    ]);
    assert.equal(answers.filter((a) => a.status === 200).length, 1);
    for (const { status: code } of answers) assert.ok([200, 404, 409].includes(code), code);
    const { proposals } = (await get('rob', 'proposals')).json;
    assert.ok(!proposals.some((p) => p.id === proposal));
  });

  test('bodies are strict: what is wrong is named', async () => {
    const event = await world().event(market.oneXTwo());
    const where = { event: `${event}`, market: '1', specifiers: '' };
    const twice = [{ outcome: '1', result: 'won' }];
    const wrong = [
      ['suspend', {}, /scope/],
      ['suspend', { scope: {} }, /scope/],
      ['suspend', { scope: { all: true, sport: 'x' } }, /scope/],
      ['suspend', { scope: { all: false } }, /scope/],
      ['suspend', { scope: { market: '1' } }, /scope/],
      ['suspend', { scope: { event: `${event}`, market: 'x' } }, /market/],
      ['suspend', { scope: { all: true }, why: 'x' }, /why/],
      ['suspend', { scope: { all: true }, reason: 'a\u0007' }, /reason/],
      ['suspend', { scope: { all: true }, reason: 'x'.repeat(501) }, /reason/],
      ['margin', { scope: { all: true }, margin: '1.5' }, /margin/],
      ['margin', { scope: { all: true }, margin: 0.05 }, /margin/],
      ['margin', { scope: { all: true } }, /margin/],
      ['price', { ...where, outcome: '1', odds: '1.00' }, /odds/],
      ['price', { ...where, outcome: '9', odds: '2.00' }, /outcome/],
      ['results', { ...where, outcomes: [] }, /outcomes/],
      ['results', { ...where, outcomes: home('won', 'lost', 'maybe') }, /outcomes\[2\]/],
      ['results', { ...where, outcomes: home('won', 'lost').slice(0, 2) }, /outcome 3 is missing/],
      ['results', { ...where, outcomes: [...home('won', 'lost', 'lost'), ...twice] }, /twice/],
      ['voids', { ...where, from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, /to/],
      ['withdrawals', { ...where, kind: 'bet' }, /kind/],
    ];
    for (const [route, json, names] of wrong) {
      const answer = await send('tom', route, { reason: 'x', ...json });
      assert.equal(answer.code, 'malformed', `${route} ${JSON.stringify(json)}: ${answer.text}`);
      assert.match(answer.json.detail, names);
    }
    for (const route of ['margin', 'price', 'results', 'voids', 'withdrawals'])
      assert.match((await send('tom', route, { ...where })).json.detail, /./, route);
    const nowhere = { event: 'sr:match:none', market: '1', specifiers: '' };
    await refused('tom', 'suspend', { scope: { event: 'sr:match:none' } }, 'not_found');
    await refused('tom', 'suspend', { scope: { ...where, market: '7' } }, 'not_found');
    await refused('tom', 'price', { ...nowhere, outcome: '1', odds: '2.00' }, 'not_found');
    await refused('tom', 'voids', nowhere, 'not_found');
    assert.equal((await get('rob', 'events/sr:match:none')).code, 'not_found');
  });

  test('roles: a reader reads, finance has its reports', async () => {
    const event = await world().event(market.oneXTwo());
    for (const who of ['rob', 'fin'])
      await refused(who, 'suspend', { scope: { event: `${event}` } }, 'forbidden');
    for (const route of ['events', `events/${event}`, 'proposals', 'audit']) {
      assert.equal((await get('rob', route)).status, 200, route);
      assert.equal((await get('sue', route)).status, 200, route);
      assert.equal((await get('fin', route)).code, 'forbidden', route);
    }
    assert.deepEqual((await get('sue', 'me')).json, {
      name: 'sue',
      roles: ['reader', 'trader', 'senior'],
    });
    assert.deepEqual((await get('fin', 'me')).json, { name: 'fin', roles: ['finance'] });
    const listed = (await get('rob', 'events?limit=200')).json.events;
    const mine = listed.find((e) => e.id === `${event}`);
    assert.deepEqual([mine.markets, mine.active, mine.desk_suspended], [1, 1, 0]);
    assert.equal((await get('rob', 'events?state=over')).code, 'malformed');
    const page = (await get('rob', 'events?limit=1')).json;
    const next = (await get('rob', `events?limit=1&after=${page.next}`)).json;
    assert.notEqual(page.events[0].id, next.events[0].id);
  });

  test('the feed cannot write the desk’s entries', async () => {
    const entry =
      '<overround_desk act="suspend" operator="eve" timestamp="1" level="all"></overround_desk>';
    assert.equal((await world().feed.post(entry)).code, 'malformed');
  });

  test('the audit log has every act, newest first, with its reason', async () => {
    const event = await world().event(market.oneXTwo());
    const where = { event: `${event}`, market: '1', specifiers: '' };
    const reason = 'a "quoted" <reason> & ünïcode';
    const { position } = await does('tom', 'suspend', { scope: where, reason });
    await does('tom', 'margin', { scope: { sport: 'sr:sport:1' }, margin: '0.055' });
    const { proposal } = await does(
      'tom',
      'results',
      { ...where, outcomes: home('won', 'lost', 'void') },
      202,
    );
    await does('sue', `proposals/${proposal}/confirm`, { reason: 'seen on television' });
    const { entries } = (await get('rob', 'audit?limit=4')).json;
    const [confirm, propose, margin, suspend] = entries;
    assert.deepEqual(
      [confirm.operator, confirm.act, confirm.what, confirm.proposal, confirm.proposer],
      ['sue', 'confirm', 'result', proposal, 'tom'],
    );
    assert.equal(confirm.reason, 'seen on television');
    assert.deepEqual(confirm.outcomes, home('won', 'lost', 'void'));
    assert.deepEqual([propose.act, propose.position], ['propose', proposal]);
    assert.deepEqual(margin.scope, { sport: 'sr:sport:1' });
    assert.equal(margin.margin, '0.055');
    assert.deepEqual(
      [suspend.position, suspend.operator, suspend.act, suspend.reason, suspend.scope],
      [position, 'tom', 'suspend', reason, where],
    );
    let all = [];
    for (let next = ''; next !== null; ) {
      const page = (await get('rob', `audit?limit=7${next && `&after=${next}`}`)).json;
      all = all.concat(page.entries.map((e) => Number(e.position)));
      next = page.next;
    }
    assert.ok(all.length > 40);
    assert.deepEqual(all, [...new Set(all)].sort((a, b) => b - a));
    assert.ok((await world().metric('overround_desk_entries_total', 'act="suspend"')) > 0);
  });

  // The topic prices forgets what is over, not what is old.
  oneProcess(test)('what the book has forgotten may be decided while there are bets', async () => {
    const event = await world().event(market.oneXTwo());
    const customer = await world().customer();
    const bet = await customer.placed(event.home());
    await world().quiet(); // settlement has all before it
    // A start that reads no old prices: the event is not in the book.
    await world().server.stop();
    world().options['replay-hours'] = '0';
    await world().start();
    await world().feed.up();
    const where = { event: `${event}`, market: '1', specifiers: '' };
    assert.equal((await get('rob', `events/${event}`)).code, 'not_found');
    await decided('results', { ...where, outcomes: home('won', 'lost', 'lost') });
    await customer.becomes(bet, { state: 'settled', payout: '20.00' });
  });
});
