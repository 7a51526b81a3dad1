// The slip: what is on it, what it would pay, and sending it - once.
import type { PlaceBetProblem } from 'contract';
import { Cell, KeptCell } from '../shared/cell';
import {
  type Attempt,
  lostAttempts,
  newKey,
  type Problem,
  sendOnce,
  type SendOptions,
} from '../shared/api';
import { moneyText, parseMoney } from '../shared/money';
import { oddsValue, sameOdds } from '../shared/odds';
import { compare } from '../shared/rational';
import { lineCount, payout, type Terms } from './betmath';
import { type Bet, takeBet } from './mybets';
import { legKey, type LegId, type LegNames, rememberNames } from './names';
import { currency, feed, loadWallet, notice, session, tokenOf } from './session';

export interface SlipLeg extends LegId {
  odds: string; // those the customer has seen and taken
  banker: boolean;
  names: LegNames;
}

export type Accept = 'none' | 'higher' | 'any';
export type Mode = 'single' | 'multiple' | 'system';

export interface Slip {
  legs: SlipLeg[];
  mode: Mode;
  sizes: number[];
  stake: string;
}

export const slip = new KeptCell<Slip>('slip', { legs: [], mode: 'single', sizes: [2], stake: '' });
export const accept = new KeptCell<Accept>('accept', 'none');
export const slipOpen = new Cell(false); // the sheet of small screens

export const LEGS_MAX = 20;

export type Sending =
  | { state: 'idle' }
  | { state: 'sending'; note: string | null }
  | { state: 'refused'; problem: PlaceBetProblem; legs: SlipLeg[] }
  | { state: 'placed'; bets: Bet[] };

export const sending = new Cell<Sending>({ state: 'idle' });

// ---- what is on it --------------------------------------------------------

export const onSlip = (leg: LegId) =>
  slip.value.legs.some((other) => legKey(other) === legKey(leg));

function change(next: Partial<Slip>) {
  slip.set(sound({ ...slip.value, ...next }));
  if (sending.value.state !== 'sending') sending.set({ state: 'idle' });
}
export const changeSlip = change;

// Modes and sizes that the legs allow.
function sound(next: Slip): Slip {
  const free = next.legs.filter(({ banker }) => !banker).length;
  let { mode, sizes } = next;
  if (next.legs.length < 2) mode = 'single';
  if (mode === 'system' && next.legs.length < 3) mode = 'multiple';
  if (mode === 'system') sizes = sizes.filter((k) => k <= free);
  if (sizes.length === 0) sizes = [Math.min(2, Math.max(1, free))];
  return { ...next, mode, sizes };
}

export function toggleLeg(leg: LegId, odds: string, names: LegNames) {
  const { legs, mode } = slip.value;
  const key = legKey(leg);
  if (legs.some((other) => legKey(other) === key)) {
    change({ legs: legs.filter((other) => legKey(other) !== key) });
    return;
  }
  if (legs.length >= LEGS_MAX) {
    notice.set(`A slip has at most ${LEGS_MAX} selections.`);
    return;
  }
  const next = [...legs, { ...leg, odds, banker: false, names }];
  // A second match makes a multiple; a second pick of one match stays single.
  const grows = legs.length === 1 && legs[0]!.event !== leg.event;
  change({ legs: next, mode: grows && mode === 'single' ? 'multiple' : mode });
}

export function removeLegs(gone: LegId[]) {
  const keys = new Set(gone.map(legKey));
  change({ legs: slip.value.legs.filter((leg) => !keys.has(legKey(leg))) });
}

export function toggleBanker(leg: LegId) {
  const legs = slip.value.legs.map((other) =>
    legKey(other) === legKey(leg) ? { ...other, banker: !other.banker } : other,
  );
  if (legs.some(({ banker }) => !banker)) change({ legs });
}

// ---- what it is worth now -------------------------------------------------

export interface LegNow {
  leg: SlipLeg;
  odds: string; // now, or those taken while it is not known
  status: 'open' | 'suspended' | 'closed';
  moved: boolean;
  higher: boolean;
  bars: boolean; // by the choice of odds changes
}

export function legNow(leg: SlipLeg): LegNow {
  const event = feed.event(leg.event).value;
  const market = feed.market(leg.event, leg.market, leg.specifiers);
  const outcome = market?.outcomes.find((o) => o.outcome === leg.outcome);
  const odds = outcome?.odds ?? leg.odds;
  const order = compare(oddsValue(odds), oddsValue(leg.odds));
  const isOpen = market?.status === 'active' && outcome?.active === true;
  const closed = event?.gone || event?.state === 'ended' || market?.status === 'closed';
  const choice = accept.value;
  return {
    leg,
    odds,
    status: isOpen ? 'open' : closed ? 'closed' : 'suspended',
    moved: order !== 0,
    higher: order > 0,
    bars: order !== 0 && choice !== 'any' && !(choice === 'higher' && order > 0),
  };
}

export function termsOf({ mode, sizes }: Slip): Terms {
  return { type: mode, sizes: mode === 'system' ? sizes : [] };
}

export interface Worth {
  stake: bigint | null; // what was typed; null: no amount
  total: bigint; // all that will be taken
  lines: bigint;
  payout: bigint;
}

