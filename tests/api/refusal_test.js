// The refusal ladder: every rung with what the client needs to go on, and for
// two faults at once the earlier rung.  The order is part of the API.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, openWorld, market, newKey } = require('./lib/world');

// A fault: what it does to the request { token, key, slip }.  From the most
// permanent to the most transient; `with` are those it cannot be joined with.
const LADDER = [
  {
    code: 'malformed',
    status: 400,
    spoil: (r) => {
      r.slip.accept = 'sometimes';
    },
  },
  {
    code: 'key_missing',
    status: 400,
    spoil: (r) => {
      r.key = undefined;
    },
  },
  {
    code: 'unauthorized',
    status: 401,
    spoil: (r) => {
      r.token = 'nobody';
    },
  },
  {
    code: 'key_reused',
    status: 422,
    spoil: (r, w) => {
      r.key = w.usedKey;
    },
    not: ['key_missing', 'unauthorized'],
  },
  {
    code: 'stake_too_small',
    status: 422,
    spoil: (r) => {
      r.slip.stake = '0.09';
    },
  },
  {
    code: 'stake_too_large',
    status: 422,
    spoil: (r) => {
      r.slip.stake = '500.01';
    },
    not: ['stake_too_small'],
  },
  {
    code: 'unknown_selection',
    status: 422,
    spoil: (r, w) => {
      r.slip.legs.push(w.unknown);
    },
  },
  {
    code: 'related_legs',
    status: 422,
    spoil: (r, w) => {
      r.slip.legs.push(w.related);
    },
  },
  {
    code: 'limit_reached',
    status: 422,
    spoil: (r, w) => {
      r.token = w.limited.token;
    },
    not: ['unauthorized', 'key_reused'],
  },
  {
    code: 'market_closed',
    status: 409,
    spoil: (r, w) => {
      r.slip.legs.push(w.closed);
    },
  },
  {
    code: 'market_suspended',
    status: 409,
    spoil: (r, w) => {
      r.slip.legs.push(w.suspended);
    },
  },
  {
    code: 'odds_changed',
    status: 409,
    spoil: (r, w) => {
      r.slip.legs.push(w.moved);
    },
  },
  {
    code: 'payout_too_large',
    status: 422,
    spoil: (r, w) => {
      r.slip.legs.push(...w.huge);
    },
  },
  {
    code: 'insufficient_funds',
    status: 422,
    spoil: (r, w) => {
      r.token = w.poor.token;
    },
    not: ['unauthorized', 'key_reused', 'limit_reached'],
  },
];

// The other rungs: what brings each about cannot be joined with these faults.
const ELSEWHERE = {
  excluded: 'rule 15, below',
  country_refused: 'country_test.js',
  country_unsigned: 'country_test.js',
  too_many_requests: 'below',
  busy: 'tests/crash',
};

