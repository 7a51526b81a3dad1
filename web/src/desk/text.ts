// Words and numbers as traders read them.
import type { AuditEntry, EventRow, Leg, Limits } from './api';

export const teams = (event: Pick<EventRow, 'home' | 'away' | 'id'>) =>
  event.home ? `${event.home} – ${event.away}` : event.id;

export const time = (at: string) => new Date(at).toLocaleTimeString([], { hour12: false });
export const dateTime = (at: string) => new Date(at).toLocaleString([], { hour12: false });

export function percent(text: string | null): string {
  if (text === null) return '–';
  return `${(Number(text) * 100).toFixed(1)} %`;
}

// Of a sum of inverse odds: what is above the number of outcomes that win,
// which is 2 for a double chance.
export function marginText(sum: string | null): string {
  if (sum === null) return '–';
  const winners = Math.max(1, Math.round(Number(sum)));
  return percent(String(Number(sum) / winners - 1));
}

export function minutesTo(start: string | null): string {
  if (start === null) return '';
  const minutes = Math.round((Date.parse(start) - Date.now()) / 60000);
  if (minutes < 0) return 'due';
  return minutes < 120
    ? `in ${minutes} min`
    : new Date(start).toLocaleString([], {
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
      });
}

export function limitsText(limits: Limits): string {
  const parts = [];
  if (limits.stake_max !== null) parts.push(`stake ${limits.stake_max}`);
  if (limits.liability_max !== null) parts.push(`liability ${limits.liability_max}`);
  if (limits.hold_above !== null) parts.push(`hold ${limits.hold_above}`);
  return parts.join(', ') || '–';
}

export function legText(leg: Leg): string {
  const event = leg.home ? `${leg.home} – ${leg.away}` : leg.event;
  const market = leg.market_name ?? `${leg.market} ${leg.specifiers}`.trim();
  return `${event} · ${market} · ${leg.outcome_name ?? leg.outcome} @ ${leg.odds}`;
}

const OWN = ['position', 'at', 'operator', 'act', 'reason', 'scope'];

// What belongs to the act: "margin 0.06", "outcome 1, odds 2.10".
export function detailText(entry: AuditEntry): string {
  return Object.entries(entry)
    .filter(([name]) => !OWN.includes(name))
    .map(([name, value]) => {
      const plain =
        value === null ? 'none' : typeof value === 'object' ? JSON.stringify(value) : value;
      return `${name.replace(/_/g, ' ')} ${String(plain)}`;
    })
    .join(', ');
}

export function scopeText(entry: AuditEntry): string {
  if (entry.scope === null) return '';
  if (entry.scope['all']) return 'everything';
  return Object.values(entry.scope).join(' ');
}