export function worth(): Worth {
  const { legs, mode, stake: typed } = slip.value;
  const stake = parseMoney(typed, currency.value);
  const factors = legs.map((leg) => ({
    value: oddsValue(legNow(leg).odds),
    banker: mode === 'system' && leg.banker,
  }));
  const terms = termsOf(slip.value);
  const amount = stake ?? 0n;
  if (mode === 'single') {
    const sum = factors.reduce((all, factor) => all + payout(terms, [factor], amount), 0n);
    const total = amount * BigInt(legs.length);
    return { stake, total, lines: BigInt(legs.length), payout: sum };
  }
  const free = factors.filter(({ banker }) => !banker).length;
  const lines = lineCount(terms, free);
  return { stake, total: amount, lines, payout: payout(terms, factors, amount) };
}

// Legs of one match cannot be combined.
export function relatedLegs(): boolean {
  const { legs, mode } = slip.value;
  return mode !== 'single' && new Set(legs.map(({ event }) => event)).size < legs.length;
}

// ---- sending it -------------------------------------------------------------

// The odds that were shown are the odds taken.
export function takeOdds(shown: LegNow[]) {
  const legs = slip.value.legs.map((leg) => {
    const odds = shown.find((now) => now.leg === leg)?.odds ?? leg.odds;
    return sameOdds(odds, leg.odds) ? leg : { ...leg, odds };
  });
  slip.set({ ...slip.value, legs });
}

function bodyOf(legs: SlipLeg[]): string {
  const { mode, sizes } = slip.value;
  return JSON.stringify({
    stake: moneyText(worth().stake ?? 0n, currency.value),
    type: mode,
    ...(mode === 'system' ? { system: [...sizes].sort((a, b) => a - b) } : {}),
    accept: accept.value,
    legs: legs.map((leg) => ({
      event: leg.event,
      market: leg.market,
      specifiers: leg.specifiers,
      outcome: leg.outcome,
      odds: leg.odds,
      ...(mode === 'system' ? { banker: leg.banker } : {}),
    })),
  });
}

const SLOW_MS = 2500;

const reasons = {
  unreachable: 'No answer yet. We ask again; the bet is placed at most once.',
  pending: 'The bet is being confirmed …',
  busy: 'The server is busy. We ask again; the bet is placed at most once.',
  unauthorized: 'Log in again to see whether the bet was placed.',
  slow: 'Your bet waits for a moment. We check its odds again before we place it.',
};

const options: SendOptions = {
  token: tokenOf,
  onUnknown: (_, why) => sending.set({ state: 'sending', note: reasons[why] }),
};

function newAttempt(body: string): Attempt {
  const customer = session.value?.customer ?? '';
  return { key: newKey(), path: '/v1/bets', body, customer, what: 'bet' };
}

export async function place() {
  try {
    await send();
  } catch {
    sending.set({ state: 'idle' }); // somebody else has logged in
  }
}

// Sends the slip: one bet, or one for each leg.  A refusal stops it and is
// shown; what was accepted has left the slip.
async function send() {
  if (sending.value.state === 'sending' || !session.value) return;
  const { legs, mode } = slip.value;
  const bets: Bet[] = [];
  const parts = mode === 'single' ? legs.map((leg) => [leg]) : [legs];
  const attempts = parts.map((part) => ({ part, attempt: newAttempt(bodyOf(part)) }));
  sending.set({ state: 'sending', note: null });
  // A live delay, or a trader who looks at it.
  const slow = () => sending.value.state === 'sending' && options.onUnknown(0, 'slow');
  const patience = setTimeout(slow, SLOW_MS);
  for (const { part, attempt } of attempts) {
    const answer = await sendOnce<Bet & PlaceBetProblem>(attempt, options);
    if (answer.status >= 400) {
      sending.set({ state: 'refused', problem: answer.body, legs: part });
      break;
    }
    for (const leg of part) rememberNames(leg, leg.names);
    bets.push(answer.body);
    takeBet(answer.body);
    const keys = new Set(part.map(legKey));
    const rest = slip.value.legs.filter((leg) => !keys.has(legKey(leg)));
    slip.set(sound({ ...slip.value, legs: rest }));
  }
  clearTimeout(patience);
  if (sending.value.state !== 'refused') sending.set({ state: 'placed', bets });
  void loadWallet();
}

// What a page before this one sent and never heard of.
export async function finishAttempts() {
  const mine = lostAttempts().filter(({ customer }) => customer === session.value?.customer);
  for (const attempt of mine) {
    const quiet = { token: options.token, onUnknown: () => undefined };
    const answer = await sendOnce<Bet & Problem>(attempt, quiet).catch(() => null);
    if (!answer) return;
    const what = { bet: 'bet', cashout: 'cash-out', deposit: 'deposit', withdrawal: 'withdrawal' };
    const name = what[attempt.what];
    if (answer.status >= 400)
      notice.set(`Your earlier ${name} was refused: ${answer.body.title}.`);
    else notice.set(`Your earlier ${name} has been confirmed.`);
    if (attempt.what === 'bet' && answer.status === 201) takeBet(answer.body);
    void loadWallet();
  }
}

export function clearSlip() {
  change({ legs: [], stake: '' });
}

// The odds that a refusal tells, as far as the stream has not told them yet.
export function takeRefusedOdds(problem: Problem, part: SlipLeg[]) {
  const moved = new Map((problem.legs ?? []).map(({ leg, odds }) => [part[leg], odds]));
  const keys = new Map([...moved].map(([leg, odds]) => [leg && legKey(leg), odds]));
  const legs = slip.value.legs.map((leg) => {
    const odds = keys.get(legKey(leg));
    return odds ? { ...leg, odds } : leg;
  });
  slip.set({ ...slip.value, legs });
}
