// The frame around the views: header, navigation, the slip beside them.
import { useEffect, useRef } from 'preact/hooks';
import { useCell, useCells } from '../shared/cell';
import { path } from '../shared/router';
import { AccountView } from './accountview';
import { BetsView } from './betsview';
import { BoardView } from './boardview';
import { EventView } from './eventview';
import { Icon } from './parts';
import { feed, notice, session, wallet } from './session';
import { slip, slipOpen } from './slip';
import { SlipPanel } from './slipview';
import { WalletView } from './walletview';
import { WalletLink } from './walletlink';

function View() {
  const here = useCell(path);
  const event = /^\/event\/([^/]+)$/.exec(here)?.[1];
  if (event) return <EventView key={event} id={decodeURIComponent(event)} />;
  if (here === '/bets') return <BetsView />;
  if (here === '/wallet') return <WalletView />;
  if (here === '/account') return <AccountView />;
  return <BoardView />;
}

export function App() {
  const open = useCell(slipOpen);
  const opened = useRef(false);
  useEffect(() => {
    document.documentElement.classList.toggle('sheet', open);
    const escape = ({ key }: KeyboardEvent) => key === 'Escape' && slipOpen.set(false);
    window.addEventListener('keydown', escape);
    // The focus goes into the sheet, and back to what opened it.
    if (open) document.querySelector<HTMLElement>('.slip .closer')?.focus();
    else if (opened.current) document.querySelector<HTMLElement>('.bottom button')?.focus();
    opened.current = open;
    return () => window.removeEventListener('keydown', escape);
  }, [open]);
  return (
    <>
      <a class="skip" href="#main">
        To the matches
      </a>
      <Top />
      <Freshness />
      <Notice />
      <div class="frame">
        <main id="main">
          <View />
        </main>
        <div
          class={open ? 'beside open' : 'beside'}
          aria-label="Bet slip"
          role={open ? 'dialog' : 'complementary'}
          aria-modal={open ? true : undefined}
        >
          <SlipPanel />
        </div>
        {open && <div class="shade" onClick={() => slipOpen.set(false)} />}
      </div>
      <Bottom />
    </>
  );
}

function Top() {
  const here = useCell(path);
  useCells([session, wallet]);
  const who = session.value;
  const current = (to: string) => (here === to ? 'page' : undefined);
  return (
    <header class="top">
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path d="M7 8h18" />
          <circle cx="16" cy="19" r="7" />
        </svg>
        Overround
      </a>
      <nav aria-label="Main">
        <a href="/" aria-current={current('/')}>
          Board
        </a>
        <a href="/bets" aria-current={current('/bets')}>
          My bets
        </a>
      </nav>
      {who ? (
        <>
          <WalletLink />
          <a class="who" href="/account" aria-label="Account" aria-current={current('/account')}>
            <Icon name="person" />
          </a>
        </>
      ) : (
        <a class="login" href="/account" aria-current={current('/account')}>
          Log in
        </a>
      )}
    </header>
  );
}

// Old odds are never shown as if they were new.
function Freshness() {
  const fresh = useCell(feed.freshness);
  return (
    <div class="freshness" role="status">
      {fresh === 'stale' && (
        <p class="banner warn">
          No connection: the odds below may be old, and betting is locked. Reconnecting …
        </p>
      )}
    </div>
  );
}

function Notice() {
  const text = useCell(notice);
  return (
    <div role="status">
      {text && (
        <p class="banner">
          {text}{' '}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => notice.set(null)}>
            <Icon name="close" />
          </button>
        </p>
      )}
    </div>
  );
}

// Small screens: the thumb's navigation.
function Bottom() {
  const here = useCell(path);
  const { legs } = useCell(slip);
  const tab = (to: string, icon: 'ball' | 'bets' | 'wallet' | 'person', text: string) => (
    <a href={to} aria-current={here === to ? 'page' : undefined}>
      <Icon name={icon} />
      {text}
    </a>
  );
  return (
    <nav class="bottom" aria-label="Sections">
      {tab('/', 'ball', 'Board')}
      {tab('/bets', 'bets', 'My bets')}
      <button type="button" aria-expanded={slipOpen.value} onClick={() => slipOpen.set(true)}>
        <Icon name="slip" />
        Slip
        {legs.length > 0 && <b class="count num">{legs.length}</b>}
      </button>
      {tab('/wallet', 'wallet', 'Wallet')}
      {tab('/account', 'person', 'Account')}
    </nav>
  );
}
