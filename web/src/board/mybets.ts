// The customer's bets: open ones by the stream (or asked for), settled ones by
// page; and cashing out.
import type { AcceptedBet, Bet as Told, Bets, CashedOut, Leg } from 'contract';
import { Cell } from '../shared/cell';
import { newKey, type Problem, sendOnce } from '../shared/api';
import { moneyText } from '../shared/money';
import { parseDecimal } from '../shared/rational';
import { minorOf } from '../shared/money';
import { cashoutOffer } from './cashout';
import { feed, loadWallet, own, session, tokenOf } from './session';

// As the answer to placing has it, or as history does, with more.
export type Bet = Pick<Told, keyof AcceptedBet> & Partial<Told>;
type Page = Omit<Bets, 'bets'> & { bets: Bet[] };

let lastMargin = ''; // the house's, as any bet has told it

function learnMargin(bets: Bet[]) {
  lastMargin = bets.find(({ cashout }) => cashout?.margin)?.cashout?.margin ?? lastMargin;
}

export const openBets = new Cell<Bet[] | null>(null);
export const settledBets = new Cell<Page | null>(null);

export async function loadOpen() {
  if (!session.value) return;
  const { bets } = await own<Bets>('GET', '/v1/bets?state=open&limit=200');
  learnMargin(bets);
  openBets.set(bets);
}

export async function loadSettled(after?: string | null) {
  const query = after ? `&after=${after}` : '';
  const page = await own<Bets>('GET', `/v1/bets?state=settled&limit=30${query}`);
  const before = after ? (settledBets.value?.bets ?? []) : [];
  settledBets.set({ bets: [...before, ...page.bets], next: page.next });
}

export function forgetBets() {
  openBets.set(null);
  settledBets.set(null);
}

// A bet as it is now, from the stream or an answer.
export function takeBet(given: unknown) {
  const bet = given as Bet;
  learnMargin([bet]);
  const open = (openBets.value ?? []).filter(({ id }) => id !== bet.id);
  const settled = settledBets.value;
  const isOpen = bet.state === 'accepted';
  openBets.set(isOpen ? [bet, ...open].sort(newestFirst) : open);
  if (settled) {
    const bets = settled.bets.filter(({ id }) => id !== bet.id);
    settledBets.set({ ...settled, bets: isOpen ? bets : [bet, ...bets].sort(newestFirst) });
  }
}

const newestFirst = (a: Bet, b: Bet) => (a.placed_at < b.placed_at ? 1 : -1);

// The odds at which an open leg could be bought now; null: not now.
function oddsNow(leg: Leg): string | null {
  const market = feed.market(leg.event, leg.market, leg.specifiers);
  const outcome = market?.outcomes.find((o) => o.outcome === leg.outcome);
  const sells = market?.status === 'active' && outcome?.active && feed.freshness.value !== 'stale';
  return sells ? (outcome?.odds ?? null) : null;
}

// The offer for `part` of the stake, or all that remains of it, by the prices
// now, in minor units; null while there is none.
export function offerOf(bet: Bet, part: bigint | null = null): bigint | null {
  const margin = bet.cashout?.margin ?? lastMargin;
  if (bet.state !== 'accepted' || !margin) return null;
  const stake = part ?? minorOf(bet.remaining_stake ?? bet.stake, bet.currency);
  const legs = bet.legs.map((leg) => ({
    odds: leg.odds,
    banker: leg.banker,
    factor: leg.state === 'open' ? null : leg.factor,
    now: leg.state === 'open' ? oddsNow(leg) : null,
  }));
  if (!parseDecimal(margin)) return null;
  return cashoutOffer({ type: bet.type, sizes: bet.system ?? [] }, legs, stake, margin);
}

export type CashoutResult = CashedOut | { problem: Problem };

// Sells the bet, or `stake` of it, for at least `minimum`.
export async function cashOut(
  bet: Bet,
  minimum: bigint,
  stake: bigint | null,
  onUnknown: () => void,
): Promise<CashoutResult> {
  const part = stake === null ? {} : { stake: moneyText(stake, bet.currency) };
  const attempt = {
    key: newKey(),
    path: `/v1/bets/${bet.id}/cashout`,
    body: JSON.stringify({ minimum: moneyText(minimum, bet.currency), ...part }),
    customer: session.value?.customer ?? '',
    what: 'cashout' as const,
  };
  const options = { token: tokenOf, onUnknown };
  const answer = await sendOnce<CashoutResult & Problem>(attempt, options);
  void loadWallet();
  await refresh(bet.id);
  return answer.status < 400 ? answer.body : { problem: answer.body };
}

async function refresh(id: string) {
  try {
    takeBet(await own<Bet>('GET', `/v1/bets/${id}`));
  } catch {
    // the stream or the next load has it
  }
}
