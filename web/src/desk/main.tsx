// The trading desk.  Keys act on the market under the cursor: m market,
// e event, p sport, a all suspend and resume; j k move; / finds; ? tells.
import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Refused } from '../shared/api';
import { Activity } from './activity';
import {
  forgetToken,
  get,
  keepToken,
  post,
  sentence,
  token,
  type EventDetail,
  type EventRow,
  type Exposure,
  type Hold,
  type LargeBet,
  type Me,
  type Producer,
  type Proposal,
  type Scope,
} from './api';
import { askMargin, askPrice, askResult, askVoid, askLimits } from './asks';
import { Dialog, type Ask } from './dialog';
import { EventView, isAt, scopeOf } from './event';
import { Events } from './events';
import { usePoll } from './poll';
import './style.css';
import { Audit, ExposureTree } from './tables';
import { teams } from './text';

type View = 'markets' | 'exposure' | 'audit';

const KEYS: [string, string][] = [
  ['m', 'suspend or resume the market'],
  ['e', 'suspend or resume the event'],
  ['p', 'suspend or resume the sport'],
  ['a', 'suspend or resume everything'],
  ['j k', 'next, previous market'],
  ['n b', 'next, previous event'],
  ['o', 'price of its first outcome'],
  ['g', 'margin'],
  ['l', 'limits'],
  ['r v', 'result, void'],
  ['1 2 3', 'markets, exposure, audit'],
  ['/', 'find an event'],
];

