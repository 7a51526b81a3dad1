// My bets: open ones with what they can be sold for now, and settled ones.
import type { Leg as BetLeg } from 'contract';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useCell, useCells } from '../shared/cell';
import { minorOf, parseMoney, showMoney } from '../shared/money';
import type { Problem } from '../shared/api';
import { shortOdds } from '../shared/odds';
import { Choice, Heading, Icon, Money, Odds, timeText } from './parts';
import {
  type Bet,
  cashOut,
  loadOpen,
  loadSettled,
  offerOf,
  openBets,
  settledBets,
} from './mybets';
import { namesOf } from './names';
import { feed, session } from './session';

const ASK_MS = 3000;

export function BetsView() {
  const [which, setWhich] = useState<'open' | 'settled'>('open');
  const who = useCell(session);
  if (!who)
    return (
      <div class="narrow">
        <Heading>My bets</Heading>
        <p class="empty">
          <a href="/account">Log in</a> to see your bets.
        </p>
      </div>
    );
  return (
    <div class="narrow">
      <Heading>My bets</Heading>
      <Choice
        label="Which bets"
        hideLabel
        options={[
          ['open', 'Open'],
          ['settled', 'Settled'],
        ]}
        value={which}
        onChange={setWhich}
      />
      {which === 'open' ? <Open /> : <Settled />}
    </div>
  );
}

function Open() {
  const bets = useCell(openBets);
  const events = [...new Set((bets ?? []).flatMap(({ legs }) => legs.map((l) => l.event)))];
  useEffect(() => {
    const ask = () => void loadOpen().catch(() => undefined);
    ask();
    // The stream brings changes; without it they are asked for.
    const timer = setInterval(() => feed.privateLive.value || ask(), ASK_MS);
    return () => clearInterval(timer);
  }, []);
  useEffect(() => feed.watch(events), [events.join(' ')]);
  useCells([feed.freshness, ...events.map((id) => feed.event(id))]);
  if (bets === null) return <p class="empty">Loading …</p>;
  if (bets.length === 0) return <p class="empty">No open bets.</p>;
  return (
    <ul class="bets">
      {bets.map((bet) => (
        <BetCard key={bet.id} bet={bet} />
      ))}
    </ul>
  );
}

function Settled() {
  const page = useCell(settledBets);
  useEffect(() => void loadSettled().catch(() => undefined), []);
  if (page === null) return <p class="empty">Loading …</p>;
  if (page.bets.length === 0) return <p class="empty">No settled bets yet.</p>;
  return (
    <>
      <ul class="bets">
        {page.bets.map((bet) => (
          <BetCard key={bet.id} bet={bet} />
        ))}
      </ul>
      {page.next && (
        <button type="button" class="second" onClick={() => void loadSettled(page.next)}>
          Older bets
        </button>
      )}
    </>
  );
}

function titleOf({ type, system, legs }: Bet): string {
  if (type === 'single') return 'Single';
  if (type === 'multiple') return `Multiple of ${legs.length}`;
  return `System ${(system ?? []).join(', ')} of ${legs.filter(({ banker }) => !banker).length}`;
}

function resultOf(bet: Bet): { text: string; tone: string } {
  if (bet.state === 'accepted') return { text: 'Open', tone: '' };
  if (bet.state === 'cashed_out') return { text: 'Cashed out', tone: 'won' };
  const paid = minorOf(bet.payout ?? '0', bet.currency);
  if (paid === 0n) return { text: 'Lost', tone: 'lost' };
  if (bet.legs.every(({ state }) => state === 'void')) return { text: 'Void', tone: '' };
  return { text: 'Won', tone: 'won' };
}

function BetCard({ bet }: { bet: Bet }) {
  const { text, tone } = resultOf(bet);
  const open = bet.state === 'accepted';
  return (
    <li class="bet" data-bet={bet.id}>
      <header>
        <b>{titleOf(bet)}</b>
        <time dateTime={bet.placed_at}>{timeText(bet.placed_at)}</time>
        <span class={`verdict ${tone}`}>{text}</span>
      </header>
      <ul>
        {bet.legs.map((leg, i) => (
          <Leg key={i} leg={leg} />
        ))}
      </ul>
      <dl>
        <div>
          <dt>Stake</dt>
          <dd>
            <Money amount={bet.stake} currency={bet.currency} />
          </dd>
        </div>
        <div>
          <dt>Odds</dt>
          <dd>
            <Odds odds={bet.type === 'single' ? bet.odds : shortOdds(bet.odds)} />
          </dd>
        </div>
        {bet.state !== 'cashed_out' && (
          <div>
            <dt>{open ? 'Could pay' : 'Paid'}</dt>
            <dd>
              <Money
                amount={open ? bet.potential_payout : (bet.payout ?? '0')}
                currency={bet.currency}
              />
            </dd>
          </div>
        )}
        {bet.cashed_out && minorOf(bet.cashed_out, bet.currency) > 0n && (
          <div>
            <dt>Cashed out</dt>
            <dd>
              <Money amount={bet.cashed_out} currency={bet.currency} />
            </dd>
          </div>
        )}
      </dl>
      {open && <Cashout bet={bet} />}
    </li>
  );
}

