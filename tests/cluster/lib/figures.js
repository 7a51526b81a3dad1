// What the queries of deploy/clickhouse/queries.sql must answer, each by its
// name: from the customers' own bets, and from records made up here.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { root } = require('../../api/lib/store');
const { minor, ms } = require('./evening');

const DAY_MS = 86400000;
const HOLD = 0.0001; // it is rounded

/* ---- records of prices and traffic ---------------------------------------- */

const priced = (market, version, ...outcomes) => ({
  v: 1, e: 1, p: version, event: 'sr:match:1', market, specifiers: '', version, status: 1,
  outcomes: outcomes.map(([fed_e4, odds_e4, active], i) =>
    ({ id: String(i + 1), fed_e4, odds_e4, active })),
});

// Key and value, as in the topic.  One comes twice.
const PRICES = [
  ['m|sr:match:9|1|', null],
  ['m|sr:match:1|1|', priced(1, 5, [20000, 20000, true], [18000, 18000, true])],
  ['m|sr:match:1|1|', priced(1, 5, [20000, 20000, true], [18000, 18000, true])],
  // What is sold counts, not what was fed, and not what is closed.
  ['m|sr:match:1|1|', priced(1, 7, [20000, 19000, true], [18000, 19000, true])],
  ['m|sr:match:1|1|', priced(1, 8, [20000, 20000, false], [18000, 18000, false])],
  ['m|sr:match:1|18|', priced(18, 9, [30000, 30000, true], [30000, 30000, true],
    [30000, 30000, false], [25000, 25000, true])],
  ['e|sr:match:1', {
    v: 1, e: 1, p: 6, event: 'sr:match:1', version: 6, sport: 'sr:sport:1',
    sport_name: 'Foot "ball"\t', start_ms: 1790000000000, match_status: 6,
  }],
  // A proposal of the desk, which is neither.
  ['q|1', {
    v: 1, e: 1, p: 7, event: 'sr:match:1', market: 1, specifiers: '', version: 7, start_ms: 1,
    outcomes: [{ id: '1', result: 1, void_e12: 0, dead_heat_e12: 0 }],
  }],
  ['t', { v: 1, e: 1 }],
];
const MARGIN = {
  'sr:sport:1|1': [2, (1 / 2 + 1 / 1.8 + 2 / 1.9) / 2 - 1],
  'sr:sport:1|18': [1, 2 / 3 + 1 / 2.5 - 1],
};

const requests = (route, method, status, code, n, ms_each) =>
  ({ route, method, status, code, n, us: n * ms_each * 1000 });
const REQUESTS = [
  requests('/', 'GET', 200, '', 20, 1),
  requests('/v1/sessions', 'POST', 201, '', 9, 30),
  requests('/v1/sessions', 'GET', 200, '', 100, 1),
  requests('/v1/bets', 'GET', 200, '', 100, 1),
  requests('/v1/bets', 'POST', 409, 'odds_changed', 3, 2),
  requests('/v1/bets', 'POST', 409, 'market_closed', 4, 1),
  requests('/v1/bets', 'POST', 201, '', 7, 5),
];
const FUNNEL = [
  ['1 page', '', '40', '1'],
  ['2 session', '', '18', '30'],
  ['3 refused', 'market_closed', '8', '1'],
  ['3 refused', 'odds_changed', '6', '2'],
  ['4 accepted', '', '14', '5'],
];

// Of two seconds, each told twice; and what must not count.
function trafficLines(now) {
  const told = (at_ms) => REQUESTS.map((one) =>
    JSON.stringify({ v: 1, kind: 'requests', at_ms, process: 'h:1', ...one }));
  const day = [...told(now), ...told(now - 1000)];
  return [...day, 'not JSON', '{"v":2,"kind":"requests","n":77}', ...day];
}

/* ---- what is known --------------------------------------------------------- */

// { sport, experiment, arms: of all customers, bets }.
async function knownOf(fans, sport, experiment) {
  const known = { sport, experiment, arms: {}, bets: [] };
  for (const fan of fans) {
    const arm = (await fan.read('/v1/sessions')).experiments[experiment];
    known.arms[fan.id] = arm;
    for (const bet of await fan.bets('?limit=200'))
      known.bets.push({
        customer: fan.id, arm, currency: bet.currency, legs: bet.legs,
        placed_ms: ms(bet.placed_at), stake: minor(bet.stake),
        paid: minor(bet.payout) + minor(bet.cashed_out), decided: bet.state !== 'accepted',
      });
  }
  return known;
}

// Bets, or legs with their shares, added up by a key.
function sums(parts, keyOf) {
  const out = {};
  for (const part of parts) {
    const sum = (out[keyOf(part)] ??=
      { n: 0, customers: new Set(), stake: 0, paid: 0, ggr: 0, decided: 0 });
    const share = part.share ?? 1;
    sum.n += 1;
    sum.customers.add(part.customer);
    sum.stake += part.stake * share;
    sum.paid += part.paid * share;
    if (part.decided) {
      sum.ggr += (part.stake - part.paid) * share;
      sum.decided += part.stake * share;
    }
  }
  return out;
}

