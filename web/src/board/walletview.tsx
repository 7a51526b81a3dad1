// The wallet: balance, money in and out, and every movement.
import type { Transfers } from 'contract';
import { useEffect, useState } from 'preact/hooks';
import { useCell } from '../shared/cell';
import { newKey, type Problem, sendOnce } from '../shared/api';
import { minorOf, moneyText, parseMoney, showMoney } from '../shared/money';
import { Alert, Field, Heading, Money, timeText } from './parts';
import { currency, loadWallet, own, session, tokenOf, wallet, whyNoBets } from './session';

export function WalletView() {
  const who = useCell(session);
  if (!who)
    return (
      <div class="narrow">
        <Heading>Wallet</Heading>
        <p class="empty">
          <a href="/account">Log in</a> to see your wallet.
        </p>
      </div>
    );
  return (
    <div class="narrow">
      <Heading>Wallet</Heading>
      <Balances />
      <div class="pair">
        <Move kind="deposits" title="Deposit" />
        <Move kind="withdrawals" title="Withdraw" />
      </div>
      <Transfers />
    </div>
  );
}

function Balances() {
  const now = useCell(wallet);
  useEffect(() => void loadWallet(), []);
  if (!now) return <p class="empty">Loading …</p>;
  const owes = minorOf(now.debt, now.currency) > 0n;
  return (
    <dl class="balances">
      <div>
        <dt>Balance</dt>
        <dd data-testid="balance">
          <Money amount={now.balance} currency={now.currency} />
        </dd>
      </div>
      <div>
        <dt>In open bets</dt>
        <dd>
          <Money amount={now.staked} currency={now.currency} />
        </dd>
      </div>
      {owes && (
        <div class="owed">
          <dt>Owed</dt>
          <dd>
            <Money amount={now.debt} currency={now.currency} />
          </dd>
        </div>
      )}
    </dl>
  );
}

function refusalText(problem: Problem): string {
  const money = (amount: string) => showMoney(amount, currency.value);
  if (problem.code === 'insufficient_funds') return `You have ${money(problem.balance ?? '0')}.`;
  if (problem.code === 'limit_reached' && problem.maximum)
    return `Your limit leaves ${money(problem.maximum)}.`;
  if (problem.code === 'excluded') return 'Your account is in a time-out: no deposits for now.';
  if (problem.code === 'country_refused' || problem.code === 'country_unsigned')
    return whyNoBets(problem.code);
  return problem.detail ?? problem.title;
}

function Move({ kind, title }: { kind: 'deposits' | 'withdrawals'; title: string }) {
  const [amount, setAmount] = useState('');
  const [said, setSaid] = useState('');
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const send = async () => {
    const minor = parseMoney(amount, currency.value);
    setSaid('');
    setWrong(minor ? '' : 'Enter an amount like 10 or 2.50.');
    if (!minor || busy) return;
    setBusy(true);
    const answer = await sendOnce<Problem>(
      {
        key: newKey(),
        path: `/v1/wallet/${kind}`,
        body: JSON.stringify({ amount: moneyText(minor, currency.value) }),
        customer: session.value?.customer ?? '',
        what: kind === 'deposits' ? 'deposit' : 'withdrawal',
      },
      {
        token: tokenOf,
        onUnknown: () => setSaid('No answer yet. We ask again; the money moves at most once.'),
      },
    );
    setBusy(false);
    setSaid('');
    if (answer.status >= 400) setWrong(refusalText(answer.body));
    else {
      setSaid(`${title}: ${showMoney(minor, currency.value)} done.`);
      setAmount('');
    }
    await loadWallet();
  };
  return (
    <form
      class="panel"
      onSubmit={(submit) => {
        submit.preventDefault();
        void send();
      }}
    >
      <h2>{title}</h2>
      <Field
        label={`Amount (${currency.value})`}
        name={kind}
        inputMode="decimal"
        autocomplete="off"
        value={amount}
        onInput={setAmount}
      />
      <button class={kind === 'deposits' ? 'main' : 'second'} aria-disabled={busy}>
        {title}
      </button>
      <p class="why" role="status">
        {said}
      </p>
      {wrong && <Alert>{wrong}</Alert>}
    </form>
  );
}

const kinds: Record<string, string> = {
  deposit: 'Deposit',
  withdrawal: 'Withdrawal',
  stake: 'Stake',
  payout: 'Payout',
  cashout: 'Cash-out',
  reversal: 'Correction',
};

const kindText = (kind: string) =>
  kinds[kind] ?? (kind.charAt(0).toUpperCase() + kind.slice(1)).replace(/_/g, ' ');

function Transfers() {
  const [page, setPage] = useState<Transfers | null>(null);
  const now = useCell(wallet);
  const load = async (after?: string | null) => {
    const query = after ? `&after=${after}` : '';
    const more = await own<Transfers>('GET', `/v1/wallet/transfers?limit=20${query}`);
    const before = after ? (page?.transfers ?? []) : [];
    setPage({ transfers: [...before, ...more.transfers], next: more.next });
  };
  // Each change of the balance is a movement.
  useEffect(() => void load().catch(() => undefined), [now?.balance, now?.debt]);
  if (!page) return null;
  return (
    <section class="panel" aria-label="Movements">
      <h2>Movements</h2>
      {page.transfers.length === 0 && <p class="empty">None yet.</p>}
      <ul class="transfers">
        {page.transfers.map((transfer) => (
          <li key={transfer.id}>
            <span>{kindText(transfer.kind)}</span>
            <time dateTime={transfer.at}>{timeText(transfer.at)}</time>
            <Money amount={transfer.amount} currency={currency.value} />
            <span class="after">
              <Money amount={transfer.balance_after} currency={currency.value} />
            </span>
          </li>
        ))}
      </ul>
      {page.next && (
        <button type="button" class="second" onClick={() => void load(page.next)}>
          Older
        </button>
      )}
    </section>
  );
}