function Login({ why, onIn }: { why: string; onIn: (me: Me) => void }) {
  const [error, setError] = useState(why);
  const submit = async (event: Event) => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    keepToken(String(form.get('token') ?? '').trim());
    try {
      onIn(await get<Me>('me'));
    } catch (failure) {
      forgetToken();
      setError(sentence(failure));
    }
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1>Overround desk</h1>
        <label>
          <span>Operator's token</span>
          <input name="token" type="password" required autocomplete="current-password" autofocus />
        </label>
        {error && (
          <p class="bad" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="strong">
          Open the desk
        </button>
        <p class="muted">
          To create a token: <code>overround operator add NAME --role trader</code>
        </p>
      </form>
    </main>
  );
}

function Feed({ producers }: { producers: Producer[] }) {
  return (
    <ul class="feed" aria-label="Feed">
      {producers.map((producer) => (
        <li key={producer.id} class={producer.state}>
          <i class="light" aria-hidden="true" />
          {producer.name || producer.id}
          <span class="muted">
            {producer.state === 'up' && producer.alive_age_ms !== null
              ? `${Math.round(producer.alive_age_ms / 1000)} s`
              : producer.state}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Help({ onClose }: { onClose: () => void }) {
  const place = useRef<HTMLDialogElement>(null);
  useEffect(() => place.current?.showModal(), []);
  return (
    <dialog ref={place} onClose={onClose} aria-label="Keys">
      <form method="dialog">
        <h2>Keys</h2>
        <dl>
          {KEYS.map(([key, does]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{does}</dd>
            </div>
          ))}
        </dl>
        <footer>
          <button>Close</button>
        </footer>
      </form>
    </dialog>
  );
}

function useDesk(me: Me) {
  const [view, setView] = useState<View>('markets');
  const [chosen, setChosen] = useState<string | null>(null);
  const events = usePoll<{ events: EventRow[] }>('events?limit=200', 2000);
  const event = usePoll<EventDetail>(
    chosen && view === 'markets' ? `events/${encodeURIComponent(chosen)}` : null,
    1000,
  );
  const exposure = usePoll<Exposure>('exposure', 2000);
  const own = usePoll<Exposure>(
    chosen && view === 'markets' ? `exposure?event=${encodeURIComponent(chosen)}` : null,
    2000,
  );
  const holds = usePoll<{ holds: Hold[] }>('holds', 1000);
  const proposals = usePoll<{ proposals: Proposal[] }>('proposals', 2000);
  const bets = usePoll<{ bets: LargeBet[] }>('bets?limit=50', 1000);
  const feed = usePoll<{ producers: Producer[] }>('feed', 2000);
  const again = () => [events, event, holds, proposals].forEach((poll) => poll.again());
  return {
    me,
    view,
    setView,
    chosen,
    setChosen,
    events,
    event,
    exposure,
    own,
    holds,
    proposals,
    bets,
    feed,
    again,
  };
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && target.closest('input, select, textarea, dialog') !== null;

function Desk({ me, onOut }: { me: Me; onOut: (why: string) => void }) {
  const desk = useDesk(me);
  const [filter, setFilter] = useState('');
  const [at, setAt] = useState(0);
  const [ask, setAsk] = useState<Ask | null>(null);
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState<{ text: string; bad: boolean } | null>(null);
  const find = useRef<HTMLInputElement>(null);
  const events = desk.events.data?.events ?? [];
  const event = desk.event.data;
  const all = event !== null && isAt(event, 'all');
  const market = event?.markets[Math.min(at, event.markets.length - 1)];

  const suspend = async (scope: Scope, suspended: boolean, name: string) => {
    const act = suspended ? 'resume' : 'suspend';
    try {
      await post(act, { scope });
      setSaid({ text: `${name}: ${suspended ? 'resumed' : 'suspended'}`, bad: false });
    } catch (failure) {
      setSaid({ text: sentence(failure), bad: true });
    }
    desk.again();
  };
  const choose = (id: string) => {
    desk.setChosen(id);
    desk.setView('markets');
    setAt(0);
  };
  const step = (by: number) => {
    const next = events[events.findIndex(({ id }) => id === desk.chosen) + by];
    if (next) choose(next.id);
  };
  const move = (by: number) => {
    const last = (event?.markets.length ?? 1) - 1;
    const to = Math.max(0, Math.min(last, at + by));
    setAt(to);
    document.getElementById(`market-${to}`)?.scrollIntoView({ block: 'nearest' });
  };

  const keys: Record<string, () => void> = {
    m: () =>
      void (
        event &&
        market &&
        suspend(scopeOf(event.id, market), market.suspended.includes('market'), market.name)
      ),
    e: () => void (event && suspend({ event: event.id }, isAt(event, 'event'), teams(event))),
    p: () =>
      void (event && suspend({ sport: event.sport }, isAt(event, 'sport'), event.sport_name)),
    a: () => void suspend({ all: true }, all, 'Everything'),
    j: () => move(1),
    k: () => move(-1),
    n: () => step(1),
    b: () => step(-1),
    o: () => {
      const outcome = market?.outcomes[0];
      if (event && market && outcome) setAsk(askPrice(event.id, market, outcome));
    },
    g: () => {
      if (event && market) setAsk(askMargin(scopeOf(event.id, market), market.name, market.margin));
    },
    l: () => {
      if (event && market) setAsk(askLimits(scopeOf(event.id, market), market.name, market.limits));
    },
    r: () => {
      if (event && market) setAsk(askResult(event.id, market));
    },
    v: () => {
      if (event && market) setAsk(askVoid(event.id, market));
    },
    '1': () => desk.setView('markets'),
    '2': () => desk.setView('exposure'),
    '3': () => desk.setView('audit'),
    '/': () => find.current?.focus(),
    '?': () => setHelp(true),
  };
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (pressed: KeyboardEvent) => {
      if (pressed.key === 'Escape' && pressed.target === find.current) find.current?.blur();
      if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || typing(pressed.target)) return;
      const act = latest.current[pressed.key];
      if (!act) return;
      pressed.preventDefault();
      act();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
  useEffect(() => {
    if (desk.chosen === null && events[0]) desk.setChosen(events[0].id);
  }, [events.length]);

  const sports = desk.exposure.data?.sports ?? [];
  const worst = new Map(
    sports.flatMap((sport) => sport.events).map((e) => [e.event, e.worst_case]),
  );
  const views: View[] = ['markets', 'exposure', 'audit'];
  const error = desk.events.error;

  return (
    <>
      <header class="top">
        <h1>Overround</h1>
        <nav>
          <a href="/desk" aria-current="page">
            Trading desk
          </a>
          <a href="/ops">Operations</a>
        </nav>
        <Feed producers={desk.feed.data?.producers ?? []} />
        <button
          type="button"
          class={all ? 'strong' : 'danger'}
          onClick={() => suspend({ all: true }, all, 'Everything')}
        >
          {all ? 'Resume everything' : 'Suspend everything'} <kbd>a</kbd>
        </button>
        <button type="button" aria-label="Keys" onClick={() => setHelp(true)}>
          <kbd>?</kbd>
        </button>
        <span class="who">
          {me.name} <small class="muted">{me.roles.join(', ')}</small>
        </span>
        <button type="button" onClick={() => onOut('')}>
          Leave
        </button>
      </header>
      {error && (
        <p class="banner" role="alert">
          {error} What is shown may be old.
        </p>
      )}
      <div class="desk">
        <Events
          events={events}
          chosen={desk.chosen}
          filter={filter}
          filterRef={find}
          worst={worst}
          onFilter={setFilter}
          onChoose={choose}
        />
        <main>
          <div class="tabs" role="tablist">
            {views.map((view, i) => (
              <button
                key={view}
                type="button"
                role="tab"
                aria-selected={desk.view === view}
                onClick={() => desk.setView(view)}
              >
                {view} <kbd>{i + 1}</kbd>
              </button>
            ))}
            <p role="status" class={said?.bad ? 'bad' : 'muted'}>
              {said?.text}
            </p>
          </div>
          {desk.view === 'markets' && event && (
            <EventView
              event={event}
              exposure={desk.own.data?.sports[0]?.events[0]}
              at={at}
              onAt={setAt}
              onSuspend={suspend}
              onAsk={setAsk}
            />
          )}
          {desk.view === 'markets' && !event && (
            <p class="muted pad">{desk.event.error ?? 'Choose an event.'}</p>
          )}
          {desk.view === 'exposure' && desk.exposure.data && (
            <ExposureTree exposure={desk.exposure.data} />
          )}
          {desk.view === 'audit' && <Audit />}
        </main>
        <Activity
          me={me}
          holds={desk.holds.data?.holds ?? []}
          proposals={desk.proposals.data?.proposals ?? []}
          bets={desk.bets.data?.bets ?? []}
          onAsk={setAsk}
          onDone={desk.again}
        />
      </div>
      {ask && (
        <Dialog
          key={ask.title}
          ask={ask}
          onClose={(done) => {
            setAsk(null);
            if (done) setSaid({ text: `${ask.title}: done`, bad: false });
            desk.again();
          }}
        />
      )}
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

function App() {
  const [me, setMe] = useState<Me | null>(null);
  const [why, setWhy] = useState('');
  const [asked, setAsked] = useState(token() === '');
  const out = (text: string) => {
    forgetToken();
    setWhy(text);
    setMe(null);
  };
  useEffect(() => {
    if (asked) return;
    get<Me>('me')
      .then(setMe, (failure: unknown) => {
        if (failure instanceof Refused) forgetToken();
        setWhy(sentence(failure));
      })
      .finally(() => setAsked(true));
  }, []);
  if (me) return <Desk me={me} onOut={out} />;
  return asked ? <Login why={why} onIn={setMe} /> : null;
}

render(<App />, document.getElementById('app')!);
