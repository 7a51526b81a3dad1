// Any permutation and duplication of the same facts ends in the same balances,
// debts, payouts and states (RULES.md 1), and in those that the oracle says.
//
// A world of bets and facts is drawn from a seed; then it is played several
// times on a live server, each time with customers and events of its own and
// the facts in another order, some told twice.
'use strict';

const assert = require('node:assert/strict');
const { describe, test, before, after } = require('node:test');
const { worldFor, uof, leg, sleep, eventually } = require('../api/lib/world');
const mulberry32 = require('./mulberry32');
const oracle = require('./oracle');

const SEED = Number(process.env.OVERROUND_SEED ?? 20240611);
const WORLDS = Number(process.env.OVERROUND_WORLDS ?? 12);
const ORDERS = 5;

function dice(seed) {
  const whole = mulberry32(seed);
  const next = () => whole() / 2 ** 32;
  const below = (n) => Math.floor(next() * n);
  const shuffle = (items) => {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const j = below(i + 1);
      [out[i], out[j]] = [out[j], out[i]];
    }
    return out;
  };
  return {
    next,
    below,
    shuffle,
    pick: (items) => items[below(items.length)],
    chance: (p) => next() < p,
  };
}

const decimals = (n, places) => (n / 10 ** places).toFixed(places);
const MARKETS = [
  { id: 1, specifiers: '', outcomes: ['1', '2', '3'] },
  { id: 18, specifiers: 'total=2.5', outcomes: ['12', '13'] },
  { id: 16, specifiers: 'hcp=-0.25', outcomes: ['1714', '1715'] },
];

// ---- what is drawn ---------------------------------------------------------

function drawEvents(d) {
  return Array.from({ length: 3 + d.below(3) }, () =>
    d
      .shuffle(MARKETS)
      .slice(0, 1 + d.below(3))
      .map((market) => ({
        ...market,
        prices: Object.fromEntries(
          market.outcomes.map((o) => [o, decimals(10001 + d.below(90000), 4)]),
        ),
      })),
  );
}

function drawLeg(d, events, event) {
  const market = d.pick(events[event]);
  const outcome = d.pick(market.outcomes);
  return { event, market, outcome, odds: market.prices[outcome] };
}

function drawBet(d, events) {
  const n = 1 + d.below(events.length);
  const legs = d
    .shuffle([...events.keys()])
    .slice(0, n)
    .map((e) => drawLeg(d, events, e));
  const stake = decimals(10 + d.below(5000), 2);
  if (n === 1) return { type: 'single', stake, legs };
  if (n === 2 || d.chance(0.3)) return { type: 'multiple', stake, legs };
  const bankers = d.below(n - 1);
  legs.forEach((l, i) => {
    l.banker = i < bankers;
  });
  const sizes = d.shuffle(Array.from({ length: n - bankers }, (_, i) => i + 1));
  return {
    type: 'system',
    stake,
    legs,
    system: sizes.slice(0, 1 + d.below(sizes.length)).sort((a, b) => a - b),
  };
}

function drawResult(d) {
  const result = d.pick([1, 1, 1, 0, 0, 0, -1]);
  if (result === -1) return { result };
  return {
    result,
    voidFactor: d.pick([undefined, undefined, undefined, '0.5', '1', '0.0']),
    deadHeat: d.pick([undefined, undefined, undefined, '0.5', '0.3333', '1.0']),
  };
}

// Windows name bets: they begin and end at the very millisecond of one.
function drawWindow(d, bets) {
  const at = () => (d.chance(0.4) ? undefined : d.below(bets));
  const [a, b] = [at(), at()];
  if (a !== undefined && b !== undefined && a > b) return { start: b, end: a };
  return { start: a, end: b };
}

function drawFact(d, market, bets) {
  const kind = d.pick([
    'settlement',
    'settlement',
    'settlement',
    'cancel',
    'rollback_settlement',
    'rollback_cancel',
  ]);
  if (kind === 'rollback_settlement') return { kind };
  if (kind !== 'settlement') return { kind, ...drawWindow(d, bets) };
  const listed = market.outcomes.filter(() => d.chance(0.9));
  return {
    kind,
    certainty: d.pick([1, 2, 2]),
    outcomes: (listed.length ? listed : market.outcomes).map((id) => ({ id, ...drawResult(d) })),
  };
}

function drawWorld(seed) {
  const d = dice(seed);
  const events = drawEvents(d);
  const bets = Array.from({ length: 6 + d.below(7) }, () => drawBet(d, events));
  const facts = [];
  events.forEach((markets, event) =>
    markets.forEach((market) => {
      for (let n = d.below(5); n > 0; n--) {
        facts.push({ event, market, fact: drawFact(d, market, bets.length) });
      }
    }),
  );
  // A rollback often takes back the window of a cancel that was drawn.
  facts
    .filter((f) => f.fact.kind === 'rollback_cancel' && d.chance(0.8))
    .forEach((f) => {
      const cancels = facts.filter((g) => g.fact.kind === 'cancel' && g.market === f.market);
      if (cancels.length) {
        const { start, end } = d.pick(cancels).fact;
        Object.assign(f.fact, { start, end });
      }
    });
  d.shuffle(facts.keys()).forEach((i, order) => {
    facts[i].time = order;
  });
  return { seed, events, bets, facts };
}

// ---- playing it on the server ----------------------------------------------

const MAKE = {
  settlement: uof.betSettlement,
  cancel: uof.betCancel,
  rollback_settlement: uof.rollbackSettlement,
  rollback_cancel: uof.rollbackCancel,
};

