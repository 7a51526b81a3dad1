// A cash-out offer by the rule (RULES 16): the remaining stake x factors of the
// settled legs x (placed odds / odds now) of the open ones x (1 - margin).
// Pure: the server's sum, so that the page can show it as prices move.
import { floor, multiply, ONE, parseDecimal, type Rational, divide } from '../shared/rational';
import { rational, subtract } from '../shared/rational';
import { type Factor, returnOf, type Terms } from './betmath';

export interface CashoutLeg {
  odds: string; // as placed
  banker: boolean;
  factor: string | null; // when settled
  now: string | null; // the odds of an open leg; null: it cannot be sold now
}

function legValue(leg: CashoutLeg): Rational | null {
  if (leg.factor !== null) return parseDecimal(leg.factor);
  const placed = parseDecimal(leg.odds);
  const now = leg.now === null ? null : parseDecimal(leg.now);
  return placed === null || now === null || now.n <= 0n ? null : divide(placed, now);
}

// In minor units; null while there is none.
export function cashoutOffer(
  terms: Terms,
  legs: CashoutLeg[],
  stakeMinor: bigint,
  margin: string,
): bigint | null {
  const kept = subtract(ONE, parseDecimal(margin) ?? ONE);
  const factors: Factor[] = [];
  for (const leg of legs) {
    const value = legValue(leg);
    if (value === null) return null;
    factors.push({ value, banker: leg.banker });
  }
  const whole = multiply(returnOf(terms, factors), rational(stakeMinor));
  const offer = floor(multiply(whole, kept));
  return offer > 0n ? offer : null;
}
