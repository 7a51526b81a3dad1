// The slip: selections, stake, what it would pay, and the one button.
import type { PlaceBetProblem, Problem } from 'contract';
import { useEffect, useRef } from 'preact/hooks';
import { useCell, useCells } from '../shared/cell';
import { minorOf, moneyText, showMoney } from '../shared/money';
import { sameOdds, shortOdds } from '../shared/odds';
import { go } from '../shared/router';
import { choose } from '../shared/rational';
import { Choice, Icon, Money, Odds, useMove } from './parts';
import type { Bet } from './mybets';
import { legKey } from './names';
import { arm, currency, feed, session, wallet, whyNoBets } from './session';
import {
  accept,
  changeSlip,
  clearSlip,
  legNow,
  type LegNow,
  type Mode,
  place,
  relatedLegs,
  removeLegs,
  sending,
  slip,
  slipOpen,
  type SlipLeg,
  takeOdds,
  takeRefusedOdds,
  toggleBanker,
  worth,
} from './slip';

export function SlipPanel() {
  const { legs } = useCell(slip);
  const events = [...new Set(legs.map(({ event }) => event))];
  const status = useCell(sending);
  useCells([accept, feed.freshness, session, wallet, currency]);
  useCells(events.map((id) => feed.event(id)));
  useEffect(() => feed.watch(events), [events.join(' ')]);
  const placed = status.state === 'placed' ? status.bets : [];
  return (
    <section class="slip" aria-label="Bet slip">
      <header>
        <h2>
          Bet slip {legs.length > 0 && <b class="count num">{legs.length}</b>}
        </h2>
        {legs.length > 0 && (
          <button type="button" class="quiet" onClick={clearSlip}>
            Clear
          </button>
        )}
        <button
          type="button"
          class="quiet closer"
          aria-label="Close the slip"
          onClick={() => slipOpen.set(false)}
        >
          <Icon name="close" />
        </button>
      </header>
      {placed.length > 0 && <Receipts bets={placed} />}
      {legs.length === 0 && placed.length === 0 && (
        <p class="empty">Tap odds to put them on the slip.</p>
      )}
      {legs.length > 0 && <Filled />}
    </section>
  );
}

function Receipts({ bets }: { bets: Bet[] }) {
  return (
    <div class="receipts" role="status">
      {bets.map((bet) => (
        <p key={bet.id} class="receipt">
          <b>Bet placed.</b> <Money amount={bet.stake} currency={bet.currency} /> at{' '}
          <Odds odds={shortOdds(bet.odds)} /> could pay{' '}
          <Money amount={bet.potential_payout} currency={bet.currency} />.
        </p>
      ))}
      <button
        type="button"
        class="quiet"
        onClick={() => {
          slipOpen.set(false);
          go('/bets');
        }}
      >
        My bets
      </button>
    </div>
  );
}

function Filled() {
  const { legs, mode } = slip.value;
  const modes: [Mode, string][] = [
    ['single', legs.length > 1 ? 'Singles' : 'Single'],
    ['multiple', 'Multiple'],
  ];
  if (legs.length > 2) modes.push(['system', 'System']);
  return (
    <>
      {legs.length > 1 && (
        <Choice
          label="Kind of bet"
          hideLabel
          options={modes}
          value={mode}
          onChange={(next) => changeSlip({ mode: next })}
        />
      )}
      <ul class="legs">
        {legs.map((leg) => (
          <Leg key={legKey(leg)} now={legNow(leg)} />
        ))}
      </ul>
      {mode === 'system' && <Sizes />}
      <Stake />
      <OddsChoice />
      <Totals />
      <Refusal />
      <PlaceButton />
    </>
  );
}

function Leg({ now }: { now: LegNow }) {
  const { leg, odds, status, moved, higher } = now;
  const { mode } = slip.value;
  const move = useMove(odds);
  return (
    <li class={`leg ${status}`}>
      <div class="what">
        <b>{leg.names.outcome}</b>
        <span>
          {leg.names.market} · {leg.names.match}
        </span>
        {status !== 'open' && (
          <span class="state">
            <Icon name="lock" /> {status === 'closed' ? 'Closed' : 'Suspended'}
          </span>
        )}
      </div>
      <div class={`at ${move}`}>
        {moved && (
          <s>
            <span class="hidden">was </span>
            <Odds odds={leg.odds} />
          </s>
        )}
        <b class={moved ? (higher ? 'higher' : 'lower') : ''}>
          <Odds odds={odds} />
        </b>
      </div>
      <div class="tools">
        {mode === 'system' && (
          <button
            type="button"
            class="banker"
            aria-pressed={leg.banker}
            aria-label={`Banker: ${leg.names.outcome} is in every line`}
            title="Banker: in every line"
            onClick={() => toggleBanker(leg)}
          >
            B
          </button>
        )}
        <button
          type="button"
          class="quiet"
          aria-label={`Remove ${leg.names.outcome}`}
          onClick={() => removeLegs([leg])}
        >
          <Icon name="close" />
        </button>
      </div>
    </li>
  );
}

