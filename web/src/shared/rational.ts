// Exact numbers: money and odds never go through floating point.

export interface Rational {
  readonly n: bigint;
  readonly d: bigint; // > 0
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b));

export function rational(n: bigint, d = 1n): Rational {
  const common = gcd(n, d) || 1n;
  const sign = d < 0n ? -1n : 1n;
  return { n: (sign * n) / common, d: (sign * d) / common };
}

export const ZERO = rational(0n);
export const ONE = rational(1n);

export const add = (a: Rational, b: Rational) => rational(a.n * b.d + b.n * a.d, a.d * b.d);
export const subtract = (a: Rational, b: Rational) => rational(a.n * b.d - b.n * a.d, a.d * b.d);
export const multiply = (a: Rational, b: Rational) => rational(a.n * b.n, a.d * b.d);
export const divide = (a: Rational, b: Rational) => rational(a.n * b.d, a.d * b.n);
export const compare = (a: Rational, b: Rational) => {
  const left = a.n * b.d;
  const right = b.n * a.d;
  return left < right ? -1 : left > right ? 1 : 0;
};

// "12.50" as a rational; null when it is no plain decimal.
export function parseDecimal(text: string): Rational | null {
  const match = /^(-?)(\d{1,40})(?:\.(\d{1,40}))?$/.exec(text);
  if (!match) return null;
  const [, sign, whole = '', part = ''] = match;
  const n = BigInt(whole + part);
  return rational(sign ? -n : n, 10n ** BigInt(part.length));
}

// The largest whole number that is not above it.
export function floor(a: Rational): bigint {
  const q = a.n / a.d;
  return a.n < 0n && q * a.d !== a.n ? q - 1n : q;
}

// The elementary symmetric polynomials e_0 … e_n of the factors.
export function symmetric(factors: Rational[]): Rational[] {
  const e = [ONE, ...factors.map(() => ZERO)];
  factors.forEach((factor, i) => {
    for (let k = i + 1; k >= 1; k--) e[k] = add(e[k]!, multiply(e[k - 1]!, factor));
  });
  return e;
}

// n over k.
export function choose(n: number, k: number): bigint {
  let result = 1n;
  for (let i = 1; i <= k; i++) result = (result * BigInt(n - k + i)) / BigInt(i);
  return k > n ? 0n : result;
}
