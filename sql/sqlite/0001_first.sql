-- Overround's schema, SQLite.  Times are milliseconds since 1970 UTC,
-- money is integer minor units, odds are integers x 10,000.

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value integer NOT NULL          -- counters: 'node'; offsets: 'settle_offset'
);
INSERT INTO meta VALUES ('node', 0), ('settle_offset', 0);

CREATE TABLE signing_keys (         -- Ed25519 seeds of session tokens
    kid        integer PRIMARY KEY,
    seed       blob NOT NULL,
    created_ms integer NOT NULL
);

-- Personal data lives apart from the ledger.
CREATE TABLE customers (
    id         integer PRIMARY KEY,
    email      text NOT NULL UNIQUE,  -- lower case
    password   text NOT NULL,         -- Argon2id, libsodium's string
    country    text NOT NULL,
    born       text NOT NULL,         -- date of birth, YYYY-MM-DD
    created_ms integer NOT NULL
);

-- One row a customer.
-- Guards are conditions in statements, never CHECKs (RULES.md 6).
CREATE TABLE accounts (
    id                integer PRIMARY KEY,
    currency          text NOT NULL,
    balance           integer NOT NULL DEFAULT 0,
    debt              integer NOT NULL DEFAULT 0,
    staked            integer NOT NULL DEFAULT 0,  -- stakes of open bets
    seq               integer NOT NULL DEFAULT 0,  -- of its last event
    epoch             integer NOT NULL DEFAULT 1,  -- of its sessions
    status            integer NOT NULL DEFAULT 0,  -- 0 = may bet
    excluded_until_ms integer NOT NULL DEFAULT 0
);

-- Verdicts by idempotency key.
CREATE TABLE keys (
    account integer NOT NULL,
    op      integer NOT NULL,       -- enum money_op
    key     text NOT NULL,
    hash    blob NOT NULL,        -- of the parsed fields
    verdict integer NOT NULL,       -- tbl/refusals.h; 0 = done
    detail  text NOT NULL,         -- of a refusal: JSON members for the client
    ref     integer NOT NULL,       -- bet id or the transfer's seq; of
                                   -- insufficient_funds the balance then
    at_ms   integer NOT NULL,
    PRIMARY KEY (account, op, key)
) WITHOUT ROWID;

CREATE TABLE bets (
    account    integer NOT NULL,
    id         integer NOT NULL,    -- carries its time, model/bet.h
    version    integer NOT NULL,    -- raised by every change
    state      integer NOT NULL,    -- enum bet_state
    stake      integer NOT NULL,
    potential  integer NOT NULL,
    cap        integer NOT NULL,
    payout     integer NOT NULL,    -- what is paid now
    currency   text NOT NULL,
    sport      text NOT NULL,      -- of its legs, or 'mixed'
    placed_ms  integer NOT NULL,
    settled_ms integer NOT NULL,    -- last time it was settled, 0 = never
    rule       integer NOT NULL,    -- version of the grading rules
    flags      integer NOT NULL,    -- 1 = past-posted
    slip       text NOT NULL,      -- JSON, model/bet.h
    results    text NOT NULL,      -- JSON, model/bet.h; '' = all open
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

-- Which bets have a leg on a market: how settlement finds them.
CREATE TABLE legs (
    market_key integer NOT NULL,
    bet        integer NOT NULL,
    account    integer NOT NULL,
    PRIMARY KEY (market_key, bet)
) WITHOUT ROWID;

-- The ledger: immutable, double entry.  `account` is the customer's side.
CREATE TABLE transfers (
    account       integer NOT NULL,
    seq           integer NOT NULL,
    debit         integer NOT NULL,
    credit        integer NOT NULL,
    amount        integer NOT NULL,
    kind          integer NOT NULL,   -- model/ledger.h
    bet           integer NOT NULL,   -- 0 = none
    at_ms         integer NOT NULL,
    balance_after integer NOT NULL,
    PRIMARY KEY (account, seq)
) WITHOUT ROWID;

-- One row a transaction: the events it made, in order (tbl/events.h).
CREATE TABLE outbox (
    id       integer PRIMARY KEY AUTOINCREMENT,
    at_ms    integer NOT NULL,
    events   text NOT NULL       -- [[account,seq,kind,ref],…]
);

CREATE TABLE feed_log (
    pos      integer PRIMARY KEY,
    at_ms    integer NOT NULL,
    type     integer NOT NULL,     -- enum message_type
    producer integer NOT NULL,
    event    text NOT NULL,
    body     text NOT NULL
);

CREATE TABLE facts (
    market_key integer NOT NULL,
    pos        integer NOT NULL,   -- in the feed log
    kind       integer NOT NULL,
    rank       integer NOT NULL,
    event      text NOT NULL,
    market     integer NOT NULL,
    specifiers text NOT NULL,
    producer   integer NOT NULL,
    ts_ms      integer NOT NULL,
    certainty  integer NOT NULL,
    start_ms   integer NOT NULL,
    end_ms     integer NOT NULL,
    stopped_ms integer NOT NULL,
    outcomes   text NOT NULL,
    hash       integer NOT NULL,   -- of its content: a fact told twice is one
    stored_ms  integer NOT NULL,
    PRIMARY KEY (market_key, hash)
) WITHOUT ROWID;

-- The sweep for late bets asks for the newest, every few seconds.
CREATE INDEX facts_stored ON facts (stored_ms);

-- Markets whose bets are to be graded; `bet` is how far that has come.
CREATE TABLE settle_queue (
    market_key integer PRIMARY KEY,
    pos        integer NOT NULL,   -- of the fact that asked
    bet        integer NOT NULL,   -- bets up to this id are done
    event      text NOT NULL,
    market     integer NOT NULL,
    specifiers text NOT NULL,
    queued_ms  integer NOT NULL
);

CREATE INDEX settle_queue_order ON settle_queue (queued_ms, market_key);

-- Bets that could not be settled, each alone, waiting for a person.
CREATE TABLE parked (
    account    integer NOT NULL,
    bet        integer NOT NULL,
    market_key integer NOT NULL,
    reason     text NOT NULL,
    at_ms      integer NOT NULL,
    PRIMARY KEY (account, bet, market_key)
) WITHOUT ROWID;
