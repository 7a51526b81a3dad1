// The exposure tree, and the audit log.
import { useState } from 'preact/hooks';

import type { AuditEntry, Exposure, ExposureEvent, Sums } from './api';
import { usePoll } from './poll';
import { dateTime, detailText, scopeText } from './text';

function Line({ name, sums, worst }: { name: string; sums: Sums; worst: string }) {
  return (
    <>
      <span>
        {name} <small class="muted">{sums.bets} bets</small>
      </span>
      <span class="number">{sums.stakes}</span>
      <span class="number">{worst}</span>
    </>
  );
}

function Markets({ event }: { event: string }) {
  const { data } = usePoll<Exposure>(`exposure?event=${encodeURIComponent(event)}`, 2000);
  const markets = data?.sports[0]?.events[0]?.markets ?? [];
  return (
    <>
      {markets.map((market) => (
        <details key={`${market.market} ${market.specifiers}`}>
          <summary>
            <Line name={market.name} sums={market} worst={market.worst_case} />
          </summary>
          {market.outcomes.map((outcome) => (
            <p key={outcome.outcome} class="leaf">
              <Line name={outcome.name} sums={outcome} worst={outcome.liability} />
            </p>
          ))}
        </details>
      ))}
    </>
  );
}

function EventExposure({ event }: { event: ExposureEvent }) {
  const [open, setOpen] = useState(false);
  const name = event.home ? `${event.home} – ${event.away}` : event.event;
  return (
    <details onToggle={(toggled) => setOpen((toggled.target as HTMLDetailsElement).open)}>
      <summary>
        <Line name={name} sums={event} worst={event.worst_case} />
      </summary>
      {open && <Markets event={event.event} />}
    </details>
  );
}

export function ExposureTree({ exposure }: { exposure: Exposure }) {
  return (
    <section class="tree" aria-label="Exposure">
      <p class="leaf muted">
        <span>in {exposure.currency}</span>
        <span class="number">stakes</span>
        <span class="number">worst case</span>
      </p>
      {exposure.sports.map((sport) => (
        <details key={sport.sport} open>
          <summary>
            <Line
              name={sport.name || sport.sport || 'No sport'}
              sums={sport}
              worst={sport.worst_case}
            />
          </summary>
          {sport.events.map((event) => (
            <EventExposure key={event.event} event={event} />
          ))}
        </details>
      ))}
      {exposure.sports.length === 0 && <p class="muted pad">No open bets.</p>}
    </section>
  );
}

export function Audit() {
  const [pages, setPages] = useState<string[]>(['']);
  const after = pages.at(-1)!;
  const { data, error } = usePoll<{ entries: AuditEntry[]; next: string | null }>(
    `audit?limit=50${after && `&after=${after}`}`,
    5000,
  );
  if (error) return <p class="bad pad">{error}</p>;
  return (
    <section aria-label="Audit log">
      <table>
        <thead>
          <tr>
            <th>When</th>
            <th>Who</th>
            <th>What</th>
            <th>On</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          {data?.entries.map((entry) => (
            <tr key={entry.position}>
              <td>{dateTime(entry.at)}</td>
              <td>{entry.operator}</td>
              <td>
                {entry.act} {detailText(entry)}
              </td>
              <td>{scopeText(entry)}</td>
              <td>{entry.reason}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="acts pad">
        <button
          type="button"
          disabled={pages.length === 1}
          onClick={() => setPages(pages.slice(0, -1))}
        >
          Newer
        </button>
        <button
          type="button"
          disabled={!data?.next}
          onClick={() => setPages([...pages, data!.next!])}
        >
          Older
        </button>
      </p>
    </section>
  );
}
