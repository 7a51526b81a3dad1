// Small parts that the views share.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useCell, useCells } from '../shared/cell';
import { showMoney } from '../shared/money';
import { decimalOdds, showOdds, sameOdds, oddsValue } from '../shared/odds';
import { compare } from '../shared/rational';
import { oddsFormat } from '../shared/prefs';
import type { EventInfo, Market, Outcome } from './feed';
import { feed } from './session';
import { onSlip, slip, toggleLeg } from './slip';

export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const icons = {
  lock: 'M7 10V7a5 5 0 0 1 10 0v3M5.5 10h13v10h-13z',
  close: 'M6 6l12 12M18 6L6 18',
  back: 'M14 5l-7 7 7 7',
  ball: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 8l3.6 2.6-1.4 4.2H9.8l-1.4-4.2z',
  slip: 'M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6',
  bets: 'M5 6h14M5 12h14M5 18h9',
  wallet: 'M4 7h15v12H4zM4 7l11-3v3M15 13h4',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5',
};

export function Icon({ name }: { name: keyof typeof icons }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={icons[name]} />
    </svg>
  );
}

export function Money({ amount, currency }: { amount: string | bigint; currency: string }) {
  return <span class="num">{showMoney(amount, currency)}</span>;
}

export function Odds({ odds }: { odds: string }) {
  const format = useCell(oddsFormat);
  return <span class="num">{showOdds(odds, format)}</span>;
}

// 'up' or 'down' for a moment after the odds have changed.
export function useMove(odds: string | null): '' | 'up' | 'down' {
  const last = useRef(odds);
  const [move, setMove] = useState<'' | 'up' | 'down'>('');
  useEffect(() => {
    const before = last.current;
    last.current = odds;
    if (before === null || odds === null || sameOdds(before, odds)) return;
    setMove(compare(oddsValue(odds), oddsValue(before)) > 0 ? 'up' : 'down');
    const timer = setTimeout(() => setMove(''), 2400);
    return () => clearTimeout(timer);
  }, [odds]);
  return move;
}

interface OddsButtonProps {
  event: EventInfo;
  market: Market;
  outcome: Outcome;
  label?: string | undefined; // inside the button; none where a column says it
}

// One price.  It stays in the tab order while it is locked, so that the
// keyboard does not lose its place when a goal falls.
export function OddsButton({ event, market, outcome, label }: OddsButtonProps) {
  useCells([slip, feed.freshness]);
  const move = useMove(outcome.odds);
  const leg = {
    event: event.id,
    market: market.market,
    specifiers: market.specifiers,
    outcome: outcome.outcome,
  };
  const stale = feed.freshness.value === 'stale';
  const open = market.status === 'active' && outcome.active && outcome.odds !== null && !stale;
  const taken = onSlip(leg);
  const name = sentence(outcome.name);
  const names = { match: `${event.home} – ${event.away}`, market: market.name, outcome: name };
  const said = `${name}, ${open ? decimalOdds(outcome.odds ?? '') : 'suspended'}. ${market.name}, ${
    event.home
  } against ${event.away}`;
  return (
    <button
      type="button"
      class={`price ${move} ${label ? 'named' : ''} ${open ? '' : 'locked'} ${
        (outcome.odds ?? '').length > 5 ? 'long' : ''
      }`}
      aria-pressed={taken}
      aria-disabled={!open && !taken}
      aria-label={said}
      data-leg={`${leg.market}/${leg.specifiers}/${leg.outcome}`}
      onClick={() => (open || taken) && toggleLeg(leg, outcome.odds ?? '', names)}
    >
      {label && <span class="label">{label}</span>}
      {open ? <Odds odds={outcome.odds ?? ''} /> : <Icon name="lock" />}
    </button>
  );
}

// A column that has no price.
export function NoPrice() {
  return (
    <span class="price none" aria-hidden="true">
      –
    </span>
  );
}

const halves: Record<number, string> = { 31: 'HT', 32: 'ET', 33: 'ET', 34: 'Pens', 80: 'Break' };

export function clockText(event: EventInfo): string {
  const pause = halves[event.match_status];
  if (pause) return pause;
  const minute = /^(\d+):/.exec(event.clock)?.[1];
  if (minute === undefined) return 'Live';
  const last = { 6: 45, 7: 90 }[event.match_status];
  return last !== undefined && Number(minute) >= last ? `${last}+′` : `${Number(minute) + 1}′`;
}

export function startText(start: string | null): string {
  if (!start) return 'To come';
  const at = new Date(start);
  const time = at.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hour12: false });
  const days = Math.round((midnight(at) - midnight(new Date())) / 86400000);
  if (days === 0) return time;
  if (days === 1) return `Tomorrow ${time}`;
  const date = { weekday: 'short', day: 'numeric', month: 'short' } as const;
  return `${at.toLocaleDateString([], date)} ${time}`;
}

const midnight = (at: Date) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

export function timeText(at: string): string {
  return new Date(at).toLocaleString([], {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hour12: false,
  });
}

// A view's heading takes the focus when the view changes, so that screen
// readers say where one is.
export function Heading({ children, hidden }: { children: ComponentChildren; hidden?: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent ?? ''} · Overround`;
    if (heading.current && moved) heading.current.focus({ preventScroll: true });
    moved = true;
  }, [children?.toString()]);
  return (
    <h1 ref={heading} tabIndex={-1} class={hidden ? 'hidden' : ''}>
      {children}
    </h1>
  );
}
let moved = false; // not on the first load

interface FieldProps {
  label: string;
  name: string;
  type?: string;
  value: string;
  onInput: (value: string) => void;
  autocomplete?: string;
  inputMode?: 'decimal' | 'email' | 'text';
  hint?: string;
  required?: boolean;
  minLength?: number;
  maxLength?: number;
}

export function Field({ label, name, value, onInput, hint, ...rest }: FieldProps) {
  const id = `field-${name}`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        value={value}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(input) => onInput(input.currentTarget.value)}
        {...(rest as object)}
      />
      {hint && (
        <small id={`${id}-hint`} class="hint">
          {hint}
        </small>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  options: [T, string][];
  value: T;
  onChange: (value: T) => void;
  hideLabel?: boolean;
}

// A row of options of which one holds.
export function Choice<T extends string>(props: ChoiceProps<T>) {
  const { label, options, value, onChange, hideLabel } = props;
  return (
    <div class="choice" role="group" aria-label={label}>
      {!hideLabel && <span class="caption">{label}</span>}
      <div class="segments">
        {options.map(([key, text]) => (
          <button
            key={key}
            type="button"
            aria-pressed={value === key}
            onClick={() => onChange(key)}
          >
            {text}
          </button>
        ))}
      </div>
    </div>
  );
}

export function Alert({ children }: { children: ComponentChildren }) {
  return (
    <div class="alert" role="alert">
      {children}
    </div>
  );
}