const sizeNames: Record<number, string> = { 1: 'Singles', 2: 'Doubles', 3: 'Trebles' };

function Sizes() {
  const { legs, sizes } = slip.value;
  const free = legs.filter(({ banker }) => !banker).length;
  const toggle = (k: number) => {
    const next = sizes.includes(k) ? sizes.filter((size) => size !== k) : [...sizes, k];
    if (next.length > 0) changeSlip({ sizes: next });
  };
  return (
    <div class="sizes" role="group" aria-label="Sizes of the system's lines">
      {Array.from({ length: free }, (_, i) => i + 1).map((k) => (
        <button key={k} type="button" aria-pressed={sizes.includes(k)} onClick={() => toggle(k)}>
          {sizeNames[k] ?? `${k}-folds`} <small class="num">×{String(choose(free, k))}</small>
        </button>
      ))}
    </div>
  );
}

// What the buttons beside the stake add: an experiment of the name `slip` may
// give larger steps to its arm `quick`.
const steps = () => (arm('slip') === 'quick' ? ['10', '25', '100'] : ['5', '10', '50']);

function Stake() {
  const { stake, mode, legs } = slip.value;
  const label = mode === 'single' && legs.length > 1 ? 'Stake on each' : 'Stake';
  const wrong = stake !== '' && worth().stake === null;
  const add = (more: string) => {
    const now = (worth().stake ?? 0n) + minorOf(more, currency.value);
    changeSlip({ stake: moneyText(now, currency.value) });
  };
  return (
    <div class="stake">
      <label for="stake">{label}</label>
      <div class="amount">
        <span aria-hidden="true">{showMoney('', currency.value).trim()}</span>
        <input
          id="stake"
          inputMode="decimal"
          autocomplete="off"
          placeholder="0.00"
          maxLength={14}
          value={stake}
          aria-invalid={wrong}
          aria-describedby={wrong ? 'stake-wrong' : undefined}
          onInput={(input) => changeSlip({ stake: input.currentTarget.value })}
          onKeyDown={(key) => key.key === 'Enter' && document.getElementById('place')?.click()}
        />
        {steps().map((more) => (
          <button
            key={more}
            type="button"
            aria-label={`Add ${more} to the stake`}
            onClick={() => add(more)}
          >
            +{more}
          </button>
        ))}
      </div>
      {wrong && (
        <small id="stake-wrong" class="wrong">
          An amount like 10 or 2.50
        </small>
      )}
    </div>
  );
}

function OddsChoice() {
  return (
    <Choice
      label="If odds change"
      options={[
        ['none', 'Ask me'],
        ['higher', 'Take higher'],
        ['any', 'Take any'],
      ]}
      value={accept.value}
      onChange={(choice) => {
        accept.set(choice);
        changeSlip({});
      }}
    />
  );
}

function Totals() {
  const { mode } = slip.value;
  const { total, lines, payout } = worth();
  return (
    <dl class="totals">
      {mode === 'system' && (
        <div>
          <dt>Lines</dt>
          <dd class="num">{String(lines)}</dd>
        </div>
      )}
      <div>
        <dt>Total stake</dt>
        <dd>
          <Money amount={total} currency={currency.value} />
        </dd>
      </div>
      <div class="payout">
        <dt>Could pay</dt>
        <dd data-testid="payout">
          <Money amount={payout} currency={currency.value} />
        </dd>
      </div>
    </dl>
  );
}

// ---- refusals ---------------------------------------------------------------

interface Way {
  text: string;
  act?: { label: string; run: () => void };
}

const placeWith = (stake: string) => () => {
  changeSlip({ stake });
  void place();
};

const asTold = ({ title, detail }: Problem): Way => ({
  text: detail ? `${title}: ${detail}` : title,
});

