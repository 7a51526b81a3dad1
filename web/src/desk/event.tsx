// One event: its markets as fed and as sold, and what may be done to them.
import type { EventDetail, ExposureEvent, Level, Market, Outcome, Scope } from './api';
import { askLimits, askMargin, askPrice, askResult, askVoid, askWithdrawal } from './asks';
import type { Ask } from './dialog';
import { limitsText, marginText, percent, teams } from './text';

// The desk has suspended the event, or more than it: every market says so.
export const isAt = (event: EventDetail, level: Level) =>
  event.markets.some((market) => market.suspended.includes(level));

export interface EventProps {
  event: EventDetail;
  exposure: ExposureEvent | undefined;
  at: number; // the market the keys act on
  onAt: (index: number) => void;
  onSuspend: (scope: Scope, suspended: boolean, name: string) => void;
  onAsk: (ask: Ask) => void;
}

const NO_LIMITS = { stake_max: null, liability_max: null, hold_above: null };

export const scopeOf = (event: string, market: Market): Scope => ({
  event,
  market: market.market,
  specifiers: market.specifiers,
});

function Price({
  props,
  market,
  outcome,
  liability,
}: {
  props: EventProps;
  market: Market;
  outcome: Outcome;
  liability: string | undefined;
}) {
  const moved = outcome.fed !== outcome.odds;
  return (
    <button
      type="button"
      class={outcome.active ? 'price' : 'price off'}
      title={`${outcome.name}: fed ${outcome.fed ?? '–'}`}
      onClick={() => props.onAsk(askPrice(props.event.id, market, outcome))}
    >
      <span class="outcome">{outcome.name}</span>
      <b class={outcome.price ? 'set' : ''}>{outcome.odds ?? '–'}</b>
      <small>{moved ? `fed ${outcome.fed ?? '–'}` : ' '}</small>
      <small class="number">{liability ?? ''}</small>
    </button>
  );
}

function MarketRow({ props, market, index }: { props: EventProps; market: Market; index: number }) {
  const { event } = props;
  const scope = scopeOf(event.id, market);
  const exposed = props.exposure?.markets?.find(
    (m) => m.market === market.market && m.specifiers === market.specifiers,
  );
  const chosen = index === props.at;
  const suspended = market.suspended.includes('market');
  return (
    <li
      class={`market ${market.status}${chosen ? ' chosen' : ''}`}
      id={`market-${index}`}
      aria-current={chosen}
      onMouseDown={() => props.onAt(index)}
    >
      <header>
        <i class="light" aria-hidden="true" />
        <h3>{market.name}</h3>
        {market.specifiers && <span class="muted">{market.specifiers.replace(/\|/g, ' ')}</span>}
        <span class="muted">{market.status.replace('_', ' ')}</span>
        {market.suspended.length > 0 && <b class="bad">desk: {market.suspended.join(', ')}</b>}
        <span class="muted number">
          margin {market.status === 'active' ? marginText(market.overround.sold) : '–'}
          {market.overround.sold !== market.overround.fed &&
            `, fed ${marginText(market.overround.fed)}`}
          {market.margin !== null && `, set ${percent(market.margin)}`}
        </span>
        <span class="muted number">worst case {exposed?.worst_case ?? '0.00'}</span>
        <span class="muted">{limitsText(market.limits)}</span>
      </header>
      <div class="prices">
        {market.outcomes.map((outcome) => (
          <Price
            key={outcome.outcome}
            props={props}
            market={market}
            outcome={outcome}
            liability={exposed?.outcomes.find((o) => o.outcome === outcome.outcome)?.liability}
          />
        ))}
      </div>
      <div class="acts">
        <button
          type="button"
          class={suspended ? 'strong' : 'danger'}
          onClick={() => props.onSuspend(scope, suspended, market.name)}
        >
          {suspended ? 'Resume' : 'Suspend'} <kbd>m</kbd>
        </button>
        <button
          type="button"
          onClick={() => props.onAsk(askMargin(scope, market.name, market.margin))}
        >
          Margin
        </button>
        <button
          type="button"
          onClick={() => props.onAsk(askLimits(scope, market.name, market.limits))}
        >
          Limits
        </button>
        <button type="button" onClick={() => props.onAsk(askResult(event.id, market))}>
          Result
        </button>
        <button type="button" onClick={() => props.onAsk(askVoid(event.id, market))}>
          Void
        </button>
        <button type="button" onClick={() => props.onAsk(askWithdrawal(event.id, market))}>
          Withdraw
        </button>
      </div>
    </li>
  );
}

export function EventView(props: EventProps) {
  const { event } = props;
  const name = teams(event);
  const suspended = isAt(event, 'event');
  return (
    <section aria-label={name}>
      <header class="head">
        <div>
          <h2>{name}</h2>
          <p class="muted">
            {event.sport_name} · {event.tournament} · {event.id}
          </p>
        </div>
        <p class="bigscore">
          {event.state === 'upcoming' ? 'not started' : `${event.score.home} : ${event.score.away}`}
          <small>{event.clock}</small>
        </p>
        <p class="number">
          worst case
          <br />
          <b>{props.exposure?.worst_case ?? '0.00'}</b>
        </p>
        <div class="acts">
          <button
            type="button"
            class={suspended ? 'strong' : 'danger'}
            onClick={() => props.onSuspend({ event: event.id }, suspended, name)}
          >
            {suspended ? 'Resume event' : 'Suspend event'} <kbd>e</kbd>
          </button>
          <button
            type="button"
            onClick={() => props.onAsk(askMargin({ event: event.id }, name, null))}
          >
            Margin
          </button>
          <button
            type="button"
            onClick={() => props.onAsk(askLimits({ event: event.id }, name, NO_LIMITS))}
          >
            Limits
          </button>
        </div>
      </header>
      {(isAt(event, 'all') || isAt(event, 'sport')) && (
        <p class="banner" role="status">
          {isAt(event, 'all') ? 'Everything is suspended.' : 'The sport is suspended.'}
        </p>
      )}
      <ul class="markets">
        {event.markets.map((market, index) => (
          <MarketRow
            key={`${market.market} ${market.specifiers}`}
            props={props}
            market={market}
            index={index}
          />
        ))}
      </ul>
      {event.markets.length === 0 && <p class="muted pad">No markets yet.</p>}
    </section>
  );
}
