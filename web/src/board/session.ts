// Who is logged in, their money, and the one feed of prices.
import type { Registration, Session as Opened, Wallet } from 'contract';
import { Cell, KeptCell } from '../shared/cell';
import { ask, call, Refused } from '../shared/api';
import { Feed } from './feed';
import { takeBet } from './mybets';

const ASK_MS = 4000;

// What is kept of a session; one from before there were experiments has none.
export interface Session extends Pick<Opened, 'customer' | 'token' | 'expires_at'> {
  email: string;
  experiments?: Opened['experiments'];
  betting?: boolean; // false: no bets and deposits from where the customer is, for `reason`
  reason?: NonNullable<Opened['reason']>;
}

export const session = new KeptCell<Session | null>('session', null);
export const wallet = new Cell<Wallet | null>(null);
export const currency = new KeptCell('currency', 'EUR'); // the wallet's, or the usual one
export const notice = new Cell<string | null>(null); // said to everyone, once

export const feed = new Feed({
  onAccount: (account) => {
    if (session.value) wallet.set({ ...account, currency: currency.value });
  },
  onBet: takeBet,
  onAuthenticationLost: () => expire(),
});

// The session is over, by time or by logging out elsewhere.
function expire() {
  if (!session.value) return;
  session.set(null);
  notice.set('You have been logged out. Log in again to go on.');
}

// A call of the customer's; throws Refused or Unreachable.
export async function own<T>(method: string, path: string, json?: unknown): Promise<T> {
  const options = { token: session.value?.token, ...(json === undefined ? {} : { json }) };
  const { status, body } = await ask<T>(method, path, options);
  if (status === 401) expire();
  if (status >= 400) throw new Refused(body as never);
  return body;
}

export async function loadWallet() {
  if (!session.value) return;
  try {
    const now = await own<Wallet>('GET', '/v1/wallet');
    currency.set(now.currency);
    wallet.set(now);
  } catch {
    // what is shown stays; the next change loads it again
  }
}

// The customer's arm of an experiment: '' while it does not run, or nobody is
// logged in.
export const arm = (experiment: string) => session.value?.experiments?.[experiment] ?? '';

// Why there are no bets and no deposits from where the customer is, or ''.
export function whyNoBets(reason = session.value?.betting === false && session.value.reason) {
  if (!reason) return '';
  const why =
    reason === 'country_refused'
      ? 'We take no bets and no deposits from the country you are in.'
      : 'We cannot tell which country you are in: no bets and no deposits for now.';
  return `${why} You can still withdraw, set limits and take a time-out.`;
}

// A session may outlive an experiment, and its customer travels: both are asked
// for with every visit, which is also what tells the server that the customer
// has seen the arms.
async function loadSession() {
  const now = session.value;
  if (!now) return;
  try {
    const { reason: _, ...before } = now;
    const { experiments = {}, betting = true, reason } =
      await own<Pick<Session, 'experiments' | 'betting' | 'reason'>>('GET', '/v1/sessions');
    const told = { ...before, experiments, betting, ...(reason && { reason }) };
    if (session.value === now && JSON.stringify(told) !== JSON.stringify(now)) session.set(told);
  } catch {
    // what was told stays
  }
}

// For sendOnce(): money of one customer never moves by another's token.
export function tokenOf(customer: string): string | 'another' | undefined {
  const now = session.value;
  return now && now.customer !== customer ? 'another' : now?.token;
}

async function enter(path: string, email: string, json: unknown) {
  const answer = await call<Omit<Session, 'email'>>('POST', path, { json });
  session.set({ ...answer, email });
  notice.set(null);
}

export const logIn = (email: string, password: string) =>
  enter('/v1/sessions', email, { email, password });

export const register = (fields: Registration) => enter('/v1/accounts', fields.email, fields);

// Every device's session ends; without an answer this one does at least.
export async function logOut() {
  try {
    await own('DELETE', '/v1/sessions');
  } finally {
    session.set(null);
  }
}

export function startSession() {
  const follow = () => {
    wallet.set(null);
    feed.authenticate(session.value?.token);
    void loadWallet();
  };
  session.watch(follow);
  follow();
  void loadSession();
  document.addEventListener('visibilitychange', () => document.hidden || void loadSession());
  // Without the stream nobody tells of what settlement has paid.
  setInterval(() => feed.privateLive.value || document.hidden || void loadWallet(), ASK_MS);
}