// What a refusal means, and the one tap that goes on from it.
function wayOut(problem: PlaceBetProblem, legs: SlipLeg[]): Way {
  const money = (amount: string) => showMoney(amount, currency.value);
  const leg = problem.leg === undefined ? undefined : legs[problem.leg];
  const drop = leg && { label: 'Remove it', run: () => removeLegs([leg]) };
  const name = leg?.names.outcome ?? 'A selection';
  const stake = problem.maximum ?? problem.minimum;
  switch (problem.code) {
    case 'odds_changed':
      return {
        text: 'The odds have changed.',
        act: {
          label: 'Accept the new odds and place',
          run: () => {
            takeRefusedOdds(problem, legs);
            void place();
          },
        },
      };
    case 'stake_too_large':
    case 'stake_too_small':
    case 'limit_reached': {
      const what = {
        stake_too_large: 'The largest stake on this is',
        stake_too_small: 'The smallest stake is',
        limit_reached: 'Your limit leaves',
      }[problem.code];
      if (!stake) return { text: `${problem.title}.` };
      const none = minorOf(stake, currency.value) <= 0n;
      const act = { label: `Stake ${money(stake)} and place`, run: placeWith(stake) };
      return { text: `${what} ${money(stake)}.`, ...(none ? {} : { act }) };
    }
    case 'insufficient_funds':
      return {
        text: `Your balance is ${money(problem.balance ?? '0')}.`,
        act: {
          label: 'Deposit',
          run: () => {
            slipOpen.set(false);
            go('/wallet');
          },
        },
      };
    case 'payout_too_large':
      return { text: `A bet may pay at most ${money(problem.cap ?? '0')}: stake less.` };
    case 'market_suspended':
      return { text: `${name} is suspended. Try again when it is open.` };
    case 'market_closed':
      return { text: `${name} is closed.`, ...(drop ? { act: drop } : {}) };
    case 'unknown_selection':
      return { text: `${name} is not offered any more.`, ...(drop ? { act: drop } : {}) };
    case 'related_legs':
      return { text: 'Selections of one match cannot be combined.' };
    case 'excluded':
      return { text: 'Your account is in a time-out or excluded: no bets for now.' };
    case 'country_refused':
    case 'country_unsigned':
      return { text: whyNoBets(problem.code) };
    case 'malformed':
    case 'request_timeout':
    case 'too_large':
    case 'headers_too_large':
    case 'key_missing':
    case 'key_reused':
    case 'unauthorized':
    case 'too_many_requests':
    case 'busy':
    case 'declined':
      return asTold(problem);
    default: // all that this page knows; a newer server may have others
      problem.code satisfies never;
      return asTold(problem);
  }
}

function Refusal() {
  const status = sending.value;
  const box = useRef<HTMLDivElement>(null);
  const refused = status.state === 'refused' ? status : null;
  useEffect(() => {
    if (refused) box.current?.querySelector('button')?.focus();
  }, [refused]);
  const way = refused && wayOut(refused.problem, refused.legs);
  return (
    <div ref={box} class="refusal" role="alert">
      {way && (
        <>
          <p>{way.text}</p>
          {refused.problem.legs?.map(({ leg, odds }) => {
            const which = refused.legs[leg];
            return (
              which &&
              !sameOdds(odds, which.odds) && (
                <p key={leg} class="moved">
                  {which.names.outcome}:{' '}
                  <s>
                    <Odds odds={which.odds} />
                  </s>{' '}
                  <b>
                    <Odds odds={odds} />
                  </b>
                </p>
              )
            );
          })}
          {way.act && (
            <button type="button" class="main" onClick={way.act.run}>
              {way.act.label}
            </button>
          )}
        </>
      )}
    </div>
  );
}

// ---- the button ---------------------------------------------------------------

interface Next {
  label: string;
  why?: string; // it cannot be pressed, because
  run?: () => void;
}

function nextStep(): Next {
  const { legs } = slip.value;
  const now = legs.map(legNow);
  const { stake, total } = worth();
  const status = sending.value;
  if (status.state === 'sending') return { label: 'Sending …', why: status.note ?? '' };
  if (!session.value)
    return {
      label: 'Log in to bet',
      run: () => {
        slipOpen.set(false);
        go('/account');
      },
    };
  const abroad = whyNoBets();
  if (abroad) return { label: 'Place bet', why: abroad };
  if (feed.freshness.value === 'stale')
    return { label: 'Place bet', why: 'These odds may be old. Reconnecting …' };
  if (relatedLegs())
    return { label: 'Place bet', why: 'Selections of one match cannot be combined.' };
  const shut = now.find(({ status }) => status !== 'open');
  if (shut)
    return { label: 'Place bet', why: `${shut.leg.names.outcome} is ${shut.status}.` };
  if (stake === null || stake === 0n) return { label: 'Place bet', why: 'Enter a stake.' };
  const balance = wallet.value && minorOf(wallet.value.balance, currency.value);
  if (balance !== null && total > balance)
    return { label: 'Deposit to bet', run: () => (slipOpen.set(false), go('/wallet')) };
  const amount = showMoney(total, currency.value);
  if (now.some(({ bars }) => bars))
    return { label: `Accept new odds and bet ${amount}`, run: () => (takeOdds(now), void place()) };
  return { label: `Place bet ${amount}`, run: () => (takeOdds(now), void place()) };
}

const SETTLE_MS = 400;

function PlaceButton() {
  const step = nextStep();
  const changed = useRef({ label: '', at: 0 });
  if (changed.current.label !== step.label) {
    changed.current = { label: step.label, at: performance.now() };
  }
  // A tap meant for the label that has just gone is not taken.
  const press = () => {
    const early = performance.now() - changed.current.at < SETTLE_MS;
    if (early && step.label.startsWith('Accept')) return;
    step.run?.();
  };
  if (sending.value.state === 'refused' && step.run === undefined && !step.why) return null;
  return (
    <>
      <button
        id="place"
        type="button"
        class={sending.value.state === 'refused' ? 'second' : 'main'}
        aria-disabled={!step.run}
        onClick={press}
      >
        {step.label}
      </button>
      <p class="why" role="status">
        {step.why}
      </p>
    </>
  );
}
