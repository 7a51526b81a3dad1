// Amounts are whole minor units beside their currency.

const exponents: Record<string, number> = { JPY: 0, KRW: 0, KWD: 3, BHD: 3, TND: 3 };

export const exponentOf = (currency: string) => exponents[currency] ?? 2;

// What somebody typed, "12,5" or "12.50", as minor units; null: not an amount.
export function parseMoney(text: string, currency: string): bigint | null {
  const match = /^(\d{1,12})(?:[.,](\d*))?$/.exec(text.trim().replace(/\s/g, ''));
  if (!match) return null;
  const exponent = exponentOf(currency);
  const part = match[2] ?? '';
  if (part.length > exponent) return null;
  return BigInt(match[1]! + part.padEnd(exponent, '0'));
}

// As the server writes it: "12.50".
export function moneyText(minor: bigint, currency: string): string {
  const exponent = exponentOf(currency);
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

export function minorOf(text: string, currency: string): bigint {
  const negative = text.startsWith('-');
  const minor = parseMoney(negative ? text.slice(1) : text, currency) ?? 0n;
  return negative ? -minor : minor;
}

const symbols: Record<string, string> = { EUR: '€', GBP: '£', USD: '$', JPY: '¥' };

// For people: "€1,250.00", "−€3.00".
export function showMoney(amount: string | bigint, currency: string): string {
  const text = typeof amount === 'bigint' ? moneyText(amount, currency) : amount;
  const [whole = '0', part] = text.replace('-', '').split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',') + (part ? `.${part}` : '');
  const symbol = symbols[currency] ?? `${currency}\u00a0`;
  return `${text.startsWith('-') ? '−' : ''}${symbol}${grouped}`;
}