describe('the refusal ladder', () => {
  const world = worldFor({ before, after }, { 'stake-max': '500.00' });
  let w;

  before(async () => {
    const open = (...markets) => world().event(markets);
    const [first, second, closed, suspended, moved, big, bigger] = await Promise.all([
      open(market.oneXTwo(), market.total()),
      open(market.oneXTwo()),
      open(market.oneXTwo()),
      open(market.oneXTwo()),
      open(market.oneXTwo('2.00')),
      open(market.oneXTwo('90000')),
      open(market.oneXTwo('90000')),
    ]);
    await closed.odds({ id: 1, status: -3 });
    await suspended.odds({ id: 1, status: -1 });
    await moved.odds(market.oneXTwo('2.50'));
    w = {
      base: [first.home(), second.home()],
      unknown: { ...first.home(), event: 'sr:match:999999999' },
      related: first.leg(18, 12, '1.95', { specifiers: 'total=2.5' }),
      closed: closed.home(),
      suspended: suspended.home(),
      moved: moved.home('2.00'),
      huge: [big.home('90000'), bigger.home('90000')],
      rich: await world().customer({ balance: '5000.00' }),
      poor: await world().customer({ balance: null }),
      limited: await world().customer({ balance: '5000.00' }),
      usedKey: newKey('used'),
    };
    await w.rich.placed(first.home(), { key: w.usedKey });
    const limit = { kind: 'stake', period: 'day', amount: '0.50' };
    const limited = await w.limited.call('PUT', '/v1/limits', { json: limit });
    assert.equal(limited.status, 200, limited.text);
  });

  test('every rung of tbl/refusals.h is here, in its order, or elsewhere', async () => {
    const { ladder } = await import('../../scripts/refusals.mjs');
    assert.deepEqual(
      ladder().filter((code) => !(code in ELSEWHERE)),
      LADDER.map(({ code }) => code),
    );
  });

  function send(faults) {
    const request = {
      token: w.rich.token,
      key: newKey(),
      slip: { stake: '1.00', type: 'multiple', accept: 'none', legs: [...w.base] },
    };
    for (const fault of faults) fault.spoil(request, w);
    return world().server.call('POST', '/v1/bets', {
      json: request.slip,
      token: request.token,
      key: request.key,
    });
  }

  const needs = {
    stake_too_small: '0.10',
    stake_too_large: '500.00',
    odds_changed: '"2.5',
    payout_too_large: '1000000.00',
    insufficient_funds: '0.00',
    unknown_selection: '"leg":2',
    limit_reached: '0.50',
  };
  for (const fault of LADDER) {
    test(`${fault.status} ${fault.code}, with what the client needs`, async () => {
      const { status, json, headers, text } = await send([fault]);
      assert.equal(status, fault.status, text);
      assert.equal(json.code, fault.code);
      assert.equal(json.status, fault.status);
      for (const member of ['type', 'title', 'detail']) assert.ok(json[member], member);
      assert.match(headers['content-type'], /^application\/problem\+json/);
      assert.ok(text.includes(needs[fault.code] ?? ''), `needs ${needs[fault.code]}: ${text}`);
    });
  }

  LADDER.forEach((early, i) =>
    LADDER.slice(i + 1).forEach((late) => {
      if (early.not?.includes(late.code) || late.not?.includes(early.code)) return;
      test(`${early.code} comes before ${late.code}`, async () => {
        const answer = await send([late, early]);
        assert.equal(answer.code, early.code, answer.text);
      });
    }),
  );

  test('a refusal moves nothing', async () => {
    const before = await w.rich.wallet();
    for (const fault of LADDER) await send([fault]);
    assert.deepEqual(await w.rich.wallet(), before);
  });

  test('the kinds of unknown selection', async () => {
    const event = await world().event(market.oneXTwo());
    const unknown = [
      event.leg(2, 1, '2.00'),
      event.leg(1, 9, '2.00'),
      event.leg(1, 1, '2.00', { specifiers: 'total=1' }),
    ];
    for (const leg of unknown) assert.equal((await w.rich.bet(leg)).code, 'unknown_selection');
  });

  test('an outcome that is not active cannot be bet on', async () => {
    const event = await world().event({
      id: 1,
      outcomes: { 1: { odds: '2.00', active: 0 }, 2: '3.00', 3: { active: 0 } },
    });
    for (const leg of [event.home(), event.away()]) {
      const { status, code } = await w.rich.bet(leg, { accept: 'any' });
      assert.equal(status, 409);
      assert.equal(code, 'market_suspended');
    }
    await w.rich.placed(event.leg(1, 2, '3.00'));
  });

  test('an inactive market is closed to bets, a cancelled one, too', async () => {
    for (const [status, code] of [
      [0, 'market_suspended'],
      [-1, 'market_suspended'],
      [-3, 'market_closed'],
      [-4, 'market_closed'],
    ]) {
      const event = await world().event(market.oneXTwo());
      await event.odds({ id: 1, status });
      const answer = await w.rich.bet(event.home());
      assert.equal(answer.status, 409);
      assert.ok([code, 'market_closed'].includes(answer.code), `${status}: ${answer.code}`);
    }
  });

  test('rule 15: an exclusion refuses bets and deposits, not withdrawals', async () => {
    const own = await openWorld();
    const customer = await own.customer();
    const event = await own.event(market.oneXTwo());
    await own.server.stop();
    own.store.sql(`UPDATE accounts SET excluded_until_ms = ${Date.now() + 3600000}
      WHERE id = ${customer.id}`);
    await own.start();
    await own.feed.up();
    await event.odds(market.oneXTwo());
    const answer = await customer.bet(event.home());
    assert.equal(answer.status, 403, answer.text);
    assert.equal(answer.code, 'excluded');
    assert.equal((await customer.bet({ ...event.home(), outcome: '9' })).code, 'excluded');
    assert.equal((await customer.deposit('1.00')).code, 'excluded');
    assert.equal((await customer.withdraw('100.00')).status, 201);
    await own.close();
  });

  test('too many requests: 429 with Retry-After, and no verdict', async () => {
    const own = await openWorld({ 'bet-rate': '1' });
    const customer = await own.customer();
    const event = await own.event(market.oneXTwo());
    let limited;
    for (let i = 0; i < 40 && limited?.status !== 429; i++) {
      limited = await customer.bet(event.home(), { stake: '0.10', key: `rate-${i}` });
      limited.key = `rate-${i}`;
    }
    assert.equal(limited.status, 429);
    assert.equal(limited.code, 'too_many_requests');
    const wait = Number(limited.headers['retry-after']);
    assert.ok(wait >= 1 && wait <= 60);
    assert.ok(Object.keys(limited.headers).some((name) => name.startsWith('ratelimit')));
    await new Promise((resolve) => setTimeout(resolve, wait * 1000 + 100));
    assert.equal(
      (await customer.bet(event.home(), { stake: '0.10', key: limited.key })).status,
      201,
    );
    await own.close();
  });

  test("the stake limits follow the currency's decimals", async () => {
    const yen = await world().customer({ balance: '10000', currency: 'JPY' });
    const event = await world().event(market.oneXTwo());
    assert.equal((await yen.bet(event.home(), { stake: '501' })).code, 'stake_too_large');
    const bet = await yen.placed(event.home(), { stake: '500' });
    assert.equal(bet.potential_payout, '1000');
  });
});