function factXml(play, { event, market, fact, time }) {
  const at = (index) => (index === undefined ? undefined : play.placedMs[index]);
  const outcomes = Object.fromEntries(
    (fact.outcomes ?? []).map((o) => [
      o.id,
      { result: o.result, void: o.voidFactor, deadHeat: o.deadHeat },
    ]),
  );
  return MAKE[fact.kind](
    play.events[event].id,
    [{ id: market.id, specifiers: market.specifiers || undefined, outcomes }],
    {
      certainty: fact.certainty,
      start: at(fact.start),
      end: at(fact.end),
      timestamp: play.base + time,
    },
  );
}

async function placeBets(world, drawn) {
  const play = { base: Date.now(), placedMs: [], ids: [], events: [] };
  for (const markets of drawn.events) {
    play.events.push(
      await world.event(
        markets.map((m) => ({
          id: m.id,
          specifiers: m.specifiers || undefined,
          outcomes: m.prices,
        })),
      ),
    );
  }
  play.fan = await world.customer({ balance: '2000.00' });
  for (const bet of drawn.bets) {
    const legs = bet.legs.map((l) =>
      leg(play.events[l.event], l.market.id, l.outcome, l.odds, {
        specifiers: l.market.specifiers,
        banker: l.banker ?? false,
      }),
    );
    const { id, placed_at: at } = await play.fan.placed(legs, {
      type: bet.type,
      stake: bet.stake,
      system: bet.system,
    });
    play.ids.push(id);
    play.placedMs.push(Date.parse(at));
    await sleep(2); // no two bets in one millisecond
  }
  return play;
}

// ---- what must come out ----------------------------------------------------

const minor = (text) => BigInt(text.replace('.', ''));

// The facts of each market with this play's times, for the oracle.
function factsByMarket(play, drawn) {
  const at = (index) => (index === undefined ? undefined : play.placedMs[index]);
  const map = new Map();
  for (const { event, market, fact, time } of drawn.facts) {
    const key = oracle.marketKey({ event, market: market.id, specifiers: market.specifiers });
    map.set(key, [
      ...(map.get(key) ?? []),
      {
        ...fact,
        producer: 1,
        rank: 'feed',
        timestamp: play.base + time,
        start: at(fact.start),
        end: at(fact.end),
      },
    ]);
  }
  return map;
}

function oracleState(play, drawn) {
  const facts = factsByMarket(play, drawn);
  let purse = 200000n - play.withdrawn;
  let staked = 0n;
  const bets = drawn.bets.map((bet, i) => {
    const { settled, payout, states } = oracle.settle(
      {
        stakeMinor: minor(bet.stake),
        capMinor: 100000000n,
        type: bet.type,
        sizes: bet.system ?? [],
        legs: bet.legs.map((l) => ({
          oddsE4: minor(l.odds),
          banker: l.banker ?? false,
          event: l.event,
          market: l.market.id,
          specifiers: l.market.specifiers,
          outcome: l.outcome,
          acceptedMs: play.placedMs[i],
        })),
      },
      facts,
    );
    purse += (settled ? payout : 0n) - minor(bet.stake);
    staked += settled ? 0n : minor(bet.stake);
    return { state: settled ? 'settled' : 'accepted', payout: settled ? payout : 0n, legs: states };
  });
  return { balance: purse > 0n ? purse : 0n, debt: purse < 0n ? -purse : 0n, staked, bets };
}

async function serverState(play) {
  const wallet = await play.fan.wallet();
  const bets = [];
  for (const id of play.ids) {
    const bet = await play.fan.betById(id);
    bets.push({
      state: bet.state,
      payout: minor(bet.payout ?? '0.00'),
      legs: bet.legs.map((l) => l.state),
    });
  }
  return {
    balance: minor(wallet.balance),
    debt: minor(wallet.debt),
    staked: minor(wallet.staked),
    bets,
  };
}

describe('settlement commutes', () => {
  const world = worldFor({ before, after }, {});

  // All orders of one world; in some, the winnings leave half-way, so that
  // what is taken back later becomes debt.
  async function playOrder(drawn, order) {
    const d = dice(drawn.seed * 1000 + order);
    const play = await placeBets(world(), drawn);
    play.withdrawn = 0n;
    let messages = d.shuffle(drawn.facts);
    messages = d.shuffle([...messages, ...messages.filter(() => d.chance(0.4))]);
    for (const [i, message] of messages.entries()) {
      await world().feed.send(factXml(play, message));
      if (order % 2 === 1 && i === messages.length >> 1) play.withdrawn = await withdrawAll(play);
    }
    return play;
  }

  async function withdrawAll(play) {
    await world().quiet();
    const { balance } = await play.fan.wallet();
    if (minor(balance) === 0n) return 0n;
    assert.equal((await play.fan.withdraw(balance)).status, 201);
    return minor(balance);
  }

  for (let n = 0; n < WORLDS; n++) {
    test(`rule 01: seed ${SEED + n}: ${ORDERS} orders of the same facts, one end`, async () => {
      const drawn = drawWorld(SEED + n);
      const plays = [];
      for (let order = 0; order < ORDERS; order++) plays.push(await playOrder(drawn, order));
      await world().quiet();
      const ends = [];
      for (const play of plays) {
        const want = oracleState(play, drawn);
        await eventually(async () => assert.deepEqual(await serverState(play), want));
        ends.push(want.bets);
      }
      for (const end of ends) assert.deepEqual(end, ends[0], 'the same in every order');
    });
  }

  test('the books agree after all of it', () => world().audit());
});
