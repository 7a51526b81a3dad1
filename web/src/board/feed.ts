// The prices as this page knows them: the live stream, or snapshots when there
// is no WebSocket.  Versions only rise, so an old price never replaces a new
// one, and `freshness` says whether what is shown may be old.
import { Cell } from '../shared/cell';
import { good } from '../shared/api';
import type { EventSummary, Market, Outcome, Sport } from 'contract';

export type { Market, Outcome };

export interface EventInfo extends Omit<EventSummary, 'markets' | 'status'> {
  count: number; // of markets
  markets: Map<string, Market> | null; // null: only the summary is known
  gone: boolean;
}

export type Freshness = 'starting' | 'live' | 'polling' | 'stale';

// As they come over the wire; deltas carry only some members.
interface WireMarket extends Partial<Market> {
  market: string;
  specifiers: string;
}
interface WireEvent extends Partial<Omit<EventInfo, 'markets' | 'count'>> {
  id: string;
  img?: boolean;
  gone?: boolean;
  markets?: WireMarket[] | number;
}

const SILENCE_MS = 12000; // heartbeats come every 5 s
const GRACE_MS = 1500; // a connection may be replaced before anyone is told
const POLL_MS = 750; // an edge keeps a copy for a second: a suspension is here within two
const POLLS = 4; // under way at once
const AGE_S = 2; // of what an edge has kept: older, and its origin does not answer
const LIST_MS = 15000; // the whole list again, for what has left it
const QUIET_MS = 15000; // a stream that tells no change for so long is compared with snapshots
const STREAM_EVENTS = 100; // in one subscription; what is wanted beyond is polled
const STREAM_SPORTS = 128;
const REFUSED = 4; // as many failures: a stream that refuses is not asked at once again

export const marketKey = (market: string, specifiers: string) => `${market}/${specifiers}`;

function blank(id: string): EventInfo {
  return {
    id,
    sport: '',
    sport_name: '',
    tournament: '',
    home: '',
    away: '',
    start: null,
    state: 'upcoming',
    match_status: 0,
    score: { home: '', away: '' },
    clock: '',
    version: -1,
    count: 0,
    main: null,
    markets: null,
    gone: false,
  };
}

function mergeMarket(old: Market | null | undefined, wire: WireMarket): Market | null {
  if (old && wire.version !== undefined && wire.version < old.version) return old;
  const outcomes = wire.outcomes?.map((outcome) => {
    const before = old?.outcomes.find((o) => o.outcome === outcome.outcome);
    return { ...outcome, name: outcome.name ?? before?.name ?? outcome.outcome };
  });
  return {
    market: wire.market,
    specifiers: wire.specifiers,
    name: wire.name ?? old?.name ?? wire.market,
    status: wire.status ?? old?.status ?? 'suspended',
    version: wire.version ?? old?.version ?? 0,
    outcomes: outcomes ?? old?.outcomes ?? [],
  };
}

function mergeEvent(old: EventInfo, wire: WireEvent): EventInfo {
  const { markets, main, img, ...rest } = wire;
  const next: EventInfo = { ...old, ...rest, gone: wire.gone === true };
  if (old.version > next.version) next.version = old.version;
  if (typeof markets === 'number') next.count = markets;
  if (main !== undefined) {
    next.main = main === null ? null : mergeMarket(old.main, main);
    const key = main && marketKey(main.market, main.specifiers);
    if (key && next.markets && next.main) next.markets = new Map(next.markets).set(key, next.main);
  }
  if (Array.isArray(markets)) next.markets = mergeMarkets(old, markets, img === true);
  if (next.markets) {
    next.count = next.markets.size;
    next.main = mainOf(next) ?? next.main;
  }
  return next;
}

function mergeMarkets(old: EventInfo, markets: WireMarket[], whole: boolean) {
  const next = new Map(whole ? [] : (old.markets ?? []));
  for (const wire of markets) {
    const key = marketKey(wire.market, wire.specifiers);
    const merged = mergeMarket(old.markets?.get(key), wire);
    if (merged) next.set(key, merged);
  }
  return next;
}

// 1x2 if there is one, else the first; what the server calls `main`.
function mainOf(event: EventInfo): Market | null {
  return event.markets?.get('1/') ?? event.markets?.values().next().value ?? null;
}

const isOffered = (event: EventInfo) =>
  !event.gone && event.state !== 'ended' && event.main !== null;

