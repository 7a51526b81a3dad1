// What a slip would pay: the server's own arithmetic, exactly.
import {
  add,
  choose,
  divide,
  floor,
  multiply,
  ONE,
  type Rational,
  rational,
  symmetric,
  ZERO,
} from '../shared/rational';

export interface Terms {
  type: 'single' | 'multiple' | 'system';
  sizes: number[]; // of a system
}

export interface Factor {
  value: Rational;
  banker: boolean;
}

const freeLegs = (factors: Factor[]) => factors.filter(({ banker }) => !banker);

export function lineCount(terms: Terms, n: number): bigint {
  if (terms.type !== 'system') return 1n;
  return terms.sizes.reduce((sum, k) => sum + choose(n, k), 0n);
}

// What a unit of stake returns; bankers are in every line.
export function returnOf(terms: Terms, factors: Factor[]): Rational {
  const product = (list: Factor[]) => list.reduce((all, { value }) => multiply(all, value), ONE);
  if (terms.type !== 'system') return product(factors);
  const free = freeLegs(factors);
  const e = symmetric(free.map(({ value }) => value));
  const sum = terms.sizes.reduce((total, k) => add(total, e[k] ?? ZERO), ZERO);
  const lines = lineCount(terms, free.length);
  if (lines === 0n) return ZERO;
  const bankers = product(factors.filter(({ banker }) => banker));
  return divide(multiply(sum, bankers), rational(lines));
}

// In minor units, floored once.
export function payout(terms: Terms, factors: Factor[], stakeMinor: bigint): bigint {
  return floor(multiply(returnOf(terms, factors), rational(stakeMinor)));
}
