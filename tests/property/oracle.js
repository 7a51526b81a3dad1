// The oracle: what a bet must pay, worked out a second time.
//
// It shares no code and no method with src/: lines are listed one by one
// instead of summed by a recurrence, and every number is a BigInt.
//
//   slip   { stakeMinor, capMinor (0 = none), type, sizes, legs }
//   leg    { oddsE4, banker, event, market, specifiers, outcome, acceptedMs }
//   fact   { kind, rank, producer, timestamp, position,
//            certainty, outcomes: [{ id, result, voidFactor, deadHeat }],
//            start, end }
//
// kind is 'settlement', 'cancel', 'rollback_settlement' or 'rollback_cancel';
// rank is 'feed' (when absent) or 'desk'; position is the place in the feed
// log, by default the place in the list; a missing start or end is open.
// Factors are decimal texts as the feed writes them.
'use strict';

const ONE = 10n ** 12n;
const FULL = 10n ** 28n; // of a leg's factor: 10^12 * 10^12 * 10^4

// '0.5' as 500000000000n, exactly; absent is `missing`.
function e12(text, missing) {
  if (text === undefined || text === null) return missing;
  const [whole, fraction = ''] = String(text).split('.');
  if (!/^\d+$/.test(whole) || !/^\d{0,12}$/.test(fraction)) {
    throw new Error(`not a factor: ${text}`);
  }
  return BigInt(whole + fraction.padEnd(12, '0'));
}

// ---- facts in force: RULES.md 1, 2, 5 ------------------------------------

function identity(fact) {
  return JSON.stringify([
    fact.kind, fact.rank ?? 'feed', fact.producer ?? null, String(fact.timestamp),
    fact.certainty ?? null, String(fact.start ?? null), String(fact.end ?? null),
    [...(fact.outcomes ?? [])]
      .map((o) => [o.id, Number(o.result), String(e12(o.voidFactor, 0n)),
        String(e12(o.deadHeat, ONE))])
      .sort((a, b) => (a[0] < b[0] ? -1 : 1)),
  ]);
}

// Each fact once, where it stood first, oldest first.
function inOrder(facts) {
  const first = new Map();
  facts.forEach((fact, index) => {
    const known = { ...fact, at: BigInt(fact.timestamp), pos: BigInt(fact.position ?? index) };
    const seen = first.get(identity(fact));
    if (!seen || known.pos < seen.pos) first.set(identity(fact), known);
  });
  return [...first.values()].sort((a, b) => {
    if (a.at !== b.at) return a.at < b.at ? -1 : 1;
    return a.pos < b.pos ? -1 : 1;
  });
}

// Tells the story from the oldest fact to the newest: a rollback takes away
// what was said before it.
function factsInForce(facts) {
  let settlements = [];
  let cancels = [];
  const rank = (fact) => fact.rank ?? 'feed';
  const window = (fact) => `${fact.start ?? ''}..${fact.end ?? ''}`;
  for (const fact of inOrder(facts)) {
    if (fact.kind === 'settlement') settlements.push(fact);
    else if (fact.kind === 'cancel') cancels.push(fact);
    else if (fact.kind === 'rollback_settlement') {
      settlements = settlements.filter((s) => rank(s) !== rank(fact));
    } else if (fact.kind === 'rollback_cancel') {
      // The desk takes all its windows back at once.
      cancels = cancels.filter(
        (c) => rank(c) !== rank(fact) || (rank(c) === 'feed' && window(c) !== window(fact)),
      );
    } else throw new Error(`not a kind of fact: ${fact.kind}`);
  }
  const desk = settlements.filter((s) => rank(s) === 'desk');
  const voices = desk.length > 0 ? desk : settlements;
  const certainty = Math.max(...voices.map((s) => Number(s.certainty)));
  const settlement = voices.filter((s) => Number(s.certainty) === certainty).at(-1) ?? null;
  // A cancel of the feed means nothing beside the desk's result.
  if (desk.length > 0) cancels = cancels.filter((c) => rank(c) === 'desk');
  return { settlement, cancels };
}

