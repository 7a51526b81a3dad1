// What the desk asks the operator listener, and what it answers.
import { call, type Problem, Refused } from '../shared/api';

export interface Me {
  name: string;
  roles: string[];
}

export interface Limits {
  stake_max: string | null;
  liability_max: string | null;
  hold_above: string | null;
}

export interface Outcome {
  outcome: string;
  name: string;
  fed: string | null;
  odds: string | null;
  price: string | null; // set by the desk
  active: boolean;
}

export type Level = 'all' | 'sport' | 'event' | 'market' | 'result' | 'void';

export interface Market {
  market: string;
  specifiers: string;
  name: string;
  status: string; // as a customer meets it
  feed_status: string;
  suspended: Level[]; // by the desk, and where
  overround: { fed: string | null; sold: string | null };
  margin: string | null; // set by the desk
  limits: Limits;
  outcomes: Outcome[];
}

export interface EventRow {
  id: string;
  sport: string;
  sport_name: string;
  tournament: string;
  home: string;
  away: string;
  start: string | null;
  state: 'live' | 'upcoming' | 'ended';
  score: { home: string; away: string };
  clock: string;
  markets: number;
  active: number;
  desk_suspended: number;
}

export interface EventDetail extends Omit<EventRow, 'markets' | 'active' | 'desk_suspended'> {
  markets: Market[];
}

export interface Producer {
  id: string;
  name: string;
  state: 'up' | 'down' | 'recovering';
  alive_age_ms: number | null;
}

export interface Leg {
  event: string;
  home?: string;
  away?: string;
  market: string;
  market_name?: string;
  specifiers: string;
  outcome: string;
  outcome_name?: string;
  odds: string;
}

export interface Hold {
  id: string;
  customer: string;
  stake: string;
  currency: string;
  potential_payout: string;
  until: string;
  legs: Leg[];
}

export interface Proposal {
  id: string;
  what: string; // result, void, withdrawal of one
  operator: string;
  at: string;
  reason: string;
  event: string;
  market: string;
  specifiers: string;
  from?: string | null;
  to?: string | null;
  outcomes?: { outcome: string; result: string }[];
}

export interface LargeBet {
  id: string;
  customer: string;
  stake: string;
  currency: string;
  potential_payout: string;
  placed_at: string;
  type: string;
  legs: Leg[];
}

export interface Sums {
  bets: number;
  stakes: string;
  liability: string;
}
export interface ExposureMarket extends Sums {
  market: string;
  specifiers: string;
  name: string;
  worst_case: string;
  outcomes: (Sums & { outcome: string; name: string })[];
}
export interface ExposureEvent extends Sums {
  event: string;
  home: string;
  away: string;
  worst_case: string;
  markets?: ExposureMarket[]; // of one event that was asked for
}
export interface ExposureSport extends Sums {
  sport: string;
  name: string;
  worst_case: string;
  events: ExposureEvent[];
}
export interface Exposure {
  currency: string;
  sports: ExposureSport[];
}

export interface AuditEntry {
  position: string;
  at: string;
  operator: string;
  act: string;
  reason: string;
  scope: Record<string, string | boolean> | null;
  [member: string]: unknown; // what belongs to the act
}

export type Scope =
  | { all: true }
  | { sport: string }
  | { event: string }
  | { event: string; market: string; specifiers: string };

const kept = 'operator-token';
export const token = () => sessionStorage.getItem(kept) ?? '';
export const keepToken = (text: string) => sessionStorage.setItem(kept, text);
export const forgetToken = () => sessionStorage.removeItem(kept);

export const get = <T>(path: string) => call<T>('GET', `/v1/desk/${path}`, { token: token() });
export const post = <T>(path: string, json: unknown) =>
  call<T>('POST', `/v1/desk/${path}`, { token: token(), json });

// A sentence for a person.
export function sentence(error: unknown): string {
  if (error instanceof Refused) {
    const problem: Problem = error.problem;
    return problem.detail ?? problem.title;
  }
  return error instanceof Error ? error.message : String(error);
}