// Rows by their first columns, the others as numbers.
function byKey(rows, columns) {
  const out = {};
  for (const row of rows) {
    const key = row.slice(0, columns).join('|');
    assert.ok(!(key in out), `${key} comes twice`);
    out[key] = row.slice(columns).map(Number);
  }
  return out;
}

// within: how far each column may be off; missing: not at all.
function same(got, want, within = []) {
  assert.deepEqual(Object.keys(got).sort(), Object.keys(want).sort());
  for (const [key, figures] of Object.entries(want)) {
    assert.equal(got[key].length, figures.length, key);
    for (const [i, figure] of figures.entries()) {
      const near = Math.abs(got[key][i] - figure) <= (within[i] ?? 0);
      assert.ok(near || Object.is(got[key][i], figure), `${key}: ${got[key]}, not ${figures}`);
    }
  }
}

function sameSums(rows, columns, found, figures, within) {
  const want = Object.entries(found).map(([key, sum]) => [key, figures(sum)]);
  same(byKey(rows, columns), Object.fromEntries(want), within);
}

/* ---- each query ------------------------------------------------------------ */

const CHECKS = {
  turnover(rows, { bets, sport }) {
    const day = (bet) => new Date(bet.placed_ms).toISOString().slice(0, 10);
    sameSums(rows, 3, sums(bets, (bet) => `${day(bet)}|${sport}|${bet.currency}`),
      (sum) => [sum.n, sum.stake, sum.paid, sum.ggr, sum.ggr / sum.decided], [0, 0, 0, 0, HOLD]);
  },

  minutes(rows, { bets, sport }) {
    const minute = (bet) => bet.placed_ms - (bet.placed_ms % 60000);
    sameSums(rows, 3, sums(bets, (bet) => `${minute(bet)}|${sport}|${bet.currency}`),
      (sum) => [sum.n, sum.stake, sum.ggr]);
  },

  markets(rows, { bets, sport }) {
    const legs = bets.flatMap((bet) =>
      bet.legs.map((leg) => ({ ...bet, ...leg, share: 1 / bet.legs.length })));
    const key = (leg) => [sport, leg.event, leg.market, leg.specifiers ?? '', leg.currency];
    sameSums(rows, 5, sums(legs, (leg) => key(leg).join('|')),
      (sum) => [sum.n, sum.stake, sum.ggr, sum.ggr / sum.decided], [0, 0.5, 0.5, HOLD]);
    const turnover = rows.map((row) => Number(row[6]));
    assert.deepEqual(turnover, [...turnover].sort((a, b) => b - a), 'the largest first');
  },

  // The minute is when they came: those of one market may be of two.
  margin(rows) {
    const got = {};
    for (const [sport, market, , changes, margin] of rows) {
      const sum = (got[`${sport}|${market}`] ??= [0, 0]);
      sum[1] = (sum[0] * sum[1] + changes * margin) / (sum[0] + Number(changes));
      sum[0] += Number(changes);
    }
    same(got, MARGIN, [0, HOLD]);
  },

  funnel(rows) {
    assert.deepEqual(rows, FUNNEL);
  },

  cohorts(rows, { arms, bets, experiment }) {
    const want = {};
    for (const arm of Object.values(arms)) {
      const customers = Object.values(arms).filter((one) => one === arm).length;
      const { all } = sums(bets.filter((bet) => bet.arm === arm), () => 'all');
      const bettors = all.customers.size;
      want[`${experiment}|${arm}`] = [customers, bettors, bettors / customers, all.ggr];
    }
    same(byKey(rows, 2), want, [0, 0, HOLD]);
  },

  arms(rows, { bets, sport, experiment }) {
    sameSums(rows, 4, sums(bets, (bet) => `${experiment}|${bet.arm}|${sport}|${bet.currency}`),
      (sum) => [sum.n, sum.customers.size, sum.stake, sum.ggr]);
  },
};

// The folder's queries by their names.
function namedQueries() {
  const file = fs.readFileSync(path.join(root, 'deploy/clickhouse/queries.sql'), 'utf8');
  const statements = file.split(/;\s*$/m).filter((text) => /^SELECT/m.test(text));
  return Object.fromEntries(statements.map((text) =>
    [/^-- (\w+): /m.exec(text)?.[1], text.replace(/^--.*$/gm, '').trim()]));
}

// rows(sql): answers it.  names: of all queries when left out.
async function checkFigures(rows, known, names = Object.keys(CHECKS)) {
  const queries = namedQueries();
  assert.deepEqual(Object.keys(queries).sort(), Object.keys(CHECKS).sort(), 'each has its check');
  const of = (name, from, to) =>
    rows(queries[name].replaceAll('{from_ms}', from).replaceAll('{to_ms}', to));
  for (const name of names) {
    try {
      CHECKS[name](await of(name, Date.now() - DAY_MS, Date.now() + DAY_MS), known);
      assert.deepEqual(await of(name, 1, DAY_MS), [], 'long before');
    } catch (error) {
      error.message = `${name}: ${error.message}`;
      throw error;
    }
  }
}

module.exports = { PRICES, checkFigures, knownOf, trafficLines };
