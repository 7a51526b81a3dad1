// Names of what was bet on: bets carry ids, and events leave the book.
import { feed } from './session';

export interface LegId {
  event: string;
  market: string;
  specifiers: string;
  outcome: string;
}

export interface LegNames {
  match: string;
  market: string;
  outcome: string;
}

const KEPT = 300;
const kept: [string, LegNames][] = load();

function load(): [string, LegNames][] {
  try {
    return JSON.parse(localStorage.getItem('names') ?? '[]');
  } catch {
    return [];
  }
}

export const legKey = (leg: LegId) =>
  `${leg.event}/${leg.market}/${leg.specifiers}/${leg.outcome}`;

export function rememberNames(leg: LegId, names: LegNames) {
  const key = legKey(leg);
  const at = kept.findIndex(([k]) => k === key);
  if (at >= 0) kept.splice(at, 1);
  kept.push([key, names]);
  kept.splice(0, Math.max(0, kept.length - KEPT));
  try {
    localStorage.setItem('names', JSON.stringify(kept));
  } catch {
    // private mode
  }
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

export function namesOf(leg: LegId): LegNames {
  const event = feed.event(leg.event).value;
  const market = feed.market(leg.event, leg.market, leg.specifiers);
  const outcome = market?.outcomes.find((o) => o.outcome === leg.outcome);
  const old = kept.find(([key]) => key === legKey(leg))?.[1];
  return {
    match: event?.home ? `${event.home} – ${event.away}` : (old?.match ?? leg.event),
    market: market?.name ?? old?.market ?? `Market ${leg.market} ${leg.specifiers}`.trim(),
    outcome: outcome ? sentence(outcome.name) : (old?.outcome ?? leg.outcome),
  };
}