// A leg's result by the facts of its market: null = open.
function judge(leg, facts) {
  const { settlement, cancels } = factsInForce(facts);
  const accepted = BigInt(leg.acceptedMs);
  const covers = (cancel) =>
    (cancel.start === undefined || cancel.start === null || BigInt(cancel.start) <= accepted) &&
    (cancel.end === undefined || cancel.end === null || accepted < BigInt(cancel.end));
  if (cancels.some(covers)) return { result: 0, voidE12: ONE, deadHeatE12: ONE };
  const said = settlement?.outcomes.findLast((o) => o.id === leg.outcome);
  if (!said || Number(said.result) < 0) return null;
  return {
    result: Number(said.result),
    voidE12: e12(said.voidFactor, 0n),
    deadHeatE12: e12(said.deadHeat, ONE),
  };
}

function stateOf(result) {
  if (result === null) return 'open';
  if (result.voidE12 === ONE) return 'void';
  const wins = result.result === 1 && result.deadHeatE12 > 0n;
  if (result.voidE12 === 0n) return wins ? 'won' : 'lost';
  return wins ? 'half_won' : 'half_lost';
}

// ---- payouts: lines, one by one -------------------------------------------

function* combinations(items, k, from = 0) {
  if (k === 0) {
    yield [];
    return;
  }
  for (let i = from; i + k <= items.length; i++) {
    for (const rest of combinations(items, k - 1, i + 1)) yield [items[i], ...rest];
  }
}

// Every line of a slip, as the legs it needs.
function* linesOf(slip) {
  const all = slip.legs.map((_, index) => index);
  if (slip.type !== 'system') {
    yield all;
    return;
  }
  const bankers = all.filter((i) => slip.legs[i].banker);
  const others = all.filter((i) => !slip.legs[i].banker);
  for (const k of slip.sizes) {
    for (const line of combinations(others, Number(k))) yield [...bankers, ...line];
  }
}

// What a unit on this leg returns, x 10^28.
function factor(leg, result) {
  const odds = BigInt(leg.oddsE4);
  if (result === null) return odds * ONE * ONE; // open: if it wins
  const { voidE12, deadHeatE12 } = result;
  return voidE12 * ONE * 10000n + (ONE - voidE12) * BigInt(result.result) * deadHeatE12 * odds;
}

// The return of one unit on the slip as a fraction, and its lines.
function unitReturn(slip, results) {
  const factors = slip.legs.map((leg, i) => factor(leg, results[i]));
  const sums = new Map(); // by the legs in a line: of products over 10^(28 * legs)
  let lines = 0n;
  let alive = false;
  for (const line of linesOf(slip)) {
    let product = 1n;
    for (const i of line) product *= factors[i];
    sums.set(line.length, (sums.get(line.length) ?? 0n) + product);
    lines += 1n;
    alive ||= product > 0n;
  }
  const most = Math.max(...sums.keys());
  let num = 0n;
  for (const [length, sum] of sums) num += sum * FULL ** BigInt(most - length);
  return { num, den: lines * FULL ** BigInt(most), lines, alive };
}

// results: one for each leg, null = open.  `settled`: the payout is fixed,
// because nothing is open or because every line holds a leg that is lost.
// payoutIfWon takes open legs to win; neither odds nor payoutIfWon is capped.
function grade(slip, results) {
  const { num, den, lines, alive } = unitReturn(slip, results);
  const exact = (BigInt(slip.stakeMinor) * num) / den;
  const cap = BigInt(slip.capMinor ?? 0);
  const settled = !alive || results.every((result) => result !== null);
  const ifWon = unitReturn(slip, slip.legs.map(() => null));
  return {
    settled,
    payout: settled ? (cap > 0n && exact > cap ? cap : exact) : null,
    payoutIfWon: exact,
    lines,
    oddsE4: (10000n * ifWon.num) / ifWon.den,
    states: results.map(stateOf),
  };
}

function marketKey({ event, market, specifiers }) {
  return `${event}/${market}/${specifiers ?? ''}`;
}

// The end state of a bet.  factsByMarket: a Map from marketKey(leg) to the
// list of that market's facts.
function settle(slip, factsByMarket) {
  const results = slip.legs.map((leg) => judge(leg, factsByMarket.get(marketKey(leg)) ?? []));
  return grade(slip, results);
}

module.exports = { factsInForce, judge, stateOf, grade, settle, marketKey, linesOf, e12, ONE };
