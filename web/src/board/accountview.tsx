// The account: logging in, registering, limits, time-out, and how it looks.
import type { Limit, Limits } from 'contract';
import { useEffect, useState } from 'preact/hooks';
import { useCell } from '../shared/cell';
import { Refused } from '../shared/api';
import { moneyText, parseMoney, showMoney } from '../shared/money';
import { oddsFormat, theme } from '../shared/prefs';
import { go } from '../shared/router';
import { Alert, Choice, Field, Heading, Money, timeText } from './parts';
import { currency, logIn, logOut, own, register, session } from './session';

export function AccountView() {
  const who = useCell(session);
  return (
    <div class="narrow">
      <Heading>{who ? 'Account' : 'Log in'}</Heading>
      {who ? <Inside email={who.email} /> : <Outside />}
      <Looks />
    </div>
  );
}

function Looks() {
  return (
    <section class="panel" aria-label="Appearance">
      <h2>Appearance</h2>
      <Choice
        label="Odds"
        options={[
          ['decimal', 'Decimal 2.50'],
          ['fractional', 'Fractional 3/2'],
          ['american', 'American +150'],
        ]}
        value={useCell(oddsFormat)}
        onChange={(format) => oddsFormat.set(format)}
      />
      <Choice
        label="Colours"
        options={[
          ['auto', 'Same as the device'],
          ['light', 'Light'],
          ['dark', 'Dark'],
        ]}
        value={useCell(theme)}
        onChange={(next) => theme.set(next)}
      />
    </section>
  );
}

// ---- logged out -------------------------------------------------------------

const messageOf = (error: unknown) =>
  error instanceof Refused && error.problem.code !== 'malformed'
    ? `${error.problem.title}.`
    : (error as Error).message;

// Runs what a form does; its refusal is said beside the form.
function useForm(run: () => Promise<void>) {
  const [wrong, setWrong] = useState('');
  const [busy, setBusy] = useState(false);
  const onSubmit = (submit: Event) => {
    submit.preventDefault();
    if (busy) return;
    setBusy(true);
    setWrong('');
    run()
      .catch((error: unknown) => setWrong(messageOf(error)))
      .finally(() => setBusy(false));
  };
  return { wrong, busy, onSubmit };
}

function Outside() {
  const [fresh, setFresh] = useState(false);
  return (
    <>
      <Choice
        label="Log in or register"
        hideLabel
        options={[
          ['old', 'I have an account'],
          ['new', 'Register'],
        ]}
        value={fresh ? 'new' : 'old'}
        onChange={(which) => setFresh(which === 'new')}
      />
      {fresh ? <Register /> : <LogIn />}
    </>
  );
}

function LogIn() {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const form = useForm(async () => {
    await logIn(email.trim(), password);
    go('/');
  });
  return (
    <form class="panel" onSubmit={form.onSubmit}>
      <Field
        label="Email"
        name="email"
        type="email"
        autocomplete="username"
        required
        value={email}
        onInput={setEmail}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="current-password"
        required
        value={password}
        onInput={setPassword}
      />
      <button class="main" aria-disabled={form.busy}>
        Log in
      </button>
      {form.wrong && <Alert>{form.wrong}</Alert>}
    </form>
  );
}

function Register() {
  const [fields, setFields] = useState({
    email: '',
    password: '',
    currency: 'EUR',
    country: 'GB',
    date_of_birth: '',
  });
  const set = (name: keyof typeof fields) => (value: string) =>
    setFields({ ...fields, [name]: value });
  const form = useForm(async () => {
    const email = fields.email.trim();
    await register({ ...fields, email, country: fields.country.toUpperCase() });
    go('/wallet');
  });
  return (
    <form class="panel" onSubmit={form.onSubmit}>
      <Field
        label="Email"
        name="email"
        type="email"
        autocomplete="username"
        required
        value={fields.email}
        onInput={set('email')}
      />
      <Field
        label="Password"
        name="password"
        type="password"
        autocomplete="new-password"
        required
        minLength={8}
        hint="At least 8 characters."
        value={fields.password}
        onInput={set('password')}
      />
      <div class="pair">
        <Field
          label="Date of birth"
          name="birth"
          type="date"
          autocomplete="bday"
          required
          hint="You must be 18 or older."
          value={fields.date_of_birth}
          onInput={set('date_of_birth')}
        />
        <Field
          label="Country"
          name="country"
          autocomplete="country"
          required
          minLength={2}
          maxLength={2}
          hint="Two letters, like GB."
          value={fields.country}
          onInput={set('country')}
        />
      </div>
      <Choice
        label="Currency"
        options={[
          ['EUR', 'EUR €'],
          ['GBP', 'GBP £'],
          ['USD', 'USD $'],
        ]}
        value={fields.currency}
        onChange={set('currency')}
      />
      <button class="main" aria-disabled={form.busy}>
        Register
      </button>
      {form.wrong && <Alert>{form.wrong}</Alert>}
    </form>
  );
}

// ---- logged in ----------------------------------------------------------------

type Kind = Limit['kind'];
type Period = Limit['period'];

function Inside({ email }: { email: string }) {
  const [limits, setLimits] = useState<Limits | null>(null);
  useEffect(() => void own<Limits>('GET', '/v1/limits').then(setLimits, () => undefined), []);
  return (
    <>
      <section class="panel" aria-label="Session">
        <p>
          Logged in as <b>{email}</b>.
        </p>
        <button type="button" class="second" onClick={() => void logOut().catch(() => undefined)}>
          Log out everywhere
        </button>
      </section>
      {limits && <LimitsPanel limits={limits} onChange={setLimits} />}
      {limits && <TimeOut until={limits.excluded_until} onChange={setLimits} />}
    </>
  );
}

