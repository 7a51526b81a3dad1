// Calls to the server.  Whatever moves money goes through sendOnce(): one key
// an intent, asked again with the same key until there is a verdict.

import type { Problem } from 'contract';

export type { Problem };

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
}

export class Unreachable extends Error {
  constructor() {
    super('The server cannot be reached.');
  }
}

export interface Answer<T> {
  status: number;
  body: T;
  retryAfter: number; // seconds; 0: not said
  age: number; // seconds that an edge has kept it; 0: not kept
}

interface CallOptions {
  token?: string | undefined;
  json?: unknown;
  body?: string;
  key?: string;
  timeout?: number;
}

const PATIENCE_MS = 20000;

// One request; throws Unreachable when there was no answer.
export async function ask<T>(
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Answer<T>> {
  const headers: Record<string, string> = {};
  const body = options.body ?? (options.json === undefined ? undefined : text(options.json));
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.token) headers['Authorization'] = `Bearer ${options.token}`;
  if (options.key) headers['Idempotency-Key'] = options.key;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeout ?? PATIENCE_MS);
  try {
    const answer = await fetch(path, {
      method,
      headers,
      body: body ?? null,
      signal: abort.signal,
      cache: 'no-cache',
      credentials: 'omit',
    });
    const raw = await answer.text();
    return {
      status: answer.status,
      body: (raw === '' ? null : JSON.parse(raw)) as T,
      retryAfter: Number(answer.headers.get('Retry-After') ?? 0),
      age: Number(answer.headers.get('Age') ?? 0) || 0,
    };
  } catch {
    throw new Unreachable();
  } finally {
    clearTimeout(timer);
  }
}

const text = (json: unknown) => JSON.stringify(json);

// A good answer; else throws Refused or Unreachable.
export async function good<T>(
  method: string,
  path: string,
  options?: CallOptions,
): Promise<Answer<T>> {
  const answer = await ask<T>(method, path, options);
  if (answer.status >= 400) throw new Refused(answer.body as unknown as Problem);
  return answer;
}

// Its body.
export async function call<T>(method: string, path: string, options?: CallOptions): Promise<T> {
  return (await good<T>(method, path, options)).body;
}

// 128 random bits; crypto.randomUUID is not there without TLS.
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// An intent to move money: kept until its verdict is known.
export interface Attempt {
  key: string;
  path: string;
  body: string;
  customer: string;
  what: 'bet' | 'cashout' | 'deposit' | 'withdrawal';
}

const kept = 'attempts';
const underWay = new Set<string>(); // keys that this page is asking for

function keptAttempts(): Attempt[] {
  try {
    return JSON.parse(localStorage.getItem(kept) ?? '[]') as Attempt[];
  } catch {
    return [];
  }
}

function keep(change: (attempts: Attempt[]) => Attempt[]) {
  try {
    localStorage.setItem(kept, JSON.stringify(change(keptAttempts())));
  } catch {
    // private mode: it is kept by this page alone
  }
}

const rememberAttempt = (attempt: Attempt) =>
  keep((attempts) => [...attempts.filter(({ key }) => key !== attempt.key), attempt]);
const forgetAttempt = (attempt: Attempt) =>
  keep((attempts) => attempts.filter(({ key }) => key !== attempt.key));

// Attempts that nobody in this page waits for.
export const lostAttempts = () => keptAttempts().filter(({ key }) => !underWay.has(key));

const isVerdict = (status: number) =>
  status !== 202 && status !== 401 && status !== 408 && status !== 429 && status < 500;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export type Unknown = 'unreachable' | 'pending' | 'busy' | 'unauthorized' | 'slow';

export interface SendOptions {
  // The token of the attempt's customer, who may log in again meanwhile;
  // 'another' when somebody else has.
  token: (customer: string) => string | 'another' | undefined;
  // The answer is not known yet: how often it was asked for, and why not.
  onUnknown: (tries: number, why: Unknown) => void;
}

// Somebody else is logged in: the attempt is kept for whose it is.
export class Abandoned extends Error {}

// The verdict, however long it takes.  No answer is not a refusal: the same
// key and bytes are sent again, so the money moves at most once.
export async function sendOnce<T>(attempt: Attempt, options: SendOptions): Promise<Answer<T>> {
  rememberAttempt(attempt);
  underWay.add(attempt.key);
  for (let tries = 1; ; tries++) {
    let wait = Math.min(500 * 2 ** (tries - 1), 8000);
    try {
      const answer = await ask<T>('POST', attempt.path, {
        token: await tokenFor(attempt, options),
        body: attempt.body,
        key: attempt.key,
        timeout: 60000,
      });
      if (isVerdict(answer.status)) {
        forgetAttempt(attempt);
        underWay.delete(attempt.key);
        return answer;
      }
      wait = Math.max(answer.retryAfter * 1000, wait);
      const { status } = answer;
      options.onUnknown(
        tries,
        status === 401 ? 'unauthorized' : status === 202 ? 'pending' : 'busy',
      );
    } catch (error) {
      if (error instanceof Abandoned) throw error;
      options.onUnknown(tries, 'unreachable');
    }
    await pause(wait);
  }
}

async function tokenFor(attempt: Attempt, options: SendOptions): Promise<string> {
  for (;;) {
    const token = options.token(attempt.customer);
    if (token === 'another') {
      underWay.delete(attempt.key);
      throw new Abandoned();
    }
    if (token !== undefined) return token;
    options.onUnknown(0, 'unauthorized');
    await pause(500);
  }
}