// Whether a snapshot says of a market, later than we heard of it, what we do not show.
function isAhead(wire: WireMarket, old: Market | null): boolean {
  if (!old) return true;
  if (wire.version === undefined || wire.version <= old.version) return false;
  if (wire.status !== old.status) return true;
  return (wire.outcomes ?? []).some(({ outcome, odds, active }) => {
    const known = old.outcomes.find((o) => o.outcome === outcome);
    return known?.odds !== odds || known.active !== active;
  });
}

const isOlder = (old: EventInfo, wire: WireEvent) =>
  wire.version !== undefined && wire.version < old.version;

export interface FeedHandlers {
  onAccount: (account: { balance: string; debt: string; staked: string }) => void;
  onBet: (bet: unknown) => void;
  onAuthenticationLost: () => void;
}

export class Feed {
  readonly freshness = new Cell<Freshness>('starting');
  readonly list = new Cell<string[] | null>(null); // null: not known yet
  readonly sports = new Cell<Sport[]>([]);
  readonly privateLive = new Cell(false); // own bets and balance arrive by themselves
  private cells = new Map<string, Cell<EventInfo | null>>();
  private wanted = new Map<string, number>();
  private boards = 0;
  private socket: WebSocket | null = null;
  private subscribed = ''; // what the stream was asked for last
  private clk = '';
  private heard = 0;
  private failures = 0;
  private requests = 0;
  private authRequest = 0;
  private subscribeRequest = 0;
  private subscribing = false; // its answer, and so its prices, are yet to come
  private polled = 0;
  private polls = 0; // under way
  private changed = 0; // when the stream told a change last
  private isDoubted = false; // the stream before was behind
  private token: string | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked: ReturnType<typeof setTimeout> | undefined;

  constructor(private handlers: FeedHandlers) {}

  start() {
    this.connect();
    setInterval(() => this.look(), 1000);
    setInterval(() => this.poll(), POLL_MS);
    setInterval(() => this.boards > 0 && void this.loadList(), LIST_MS);
    setInterval(() => Date.now() - this.changed > QUIET_MS && this.compareAll(), QUIET_MS);
    const soon = () => {
      this.failures = Math.min(this.failures, 1);
      if (!this.socket) this.connect();
    };
    window.addEventListener('online', soon);
    window.addEventListener('offline', () => this.offline());
    document.addEventListener('visibilitychange', () => document.hidden || soon());
  }

  event(id: string): Cell<EventInfo | null> {
    let cell = this.cells.get(id);
    if (!cell) this.cells.set(id, (cell = new Cell<EventInfo | null>(null)));
    return cell;
  }

  market(event: string, market: string, specifiers: string): Market | null {
    const info = this.event(event).value;
    if (!info) return null;
    const main = info.main;
    if (main && main.market === market && main.specifiers === specifiers) return main;
    return info.markets?.get(marketKey(market, specifiers)) ?? null;
  }

  // Every market of these events, until the returned function is called.
  watch(ids: string[]): () => void {
    for (const id of ids) {
      const n = this.wanted.get(id) ?? 0;
      this.wanted.set(id, n + 1);
      if (n === 0) void this.loadEvent(id);
    }
    this.resubscribe();
    return () => {
      for (const id of ids) {
        const n = (this.wanted.get(id) ?? 1) - 1;
        if (n > 0) this.wanted.set(id, n);
        else this.wanted.delete(id);
      }
      this.resubscribe();
    };
  }

  watchBoard(): () => void {
    this.boards++;
    if (this.boards === 1) void this.loadList();
    this.resubscribe();
    return () => {
      this.boards--;
      this.resubscribe();
    };
  }

  authenticate(token: string | undefined) {
    const before = this.token;
    this.token = token;
    this.privateLive.set(false);
    if (token) this.sendToken();
    else if (before) this.socket?.close(); // the stream forgets whose it was
  }

  // ---- the stream -------------------------------------------------------