const marks = {
  open: 'open',
  won: 'won',
  lost: 'lost',
  void: 'void',
  half_won: 'half won',
  half_lost: 'half lost',
};

function Leg({ leg }: { leg: BetLeg }) {
  const event = useCell(feed.event(leg.event));
  const names = namesOf(leg);
  const score = event?.state === 'live' ? ` ${event.score.home}:${event.score.away}` : '';
  return (
    <li class={`betleg ${leg.state}`}>
      <span class="mark">
        <span class="hidden">{marks[leg.state]}</span>
      </span>
      <span class="what">
        <b>{names.outcome}</b> <span>{names.market}</span>
        <span class="where">
          {names.match}
          <b class="num">{score}</b>
          {leg.banker && ' · banker'}
          {leg.state !== 'open' && ` · ${marks[leg.state]}`}
        </span>
      </span>
      <Odds odds={leg.odds} />
    </li>
  );
}

// ---- cash-out ---------------------------------------------------------------

const MOVED = 'cashout_moved';

function Cashout({ bet }: { bet: Bet }) {
  const [part, setPart] = useState('');
  const [isOpen, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState('');
  const [moved, setMoved] = useState<string | null>(null); // the offer now, by the server
  const unmounted = useRef(false);
  useEffect(() => () => void (unmounted.current = true), []);
  const whole = offerOf(bet);
  const stake = minorOf(bet.remaining_stake ?? bet.stake, bet.currency);
  const typed = isOpen && part !== '' ? parseMoney(part, bet.currency) : null;
  const wrong = isOpen && part !== '' && (typed === null || typed <= 0n || typed > stake);
  const partial = typed !== null && typed < stake ? typed : null;
  const offer = partial === null ? whole : offerOf(bet, partial);

  const sell = async (minimum: bigint) => {
    setBusy(true);
    setMoved(null);
    setSaid('Cashing out …');
    const unknown = () => setSaid('No answer yet. We ask again; you cash out at most once.');
    const result = await cashOut(bet, minimum, partial, unknown);
    if (unmounted.current) return;
    setBusy(false);
    if ('problem' in result) {
      setSaid(refusalText(result.problem, bet.currency));
      if (result.problem.code === MOVED) setMoved(result.problem.offer ?? null);
    } else {
      setSaid(`Paid ${showMoney(result.paid, bet.currency)}.`);
      setPart('');
    }
  };

  return (
    <div class="cashout">
      {offer !== null && offer > 0n && moved === null && (
        <button
          type="button"
          class="main"
          aria-disabled={busy || wrong}
          onClick={() => !busy && !wrong && void sell(offer)}
        >
          Cash out <Money amount={offer} currency={bet.currency} />
        </button>
      )}
      {moved !== null && (
        <button
          type="button"
          class="main"
          onClick={() => void sell(minorOf(moved, bet.currency))}
        >
          Take <Money amount={moved} currency={bet.currency} />
        </button>
      )}
      {whole === null && (
        <p class="why">
          <Icon name="lock" /> No cash-out right now.
        </p>
      )}
      {whole !== null && (
        <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          Cash out a part
        </button>
      )}
      {isOpen && (
        <div class="part">
          <label for={`part-${bet.id}`}>Stake to sell, of {showMoney(stake, bet.currency)}</label>
          <input
            id={`part-${bet.id}`}
            inputMode="decimal"
            autocomplete="off"
            value={part}
            aria-invalid={wrong}
            onInput={(input) => setPart(input.currentTarget.value)}
          />
        </div>
      )}
      <p class="why" role="status">
        {said}
      </p>
    </div>
  );
}

function refusalText(problem: Problem, currency: string): string {
  if (problem.code === MOVED && problem.offer)
    return `The offer is now ${showMoney(problem.offer, currency)}.`;
  if (problem.code === 'market_suspended' || problem.code === 'cashout_unavailable')
    return 'There is no offer at the moment.';
  if (problem.code === 'bet_closed') return 'The bet is settled already.';
  return problem.detail ?? problem.title;
}
