// The list of events: live first, filtered by what is typed.
import type { Ref } from 'preact';

import type { EventRow } from './api';
import { minutesTo, teams } from './text';

interface EventsProps {
  events: EventRow[];
  chosen: string | null;
  filter: string;
  filterRef: Ref<HTMLInputElement>;
  worst: Map<string, string>; // of each event, in the house currency
  onFilter: (text: string) => void;
  onChoose: (id: string) => void;
}

const passes = (event: EventRow, words: string[]) => {
  const text = `${event.home} ${event.away} ${event.tournament} ${event.id}`.toLowerCase();
  return words.every((word) => text.includes(word));
};

function Row({
  event,
  chosen,
  worst,
  onChoose,
}: {
  event: EventRow;
  chosen: boolean;
  worst: string | undefined;
  onChoose: (id: string) => void;
}) {
  return (
    <li>
      <button
        type="button"
        class={chosen ? 'row chosen' : 'row'}
        aria-current={chosen}
        onClick={() => onChoose(event.id)}
      >
        <span class="name">{teams(event)}</span>
        <span class="score">
          {event.state === 'upcoming'
            ? minutesTo(event.start)
            : `${event.score.home}:${event.score.away}`}
        </span>
        <span class="muted">
          {event.tournament}
          {event.clock && ` · ${event.clock}`}
          {event.desk_suspended > 0 && (
            <b class="bad">
              {' '}
              · {event.desk_suspended} of {event.markets} suspended
            </b>
          )}
        </span>
        <span class="muted number">{worst ?? ''}</span>
      </button>
    </li>
  );
}

export function Events(props: EventsProps) {
  const words = props.filter.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = props.events.filter((event) => passes(event, words));
  return (
    <nav class="events" aria-label="Events">
      <input
        ref={props.filterRef}
        type="search"
        placeholder="Find an event  /"
        value={props.filter}
        aria-label="Find an event"
        onInput={(event) => props.onFilter((event.target as HTMLInputElement).value)}
      />
      <ul>
        {shown.map((event) => (
          <Row
            key={event.id}
            event={event}
            chosen={event.id === props.chosen}
            worst={props.worst.get(event.id)}
            onChoose={props.onChoose}
          />
        ))}
      </ul>
      {shown.length === 0 && <p class="muted pad">No events.</p>}
    </nav>
  );
}
