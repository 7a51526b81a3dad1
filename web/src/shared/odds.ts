// Odds are decimal strings, "2.35"; what people see is their choice.
import { parseDecimal, type Rational, ONE, subtract, rational } from './rational';

export type OddsFormat = 'decimal' | 'fractional' | 'american';

export const oddsValue = (odds: string): Rational => parseDecimal(odds) ?? ONE;

export function sameOdds(a: string, b: string): boolean {
  const x = oddsValue(a);
  const y = oddsValue(b);
  return x.n === y.n && x.d === y.d;
}

// The nearest fraction whose denominator is at most `most`.
function nearest(value: Rational, most: bigint): Rational {
  let best = rational((value.n + value.d / 2n) / value.d);
  let error = distance(value, best);
  for (let d = 2n; d <= most; d++) {
    const candidate = rational((value.n * d * 2n + value.d) / (value.d * 2n), d);
    const off = distance(value, candidate);
    if (off.n * error.d < error.n * off.d) {
      best = candidate;
      error = off;
    }
  }
  return best;
}

function distance(a: Rational, b: Rational): Rational {
  const off = subtract(a, b);
  return off.n < 0n ? rational(-off.n, off.d) : off;
}

// a / b to the nearest whole number, both positive.
const rounded = (a: bigint, b: bigint) => (2n * a + b) / (2n * b);

function fractional(gain: Rational): string {
  if (gain.n <= 0n) return '0/1';
  const shown = gain.d <= 20n ? gain : nearest(gain, gain.n > gain.d * 10n ? 2n : 20n);
  return shown.n === 0n ? '1/100' : `${shown.n}/${shown.d}`;
}

function american(gain: Rational): string {
  if (gain.n <= 0n) return '−∞';
  return gain.n >= gain.d
    ? `+${rounded(gain.n * 100n, gain.d)}`
    : `−${rounded(gain.d * 100n, gain.n)}`;
}

// Two decimals unless the feed gives more.
export function decimalOdds(odds: string): string {
  const [whole = '0', part = ''] = odds.split('.');
  return `${whole}.${part.replace(/0+$/, '').padEnd(2, '0')}`;
}

// A combination's odds have four decimals; two are enough to look at.
export const shortOdds = (odds: string) => odds.replace(/(\.\d\d)\d+$/, '$1');

export function showOdds(odds: string, format: OddsFormat): string {
  if (format === 'decimal') return decimalOdds(odds);
  const gain = subtract(oddsValue(odds), ONE);
  return format === 'fractional' ? fractional(gain) : american(gain);
}