interface PanelProps {
  limits: Limits;
  onChange: (limits: Limits) => void;
}

const kindNames: Record<Kind, string> = { deposit: 'Deposits', stake: 'Stakes', loss: 'Losses' };

function LimitsPanel({ limits, onChange }: PanelProps) {
  const [edited, setEdited] = useState<Limit | null>(null);
  const cell = (kind: Kind, period: Period) =>
    limits.limits.find((limit) => limit.kind === kind && limit.period === period);
  return (
    <section class="panel" aria-label="Limits">
      <h2>Limits</h2>
      <p class="hint">A lower limit holds at once; a higher one after 24 hours.</p>
      <table class="limits">
        <thead>
          <tr>
            <td />
            {['Day', 'Week', 'Month'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(['deposit', 'stake', 'loss'] as Kind[]).map((kind) => (
            <tr key={kind}>
              <th scope="row">{kindNames[kind]}</th>
              {(['day', 'week', 'month'] as Period[]).map((period) => {
                const limit = cell(kind, period);
                return (
                  <td key={period}>{limit && <LimitCell limit={limit} onEdit={setEdited} />}</td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {edited && (
        <LimitForm
          key={`${edited.kind}/${edited.period}`}
          limit={edited}
          onDone={(next) => {
            setEdited(null);
            if (next) onChange(next);
          }}
        />
      )}
    </section>
  );
}

function LimitCell({ limit, onEdit }: { limit: Limit; onEdit: (limit: Limit) => void }) {
  const { kind, period, amount, used, pending } = limit;
  const shown = amount === null ? 'none' : showMoney(amount, currency.value);
  return (
    <button
      type="button"
      class="limit"
      aria-label={`${kindNames[kind]} a ${period}: ${shown}. Change`}
      onClick={() => onEdit(limit)}
    >
      <b class="num">{amount === null ? '–' : shown}</b>
      {amount !== null && (
        <small class="num">
          <Money amount={used} currency={currency.value} /> used
        </small>
      )}
      {pending && (
        <small>
          {pending.amount === null ? 'none' : showMoney(pending.amount, currency.value)} from{' '}
          {timeText(pending.from)}
        </small>
      )}
    </button>
  );
}

interface LimitFormProps {
  limit: Limit;
  onDone: (limits: Limits | null) => void;
}

function LimitForm({ limit, onDone }: LimitFormProps) {
  const { kind, period } = limit;
  const [amount, setAmount] = useState(limit.amount ?? '');
  const put = async (value: string | null) =>
    onDone(await own<Limits>('PUT', '/v1/limits', { kind, period, amount: value }));
  const form = useForm(async () => {
    const minor = parseMoney(amount, currency.value);
    if (minor === null) throw new Error('Enter an amount like 50 or 12.50.');
    await put(moneyText(minor, currency.value));
  });
  return (
    <form class="inset" onSubmit={form.onSubmit}>
      <Field
        label={`${kindNames[kind]} a ${period}, at most (${currency.value})`}
        name="limit"
        inputMode="decimal"
        autocomplete="off"
        value={amount}
        onInput={setAmount}
      />
      <div class="actions">
        <button class="main">Set</button>
        {limit.amount !== null && (
          <button type="button" class="second" onClick={() => void put(null)}>
            Remove
          </button>
        )}
        <button type="button" class="quiet" onClick={() => onDone(null)}>
          Cancel
        </button>
      </div>
      {form.wrong && <Alert>{form.wrong}</Alert>}
    </form>
  );
}

const breaks: [string, string][] = [
  ['1', '24 hours'],
  ['7', '1 week'],
  ['30', '30 days'],
  ['183', '6 months'],
  ['365', '1 year'],
  ['1826', '5 years'],
];

interface TimeOutProps {
  until: string | null;
  onChange: (limits: Limits) => void;
}

// It can be made longer, never shorter: therefore asked for twice.
function TimeOut({ until, onChange }: TimeOutProps) {
  const [days, setDays] = useState('1');
  const [sure, setSure] = useState(false);
  const form = useForm(async () => {
    const end = new Date(Date.now() + Number(days) * 86400000);
    onChange(await own<Limits>('PUT', '/v1/exclusion', { until: end.toISOString() }));
    setSure(false);
  });
  const long = Number(days) > 30;
  const now = until !== null && new Date(until) > new Date();
  return (
    <section class="panel" aria-label="Time-out">
      <h2>Time-out and self-exclusion</h2>
      {now && (
        <p class="banner" role="status">
          You are excluded until {timeText(until)}: no new bets, no deposits. Open bets stand and
          you can withdraw.
        </p>
      )}
      <form onSubmit={form.onSubmit}>
        <div class="field">
          <label for="break">No bets and no deposits for</label>
          <select id="break" value={days} onChange={(e) => setDays(e.currentTarget.value)}>
            {breaks.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </div>
        {sure ? (
          <div class="actions">
            <button class="danger">{long ? 'Exclude me' : 'Start the time-out'}</button>
            <button type="button" class="quiet" onClick={() => setSure(false)}>
              Cancel
            </button>
          </div>
        ) : (
          <button type="button" class="second" onClick={() => setSure(true)}>
            Take a break …
          </button>
        )}
        {sure && <p class="hint">You cannot shorten or cancel it.</p>}
        {form.wrong && <Alert>{form.wrong}</Alert>}
      </form>
    </section>
  );
}
