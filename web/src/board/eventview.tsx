// One event with all its markets.
import { useEffect } from 'preact/hooks';
import { useCell } from '../shared/cell';
import type { EventInfo, Market } from './feed';
import { clockText, Heading, Icon, OddsButton, sentence, startText } from './parts';
import { feed } from './session';

// The usual ones first, then as the feed numbers them.
const usual = ['1', '10', '11', '18', '16', '29', '8', '45'];
const rankOf = (id: string) => (usual.includes(id) ? usual.indexOf(id) : 100 + Number(id));

interface Card {
  id: string;
  title: string;
  markets: Market[];
}

// Lines that have no price left (a score that cannot come any more) are out.
const isOffered = ({ status, outcomes }: Market) =>
  status === 'suspended' || outcomes.some(({ active }) => active);

const lineOf = ({ specifiers }: Market) => Number(/=(-?[\d.]+)/.exec(specifiers)?.[1] ?? 0);

// Lines of one market share a card; what is closed is left out.
function cardsOf(event: EventInfo): Card[] {
  const cards = new Map<string, Card>();
  for (const market of event.markets?.values() ?? []) {
    if (market.status === 'closed' || !isOffered(market)) continue;
    const card = cards.get(market.market) ?? { id: market.market, title: '', markets: [] };
    card.markets.push(market);
    card.title ||= sentence(market.name);
    cards.set(market.market, card);
  }
  const sorted = [...cards.values()].sort((a, b) => rankOf(a.id) - rankOf(b.id));
  for (const card of sorted) card.markets.sort((a, b) => lineOf(a) - lineOf(b));
  return sorted;
}

export function EventView({ id }: { id: string }) {
  const event = useCell(feed.event(id));
  useEffect(() => feed.watch([id]), [id]);
  if (!event) return <p class="empty">Loading the match …</p>;
  if (event.gone && !event.home) return <Gone />;
  const cards = cardsOf(event);
  const open = cards.some(({ markets }) => markets.some(({ status }) => status === 'active'));
  return (
    <div class="event">
      <a class="crumb" href="/">
        <Icon name="back" /> Board
      </a>
      <Scoreboard event={event} />
      {event.state === 'ended' && <p class="banner">The match is over.</p>}
      {event.state !== 'ended' && event.markets && !open && (
        <p class="banner" role="status">
          <Icon name="lock" /> Betting on this match is suspended.
        </p>
      )}
      <div class="cards">
        {cards.map((card) => (
          <MarketCard key={card.id} event={event} card={card} />
        ))}
      </div>
    </div>
  );
}

function Gone() {
  return (
    <div class="empty">
      <Heading>No such match</Heading>
      <p>
        It is over, or was never here. <a href="/">To the board</a>
      </p>
    </div>
  );
}

function Scoreboard({ event }: { event: EventInfo }) {
  const live = event.state === 'live';
  const { home, away } = event.score;
  return (
    <header class="scoreboard">
      <p class="tournament">{[event.sport_name, event.tournament].filter(Boolean).join(' · ')}</p>
      <Heading>
        <span class="side">{event.home || 'Home'}</span>
        <span class="hidden"> – </span>
        <span class="side away">{event.away || 'Away'}</span>
      </Heading>
      <p class="score num" aria-live="polite" aria-atomic="true">
        {event.state === 'upcoming' ? (
          <span class="start">{startText(event.start)}</span>
        ) : (
          <>
            <span class="hidden">Score </span>
            {home || '0'}
            <span aria-hidden="true"> : </span>
            <span class="hidden"> to </span>
            {away || '0'}
          </>
        )}
      </p>
      <p class={live ? 'when live' : 'when'}>{live && clockText(event)}</p>
    </header>
  );
}

function MarketCard({ event, card }: { event: EventInfo; card: Card }) {
  return (
    <section class="card" aria-label={card.title}>
      <h2>{card.title}</h2>
      {card.markets.map((market) => (
        <Line key={market.specifiers} event={event} market={market} />
      ))}
    </section>
  );
}

function Line({ event, market }: { event: EventInfo; market: Market }) {
  // Of many outcomes, those that cannot come any more are left out.
  const all = market.outcomes;
  const coming = all.filter(({ active }) => active);
  const outcomes = all.length > 3 && coming.length > 0 ? coming : all;
  const columns = outcomes.length === 2 ? 'two' : 'three';
  return (
    <div class={`line ${columns}`} data-market={`${market.market}/${market.specifiers}`}>
      {outcomes.map((outcome) => (
        <OddsButton
          key={outcome.outcome}
          event={event}
          market={market}
          outcome={outcome}
          label={sentence(outcome.name)}
        />
      ))}
    </div>
  );
}
