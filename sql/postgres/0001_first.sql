-- Overround's schema, PostgreSQL.  Times are milliseconds since 1970 UTC,
-- money is integer minor units, odds are integers x 10,000.
--
-- What placement writes is kept narrow, because its bytes are written three
-- times (heap, index, log): fixed columns first and widest first, small
-- numbers as smallint, keys compared as bytes (COLLATE "C").

CREATE TABLE meta (
    name  text PRIMARY KEY,
    value bigint NOT NULL          -- counters: 'node'; offsets: 'settle_offset'
);
INSERT INTO meta VALUES ('node', 0), ('settle_offset', 0);

CREATE TABLE signing_keys (         -- Ed25519 seeds of session tokens
    kid        bigint PRIMARY KEY,
    seed       bytea NOT NULL,
    created_ms bigint NOT NULL
);

-- Personal data lives apart from the ledger.
CREATE TABLE customers (
    id         bigint PRIMARY KEY,
    email      text COLLATE "C" NOT NULL UNIQUE,  -- lower case
    password   text NOT NULL,         -- Argon2id, libsodium's string
    country    text NOT NULL,
    born       text NOT NULL,         -- date of birth, YYYY-MM-DD
    created_ms bigint NOT NULL
);

-- One row a customer, updated in place (HOT): narrow, with room to spare.
-- Guards are conditions in statements, never CHECKs (RULES.md 6).
CREATE TABLE accounts (
    id                bigint PRIMARY KEY,
    balance           bigint NOT NULL DEFAULT 0,
    debt              bigint NOT NULL DEFAULT 0,
    staked            bigint NOT NULL DEFAULT 0,  -- stakes of open bets
    seq               bigint NOT NULL DEFAULT 0,  -- of its last event
    epoch             bigint NOT NULL DEFAULT 1,  -- of its sessions
    excluded_until_ms bigint NOT NULL DEFAULT 0,
    status            smallint NOT NULL DEFAULT 0,  -- 0 = may bet
    currency          text COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

-- Verdicts by idempotency key.
CREATE TABLE keys (
    account bigint NOT NULL,
    ref     bigint NOT NULL,       -- bet id or the transfer's seq; of
                                   -- insufficient_funds the balance then
    at_ms   bigint NOT NULL,
    op      smallint NOT NULL,     -- enum money_op
    verdict smallint NOT NULL,     -- tbl/refusals.h; 0 = done
    key     text COLLATE "C" NOT NULL,
    hash    bytea NOT NULL,        -- of the parsed fields
    detail  text COLLATE "C" NOT NULL,  -- of a refusal: JSON members for the client
    PRIMARY KEY (account, op, key)
);

CREATE INDEX keys_at ON keys USING brin (at_ms);

CREATE TABLE bets (
    account    bigint NOT NULL,
    id         bigint NOT NULL,    -- carries its time, model/bet.h
    stake      bigint NOT NULL,
    potential  bigint NOT NULL,
    cap        bigint NOT NULL,
    payout     bigint NOT NULL,    -- what is paid now
    placed_ms  bigint NOT NULL,
    settled_ms bigint NOT NULL,    -- last time it was settled, 0 = never
    version    integer NOT NULL,   -- raised by every change
    state      smallint NOT NULL,  -- enum bet_state
    rule       smallint NOT NULL,  -- version of the grading rules
    flags      smallint NOT NULL,  -- 1 = past-posted
    currency   text COLLATE "C" NOT NULL,
    sport      text COLLATE "C" NOT NULL,  -- of its legs, or 'mixed'
    slip       text COLLATE "C" NOT NULL,  -- JSON, model/bet.h
    results    text COLLATE "C" NOT NULL,  -- JSON, model/bet.h; '' = all open
    PRIMARY KEY (account, id)
) WITH (fillfactor = 85);

-- Which bets have a leg on a market: how settlement finds them.
CREATE TABLE legs (
    market_key bigint NOT NULL,
    bet        bigint NOT NULL,
    account    bigint NOT NULL,
    PRIMARY KEY (market_key, bet)
);

-- The ledger: immutable, double entry.  `account` is the customer's side.
CREATE TABLE transfers (
    account       bigint NOT NULL,
    seq           bigint NOT NULL,
    debit         bigint NOT NULL,
    credit        bigint NOT NULL,
    amount        bigint NOT NULL,
    bet           bigint NOT NULL,   -- 0 = none
    at_ms         bigint NOT NULL,
    balance_after bigint NOT NULL,
    kind          smallint NOT NULL, -- model/ledger.h
    PRIMARY KEY (account, seq)
);

-- One row a transaction: the events it made, in order (tbl/events.h).
-- Read below pg_snapshot_xmin (RULES.md 27).
CREATE TABLE outbox (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at_ms    bigint NOT NULL,
    accounts bigint[] NOT NULL,
    seqs     bigint[] NOT NULL,
    kinds    smallint[] NOT NULL,
    refs     bigint[] NOT NULL
);

CREATE TABLE feed_log (
    pos      bigint PRIMARY KEY,
    at_ms    bigint NOT NULL,
    type     bigint NOT NULL,     -- enum message_type
    producer bigint NOT NULL,
    event    text NOT NULL,
    body     text NOT NULL
);

CREATE TABLE facts (
    market_key bigint NOT NULL,
    pos        bigint NOT NULL,   -- in the feed log
    kind       bigint NOT NULL,
    rank       bigint NOT NULL,
    event      text NOT NULL,
    market     bigint NOT NULL,
    specifiers text NOT NULL,
    producer   bigint NOT NULL,
    ts_ms      bigint NOT NULL,
    certainty  bigint NOT NULL,
    start_ms   bigint NOT NULL,
    end_ms     bigint NOT NULL,
    stopped_ms bigint NOT NULL,
    outcomes   text NOT NULL,
    hash       bigint NOT NULL,   -- of its content: a fact told twice is one
    stored_ms  bigint NOT NULL,
    PRIMARY KEY (market_key, hash)
);

-- The sweep for late bets asks for the newest, every few seconds.
CREATE INDEX facts_stored ON facts (stored_ms);

-- Markets whose bets are to be graded; `bet` is how far that has come.
CREATE TABLE settle_queue (
    market_key bigint PRIMARY KEY,
    pos        bigint NOT NULL,   -- of the fact that asked
    bet        bigint NOT NULL,   -- bets up to this id are done
    event      text NOT NULL,
    market     bigint NOT NULL,
    specifiers text NOT NULL,
    queued_ms  bigint NOT NULL
);

CREATE INDEX settle_queue_order ON settle_queue (queued_ms, market_key);

-- Bets that could not be settled, each alone, waiting for a person.
CREATE TABLE parked (
    account    bigint NOT NULL,
    bet        bigint NOT NULL,
    market_key bigint NOT NULL,
    reason     text NOT NULL,
    at_ms      bigint NOT NULL,
    PRIMARY KEY (account, bet, market_key)
);