  private connect() {
    clearTimeout(this.timer);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/v1/stream`);
    this.socket = socket;
    socket.onopen = () => {
      this.heard = Date.now();
      this.sendSubscription(true);
      this.sendToken();
    };
    socket.onmessage = ({ data }) => this.socket === socket && this.take(String(data));
    socket.onclose = () => this.socket === socket && this.lost();
  }

  // Nothing can come any more, and the browser does not say so of the stream.
  private offline() {
    const { socket } = this;
    if (!socket) return;
    this.freshness.set('stale');
    this.lost();
    socket.close();
  }

  private lost() {
    this.socket = null;
    this.privateLive.set(false);
    this.failures++;
    const backoff = Math.min(400 * 2 ** Math.min(this.failures - 1, 6), 15000);
    this.timer = setTimeout(() => this.connect(), backoff * (0.7 + Math.random() * 0.6));
    void this.poll();
  }

  private take(data: string) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return;
    }
    this.heard = Date.now();
    this.failures = 0;
    if (message.clk && !this.subscribing) this.clk = message.clk;
    if (message.op === 'change') this.takeChange(message.events as WireEvent[]);
    else if (message.op === 'account') this.handlers.onAccount(message);
    else if (message.op === 'bet') this.handlers.onBet(message.bet);
    else if (message.op === 'status') this.takeStatus(message);
    const prices = message.op === 'change' || message.op === 'heartbeat';
    if (prices && !this.subscribing) this.freshness.set('live');
  }

  private takeChange(events: WireEvent[]) {
    this.changed = Date.now();
    this.takeEvents(events);
  }

  private takeStatus({ id, status, code }: { id: number; status: string; code?: string }) {
    if (id === this.authRequest) {
      this.privateLive.set(status === 'ok');
      if (code === 'unauthorized') this.handlers.onAuthenticationLost();
    } else if (id === this.subscribeRequest && status === 'ok') {
      this.subscribing = false;
      this.freshness.set('live');
      if (this.isDoubted) this.compareAll();
    } else if (id === this.subscribeRequest) {
      this.failures = REFUSED; // polled until another stream takes it
      this.socket?.close();
    }
  }

  private takeEvents(events: WireEvent[]) {
    let listChanged = false;
    for (const wire of events) {
      const cell = this.event(wire.id);
      const old = cell.value ?? blank(wire.id);
      if (isOlder(old, wire) && !wire.gone) continue;
      const known = this.list.value?.includes(wire.id) ?? true;
      const next = mergeEvent(old, wire);
      cell.set(next);
      if (known !== isOffered(next)) listChanged = true;
    }
    if (listChanged) this.sortList(events.map(({ id }) => id));
  }

  private sendSubscription(reconnected: boolean) {
    const socket = this.socket;
    if (!socket || socket.readyState !== WebSocket.OPEN) return;
    const sports = this.sports.value.slice(0, STREAM_SPORTS);
    const subscription = {
      events: this.streamed().sort(),
      sports: this.boards > 0 ? sports.map(({ id }) => id).sort() : [],
    };
    const wanted = JSON.stringify(subscription);
    if (!reconnected && wanted === this.subscribed) return;
    // A position is of use for the same subscription alone; else an image.
    const resume = reconnected && wanted === this.subscribed && this.clk !== '';
    const id = (this.subscribeRequest = ++this.requests);
    const clk = resume ? { clk: this.clk } : {};
    socket.send(JSON.stringify({ op: 'subscribe', id, ...subscription, ...clk }));
    this.subscribed = wanted;
    this.subscribing = true;
    if (!resume) this.clk = '';
  }

  // What was wanted last is what is looked at.
  private streamed(): string[] {
    return [...this.wanted.keys()].slice(-STREAM_EVENTS);
  }
  private beyond(): string[] {
    return [...this.wanted.keys()].slice(0, -STREAM_EVENTS);
  }

  private sendToken() {
    if (!this.token || this.socket?.readyState !== WebSocket.OPEN) return;
    this.authRequest = ++this.requests;
    const { token, authRequest: id } = this;
    this.socket.send(JSON.stringify({ op: 'authenticate', id, token }));
  }

  // Several components change what is wanted at once.
  private resubscribe() {
    clearTimeout(this.asked);
    this.asked = setTimeout(() => this.sendSubscription(false), 30);
  }

  // ---- snapshots ----------------------------------------------------------

  private get streaming() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  // A snapshot may be some seconds old: beside the stream it only fills gaps.
  private mayTake(id: string, markets: boolean): boolean {
    const info = this.event(id).value;
    if (!this.streaming || info === null || (markets && info.markets === null)) return true;
    return markets && this.beyond().includes(id);
  }

  private async loadList() {
    try {
      const [list, counted] = await Promise.all([
        good<{ events: WireEvent[] }>('GET', '/v1/events?limit=500'),
        good<{ sports: Sport[] }>('GET', '/v1/sports'),
      ]);
      const { events } = list.body;
      const { sports } = counted.body;
      this.compare(events);
      this.sports.set(same(sports, this.sports.value) ? this.sports.value : sports);
      this.takeEvents(events.filter((wire) => this.mayTake(wire.id, false)));
      this.sortList(events.map(({ id }) => id), true);
      this.succeeded(list.age);
      this.resubscribe();
    } catch {
      // look() says so when it lasts
    }
  }

  private async loadEvent(id: string) {
    try {
      const path = `/v1/events/${encodeURIComponent(id)}`;
      const { body, age } = await good<WireEvent>('GET', path);
      this.compare([body]);
      if (this.mayTake(id, true)) this.takeEvents([{ ...body, img: true }]);
      this.succeeded(age);
    } catch (error) {
      const problem = (error as { problem?: { status: number } }).problem;
      if (problem?.status === 404) this.event(id).set({ ...blank(id), gone: true });
    }
  }

  private async poll() {
    if (this.polls >= POLLS) return; // a network that is slow is not asked for more
    this.polls++;
    await this.pollAll().finally(() => this.polls--);
  }

  private async pollAll() {
    const ids = this.streaming ? this.beyond() : [...this.wanted.keys()];
    const from = ids.length > 20 ? (this.polled += 20) % ids.length : 0;
    const work = ids.slice(from, from + 20).map((id) => this.loadEvent(id));
    if (this.boards > 0 && !this.streaming) work.push(this.loadList());
    await Promise.all(work);
  }

  // ---- the stream beside the snapshots ----------------------------------

  // Markets of which a snapshot knows more than the stream has told.
  private ahead({ id, main, markets }: WireEvent): boolean {
    const known = this.event(id).value;
    const of = (wire: WireMarket) => this.market(id, wire.market, wire.specifiers);
    if (known === null) return false;
    if (main && isAhead(main, of(main))) return true;
    if (!Array.isArray(markets) || known.markets === null) return false;
    return markets.some((wire) => isAhead(wire, of(wire)));
  }

  // What the stream does not tell a moment later, either, it does not tell: whoever hands
  // it on (an edge node) has lost its origin, and beats all the same.
  private compare(events: WireEvent[]) {
    const { socket } = this;
    const early = this.streaming && !this.subscribing ? events.filter((e) => this.ahead(e)) : [];
    if (early.length === 0) return;
    setTimeout(() => {
      if (this.socket === socket && early.some((e) => this.ahead(e))) this.doubt();
    }, GRACE_MS);
  }

  private doubt() {
    this.isDoubted = true;
    this.freshness.set('stale');
    this.failures = REFUSED; // polled until another stream takes it
    this.socket?.close();
  }

  private compareAll() {
    if (!this.streaming) return;
    this.isDoubted = false;
    for (const id of this.streamed().slice(-20)) void this.loadEvent(id);
    if (this.boards > 0) void this.loadList();
  }

  // An edge gives what it has when its origin does not answer: prices of before.
  private succeeded(age: number) {
    const isOld = age > AGE_S;
    if (this.streaming && (!isOld || this.freshness.value !== 'starting')) return;
    if (isOld) return this.freshness.set('stale');
    this.heard = Date.now();
    this.freshness.set('polling');
  }

  // Live before upcoming, then by kick-off: as the server orders them.
  private sortList(ids: string[], whole = false) {
    const all = new Set(whole ? ids : [...(this.list.value ?? []), ...ids]);
    const events = [...all]
      .map((id) => this.event(id).value)
      .filter((e): e is EventInfo => e !== null && isOffered(e));
    const rank = (e: EventInfo) => `${e.state === 'live' ? 0 : 1}${e.start ?? ''}/${e.id}`;
    events.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    const next = events.map(({ id }) => id);
    if (!same(next, this.list.value)) this.list.set(next);
  }

  private look() {
    const silent = Date.now() - this.heard;
    if (this.streaming && silent > SILENCE_MS) this.socket?.close();
    const limit = this.streaming ? SILENCE_MS : POLL_MS + GRACE_MS;
    if (this.heard > 0 ? silent > limit : performance.now() > limit) this.freshness.set('stale');
  }
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
