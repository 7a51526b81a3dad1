// What everyone may see: sports, events, markets and odds, cacheable.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, market, uof } = require('./lib/world');

describe('catalogue', () => {
  const world = worldFor({ before, after }, {});
  const get = (path, headers) => world().server.call('GET', path, { headers });

  test('an event shows its markets, outcomes and odds', async () => {
    const event = await world().event([
      market.oneXTwo('2.00', '3.40', '4.00'),
      market.total('1.95'),
    ]);
    const { id, version, markets } = await event.read();
    assert.equal(id, event.id);
    assert.ok(version !== undefined);
    assert.equal(markets.length, 2);
    const total = await event.market(18, 'total=2.5');
    assert.equal(total.status, 'active');
    const over = total.outcomes.find((o) => o.outcome === '12');
    assert.equal(Number(over.odds), 1.95);
    assert.equal(over.active, true);
  });

  test('names come from fixture and market descriptions', async () => {
    const event = await world().event();
    await world().feed.send(
      uof.fixture(event.id, {
        home: 'Ajax Amsterdam',
        away: 'Tottenham',
        start: '2031-05-08T19:00:00+00:00',
      }),
    );
    await world().feed.send(
      uof.descriptions([
        { id: 1, name: '1x2', outcomes: { 1: '{$competitor1}', 2: 'draw', 3: '{$competitor2}' } },
        { id: 18, name: 'Total', outcomes: { 12: 'over {total}', 13: 'under {total}' } },
      ]),
    );
    await event.odds([market.oneXTwo(), market.total()]);
    const page = await event.read();
    assert.deepEqual(
      [page.home, page.away, page.start],
      ['Ajax Amsterdam', 'Tottenham', '2031-05-08T19:00:00.000Z'],
    );
    assert.equal(page.sport, 'sr:sport:1');
    const [first, second] = page.markets;
    assert.equal(first.name, '1x2');
    assert.deepEqual(
      first.outcomes.map((o) => o.name),
      ['Ajax Amsterdam', 'draw', 'Tottenham'],
    );
    assert.deepEqual(
      second.outcomes.map((o) => o.name),
      ['over 2.5', 'under 2.5'],
    );
    const { json } = await get('/v1/sports');
    assert.ok(JSON.stringify(json).includes('Soccer'));
  });

  test('score and clock of a live match', async () => {
    const event = await world().event(market.oneXTwo(), {
      status: { status: 1, match_status: 7, home_score: 2, away_score: 1, match_time: '75:02' },
    });
    const page = await event.read();
    assert.ok(JSON.stringify(page.score).includes('2'));
    assert.ok(JSON.stringify(page).includes('75:02'));
    const live = await get(`/v1/events?state=live&limit=200`);
    assert.ok(live.json.events.some((e) => e.id === event.id));
    const upcoming = await get('/v1/events?state=upcoming&limit=200');
    assert.ok(!upcoming.json.events.some((e) => e.id === event.id));
  });

  test('events by sport, page by page', async () => {
    const ids = [];
    for (let i = 0; i < 5; i++) {
      const event = await world().event();
      await world().feed.send(
        uof.fixture(event.id, {
          home: 'A',
          away: 'B',
          sport: ['sr:sport:99', 'Chess'],
          start: '2031-05-08T19:00:00.000Z',
        }),
      );
      await event.odds(market.oneXTwo());
      ids.push(event.id);
    }
    const seen = [];
    let next = null;
    do {
      const path = `/v1/events?sport=sr:sport:99&limit=2${next ? `&after=${next}` : ''}`;
      const { json } = await get(path);
      seen.push(...json.events.map((e) => e.id));
      next = json.next;
    } while (next && seen.length < 20);
    assert.deepEqual(seen.sort(), ids.sort());
  });

  test('paging goes on behind an event that has left the list', async () => {
    const make = async (start) => {
      const event = await world().event();
      const sport = ['sr:sport:98', 'Go'];
      await world().feed.send(uof.fixture(event.id, { home: 'A', away: 'B', sport, start }));
      await event.odds(market.oneXTwo());
      return event;
    };
    const first = await make('2031-05-01T19:00:00.000Z');
    const second = await make('2031-05-02T19:00:00.000Z');
    const page = (query) => get(`/v1/events?sport=sr:sport:98&limit=1${query}`);
    assert.equal((await page('')).json.next, first.id);
    await first.odds(market.oneXTwo(), { status: { status: 3 } });
    const { json } = await page(`&after=${first.id}`);
    assert.deepEqual(json.events.map((e) => e.id), [second.id]);
    assert.deepEqual((await page('&after=sr:match:404')).json, { events: [], next: null });
  });

  test('ETag: 304 while nothing changed, a new one after a change', async () => {
    const event = await world().event(market.oneXTwo('2.00'));
    const first = await get(`/v1/events/${event.id}`);
    const { etag } = first.headers;
    assert.match(etag, /^(W\/)?"[^"]+"$/);
    const same = await get(`/v1/events/${event.id}`, { 'if-none-match': etag });
    assert.equal(same.status, 304);
    assert.equal(same.text, '');
    assert.equal(same.headers.etag, etag);
    await event.odds(market.oneXTwo('2.10'));
    const changed = await get(`/v1/events/${event.id}`, { 'if-none-match': etag });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.etag, etag);
  });

  test('caches may keep it a second and serve it stale', async () => {
    const event = await world().event(market.oneXTwo());
    const control = (await get(`/v1/events/${event.id}`)).headers['cache-control'];
    assert.match(control, /public/);
    assert.match(control, /s-maxage=1(,|$)/);
    assert.match(control, /stale-while-revalidate=\d+/);
  });

  test('money is never cached', async () => {
    const customer = await world().customer();
    const { headers } = await customer.call('GET', '/v1/wallet');
    assert.match(headers['cache-control'] ?? '', /no-store/);
  });

  test('an event nobody knows is 404', async () => {
    for (const id of ['sr:match:404', 'nonsense', '%00', '%zz', 'x'.repeat(300)]) {
      const answer = await get(`/v1/events/${id}`);
      assert.ok([400, 404].includes(answer.status), `${id}: ${answer.status}`);
      assert.ok(['not_found', 'malformed'].includes(answer.code));
    }
  });
});
