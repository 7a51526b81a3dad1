// The dialogs of the desk: which values each act takes, and where it goes.
import { post, type Limits, type Market, type Outcome, type Scope } from './api';
import type { Ask } from './dialog';

const orNull = (text: string | undefined) => (text && text.trim() !== '' ? text.trim() : null);
const where = (event: string, market: Market) => ({
  event,
  market: market.market,
  specifiers: market.specifiers,
});

export function askMargin(scope: Scope, name: string, now: string | null): Ask {
  return {
    title: `Margin of ${name}`,
    note: 'Overround less one: 0.06 is 6 %. Empty: no margin at this level.',
    fields: [{ name: 'margin', label: 'Margin', value: now ?? '', hint: '0.06' }],
    reason: 'needed',
    action: 'Set margin',
    run: ({ margin }, reason) => post('margin', { scope, margin: orNull(margin), reason }),
  };
}

export function askPrice(event: string, market: Market, outcome: Outcome): Ask {
  return {
    title: `Price of ${outcome.name}`,
    note: `${market.name}. The feed says ${outcome.fed ?? '–'}. Empty: back to the feed's price.`,
    fields: [
      { name: 'odds', label: 'Odds', value: outcome.price ?? '', hint: outcome.odds ?? '2.00' },
    ],
    reason: 'needed',
    action: 'Set price',
    run: ({ odds }, reason) =>
      post('price', {
        ...where(event, market),
        outcome: outcome.outcome,
        odds: orNull(odds),
        reason,
      }),
  };
}

export function askLimits(scope: Scope, name: string, now: Limits): Ask {
  return {
    title: `Limits of ${name}`,
    note: 'In the house currency. Empty: no limit at this level.',
    fields: [
      { name: 'stake_max', label: 'Largest stake', value: now.stake_max ?? '' },
      {
        name: 'liability_max',
        label: 'Largest liability of an outcome',
        value: now.liability_max ?? '',
      },
      { name: 'hold_above', label: 'Hold stakes above', value: now.hold_above ?? '' },
    ],
    reason: 'needed',
    action: 'Set limits',
    run: (values, reason) =>
      post('limits', {
        scope,
        stake_max: orNull(values['stake_max']),
        liability_max: orNull(values['liability_max']),
        hold_above: orNull(values['hold_above']),
        reason,
      }),
  };
}

export function askResult(event: string, market: Market): Ask {
  return {
    title: `Result of ${market.name}`,
    note: 'Another senior operator must confirm it before anything is paid.',
    fields: market.outcomes.map((outcome) => ({
      name: outcome.outcome,
      label: outcome.name,
      value: 'lost',
      choices: ['won', 'lost', 'void', 'half_won', 'half_lost'],
    })),
    reason: 'needed',
    action: 'Propose result',
    run: (values, reason) =>
      post('results', {
        ...where(event, market),
        outcomes: Object.entries(values).map(([outcome, result]) => ({ outcome, result })),
        reason,
      }),
  };
}

export function askVoid(event: string, market: Market): Ask {
  return {
    title: `Void ${market.name}`,
    note: 'Once another senior operator confirms, every bet on it gets its stake back.',
    fields: [
      {
        name: 'from',
        label: 'Bets placed from (optional)',
        value: '',
        hint: '2026-06-01T20:00:00Z',
      },
      { name: 'to', label: 'until (optional)', value: '', hint: '2026-06-01T20:05:00Z' },
    ],
    reason: 'needed',
    action: 'Propose void',
    run: ({ from, to }, reason) =>
      post('voids', {
        ...where(event, market),
        ...(orNull(from) ? { from: orNull(from) } : {}),
        ...(orNull(to) ? { to: orNull(to) } : {}),
        reason,
      }),
  };
}

export function askWithdrawal(event: string, market: Market): Ask {
  return {
    title: `Withdraw the desk's decision on ${market.name}`,
    note: "Once another senior operator confirms, the feed's result counts again.",
    fields: [{ name: 'kind', label: 'What', value: 'result', choices: ['result', 'void'] }],
    reason: 'needed',
    action: 'Propose withdrawal',
    run: ({ kind }, reason) => post('withdrawals', { ...where(event, market), kind, reason }),
  };
}

export function askFactor(customer: string): Ask {
  return {
    title: `Stake factor of customer ${customer}`,
    note: "The customer's limits are multiplied by it: 0.25 is a quarter, 1 changes nothing.",
    fields: [{ name: 'factor', label: 'Factor', value: '', hint: '0.25' }],
    reason: 'needed',
    action: 'Set factor',
    run: ({ factor }, reason) => post('factors', { customer, factor, reason }),
  };
}

export function askReason(title: string, action: string, path: string): Ask {
  return {
    title,
    fields: [],
    reason: 'needed',
    action,
    run: (_, reason) => post(path, { reason }),
  };
}
