// What the desk asks the operator listener, and what it answers.
import type { DeskMarket, ExposedSport } from 'contract';
import { call, type Problem, Refused } from '../shared/api';

export type {
  DeskEntry as AuditEntry,
  DeskEvent as EventDetail,
  DeskEventSummary as EventRow,
  DeskLeg as Leg,
  DeskMarket as Market,
  DeskMarketLimits as Limits,
  DeskMe as Me,
  DeskOutcome as Outcome,
  DeskProposal as Proposal,
  ExposedEvent as ExposureEvent,
  ExposedMarket as ExposureMarket,
  ExposedSport as ExposureSport,
  Exposure,
  Hold,
  LargeBet,
  Producer,
} from 'contract';
export type Sums = Pick<ExposedSport, 'bets' | 'stakes' | 'liability'>;
export type Level = DeskMarket['suspended'][number];

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
