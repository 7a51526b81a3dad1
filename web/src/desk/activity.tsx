// What waits for a trader, and large bets as they come.
import { useState } from 'preact/hooks';

import { post, sentence, type Hold, type LargeBet, type Me, type Proposal } from './api';
import { askFactor, askReason } from './asks';
import type { Ask } from './dialog';
import { dateTime, legText, time } from './text';

function HoldCard({ hold, onDone }: { hold: Hold; onDone: () => void }) {
  const [stake, setStake] = useState('');
  const [error, setError] = useState<string | null>(null);
  const decide = async (decision: string) => {
    try {
      await post(`holds/${hold.id}`, decision === 'offer' ? { decision, stake } : { decision });
      onDone();
    } catch (failure) {
      setError(sentence(failure));
    }
  };
  const left = Math.max(0, Math.round((Date.parse(hold.until) - Date.now()) / 1000));
  return (
    <li class="item held">
      <p>
        <b>
          {hold.stake} {hold.currency}
        </b>{' '}
        to win {hold.potential_payout}
        <span class="right">{left} s</span>
      </p>
      {hold.legs.map((leg) => (
        <p class="muted" key={legText(leg)}>
          {legText(leg)}
        </p>
      ))}
      <p class="muted">customer {hold.customer}</p>
      <p class="acts">
        <button type="button" class="strong" onClick={() => decide('accept')}>
          Accept
        </button>
        <button type="button" class="danger" onClick={() => decide('decline')}>
          Decline
        </button>
        <input
          value={stake}
          placeholder="stake"
          aria-label="A smaller stake"
          size={7}
          onInput={(event) => setStake((event.target as HTMLInputElement).value)}
        />
        <button type="button" disabled={stake === ''} onClick={() => decide('offer')}>
          Offer
        </button>
      </p>
      {error && (
        <p class="bad" role="alert">
          {error}
        </p>
      )}
    </li>
  );
}

function ProposalCard({
  proposal,
  me,
  onAsk,
}: {
  proposal: Proposal;
  me: Me;
  onAsk: (ask: Ask) => void;
}) {
  const own = proposal.operator === me.name;
  const path = `proposals/${proposal.id}`;
  return (
    <li class="item">
      <p>
        <b>{proposal.what.replace('_', ' ')}</b> {proposal.event} · {proposal.market}{' '}
        {proposal.specifiers}
      </p>
      {proposal.outcomes && (
        <p class="muted">
          {proposal.outcomes.map((o) => `${o.outcome} ${o.result.replace('_', ' ')}`).join(', ')}
        </p>
      )}
      <p class="muted">
        {proposal.operator}, {dateTime(proposal.at)}: {proposal.reason}
      </p>
      <p class="acts">
        <button
          type="button"
          class="strong"
          disabled={own}
          title={own ? 'another operator must confirm it' : ''}
          onClick={() =>
            onAsk(askReason(`Confirm the ${proposal.what}`, 'Confirm', `${path}/confirm`))
          }
        >
          Confirm
        </button>
        <button
          type="button"
          onClick={() =>
            onAsk(askReason(`Reject the ${proposal.what}`, 'Reject', `${path}/reject`))
          }
        >
          Reject
        </button>
      </p>
    </li>
  );
}

function BetCard({ bet, onAsk }: { bet: LargeBet; onAsk: (ask: Ask) => void }) {
  return (
    <li class="item">
      <p>
        <b>
          {bet.stake} {bet.currency}
        </b>{' '}
        {bet.type} to win {bet.potential_payout}
        <span class="right muted">{time(bet.placed_at)}</span>
      </p>
      {bet.legs.map((leg) => (
        <p class="muted" key={legText(leg)}>
          {legText(leg)}
        </p>
      ))}
      <p class="muted">
        <button type="button" class="link" onClick={() => onAsk(askFactor(bet.customer))}>
          customer {bet.customer}
        </button>
      </p>
    </li>
  );
}

interface ActivityProps {
  me: Me;
  holds: Hold[];
  proposals: Proposal[];
  bets: LargeBet[];
  onAsk: (ask: Ask) => void;
  onDone: () => void;
}

export function Activity(props: ActivityProps) {
  return (
    <aside class="activity" aria-label="Activity">
      <h2>
        Held bets <span class="count">{props.holds.length}</span>
      </h2>
      <ul aria-live="assertive">
        {props.holds.map((hold) => (
          <HoldCard key={hold.id} hold={hold} onDone={props.onDone} />
        ))}
      </ul>
      <h2>
        To confirm <span class="count">{props.proposals.length}</span>
      </h2>
      <ul aria-live="polite">
        {props.proposals.map((proposal) => (
          <ProposalCard key={proposal.id} proposal={proposal} me={props.me} onAsk={props.onAsk} />
        ))}
      </ul>
      <h2>Large bets</h2>
      <ul>
        {props.bets.map((bet) => (
          <BetCard key={bet.id} bet={bet} onAsk={props.onAsk} />
        ))}
      </ul>
      {props.bets.length === 0 && <p class="muted pad">None yet.</p>}
    </aside>
  );
}
