// The board: what can be bet on, by sport and tournament.
import { useEffect, useState } from 'preact/hooks';
import { useCell, useCells } from '../shared/cell';
import type { EventInfo, Market } from './feed';
import { clockText, Heading, NoPrice, OddsButton, startText } from './parts';
import { feed } from './session';

type When = 'all' | 'live' | 'upcoming';

function shown(when: When, sport: string): EventInfo[] {
  return (feed.list.value ?? [])
    .map((id) => feed.event(id).value)
    .filter(
      (event): event is EventInfo =>
        event !== null &&
        (when === 'all' || event.state === when) &&
        (sport === '' || event.sport === sport),
    );
}

interface Group {
  key: string;
  title: string;
  live: boolean;
  ids: string[];
}

// Live before upcoming, and within them by tournament in order of kick-off.
function groupsOf(events: EventInfo[]): Group[] {
  const groups = new Map<string, Group>();
  for (const event of events) {
    const live = event.state === 'live';
    const key = `${live}/${event.sport}/${event.tournament}`;
    const title = event.tournament || event.sport_name || 'Matches';
    const group = groups.get(key) ?? { key, title, live, ids: [] };
    group.ids.push(event.id);
    groups.set(key, group);
  }
  return [...groups.values()];
}

export function BoardView() {
  useCells([feed.list, feed.sports]);
  const [when, setWhen] = useState<When>('all');
  const [sport, setSport] = useState('');
  useEffect(() => feed.watchBoard(), []);
  const groups = groupsOf(shown(when, sport));
  return (
    <div class="board">
      <Heading hidden>Board</Heading>
      <Filters when={when} setWhen={setWhen} sport={sport} setSport={setSport} />
      <FeedSilence />
      {feed.list.value === null && <Waiting />}
      {feed.list.value !== null && groups.length === 0 && (
        <p class="empty">Nothing to bet on here right now. Matches appear as they are priced.</p>
      )}
      {groups.map((group) => (
        <Tournament key={group.key} group={group} />
      ))}
    </div>
  );
}

function Waiting() {
  return (
    <div class="waiting" role="status" aria-label="Loading matches">
      <i />
      <i />
      <i />
    </div>
  );
}

interface FiltersProps {
  when: When;
  setWhen: (when: When) => void;
  sport: string;
  setSport: (sport: string) => void;
}

function Filters({ when, setWhen, sport, setSport }: FiltersProps) {
  const sports = feed.sports.value;
  const times: [When, string][] = [
    ['all', 'All'],
    ['live', 'Live'],
    ['upcoming', 'Upcoming'],
  ];
  return (
    <nav class="filters" aria-label="Which matches">
      {times.map(([key, text]) => (
        <button key={key} type="button" aria-pressed={when === key} onClick={() => setWhen(key)}>
          {key === 'live' && <b class="dot" />}
          {text}
        </button>
      ))}
      {sports.length > 1 && (
        <>
          <span class="rule" />
          {[{ id: '', name: 'All sports' }, ...sports].map(({ id, name }) => (
            <button key={id} type="button" aria-pressed={sport === id} onClick={() => setSport(id)}>
              {name || id}
            </button>
          ))}
        </>
      )}
    </nav>
  );
}

// When the feed is silent everything is suspended: then it is said once, above.
export function FeedSilence() {
  const list = useCell(feed.list);
  const ids = list ?? [];
  useCells(ids.map((id) => feed.event(id)));
  const priced = shown('live', '');
  const silent = priced.length > 1 && priced.every(({ main }) => main?.status !== 'active');
  if (!silent) return null;
  return (
    <p class="banner" role="status">
      Betting on live matches is suspended: no odds are coming in at the moment.
    </p>
  );
}

const columnsOf = (market: Market | null) => (market?.market === '1' ? ['1', 'X', '2'] : null);

function Tournament({ group }: { group: Group }) {
  const first = useCell(feed.event(group.ids[0]!));
  const columns = columnsOf(first?.main ?? null);
  return (
    <section class="group" aria-label={`${group.title}, ${group.live ? 'live' : 'upcoming'}`}>
      <header>
        <h2>
          {group.live && <b class="dot" />}
          {group.title}
        </h2>
        {columns && (
          <div class="columns" aria-hidden="true">
            {columns.map((column) => (
              <span key={column}>{column}</span>
            ))}
          </div>
        )}
        <span class="more" />
      </header>
      <ul>
        {group.ids.map((id) => (
          <Row key={id} id={id} />
        ))}
      </ul>
    </section>
  );
}

function Row({ id }: { id: string }) {
  const event = useCell(feed.event(id));
  if (!event) return null;
  const live = event.state === 'live';
  const main = event.main;
  const more = Math.max(0, event.count - 1);
  const suspended = main !== null && main.status !== 'active';
  return (
    <li class={`row ${suspended ? 'suspended' : ''}`} data-event={id}>
      <a class="match" href={`/event/${encodeURIComponent(id)}`}>
        <span class={live ? 'when live' : 'when'}>
          {live ? clockText(event) : startText(event.start)}
        </span>
        <span class="teams">
          <Team name={event.home} score={live ? event.score.home : ''} />
          <Team name={event.away} score={live ? event.score.away : ''} />
        </span>
      </a>
      <Prices event={event} market={main} />
      <a
        class="more num"
        href={`/event/${encodeURIComponent(id)}`}
        aria-label={`All markets of ${event.home} against ${event.away}`}
      >
        {more > 0 ? `+${more}` : '›'}
      </a>
    </li>
  );
}

function Team({ name, score }: { name: string; score: string }) {
  return (
    <span class="team">
      <span class="name">{name || 'To be announced'}</span>
      {score !== '' && <b class="num score">{score}</b>}
    </span>
  );
}

// 1x2 under its columns; another market carries its outcomes' names.
function Prices({ event, market }: { event: EventInfo; market: Market | null }) {
  if (!market) return <div class="prices" />;
  const byColumn = market.market === '1';
  const outcomes = byColumn
    ? ['1', '2', '3'].map((id) => market.outcomes.find((o) => o.outcome === id))
    : market.outcomes.slice(0, 3);
  return (
    <div class="prices">
      {outcomes.map((outcome, i) =>
        outcome ? (
          <OddsButton
            key={outcome.outcome}
            event={event}
            market={market}
            outcome={outcome}
            label={byColumn ? undefined : outcome.name}
          />
        ) : (
          <NoPrice key={i} />
        ),
      )}
    </div>
  );
}
