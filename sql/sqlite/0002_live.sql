-- Live: cash-out, limits, operators, the feed's lease, liability.

-- A cash-out takes stake out of the bet: `stake` and `potential` are what is
-- left, cashed_* what went and what was paid for it.
ALTER TABLE bets ADD COLUMN cashed_stake integer NOT NULL DEFAULT 0;
ALTER TABLE bets ADD COLUMN cashed_paid integer NOT NULL DEFAULT 0;

-- 1 = has rows in limits: placement looks there only then.
ALTER TABLE accounts ADD COLUMN limited integer NOT NULL DEFAULT 0;

-- A customer's own limits.  Whoever writes here holds the account's row.
CREATE TABLE limits (
    account      integer NOT NULL,
    kind         integer NOT NULL,  -- 1 deposit, 2 stake, 3 loss
    period       integer NOT NULL,  -- 1 day, 2 week, 3 month (UTC)
    amount       integer NOT NULL,    -- -1 = none
    next_amount  integer NOT NULL,    -- in force from next_from_ms
    next_from_ms integer NOT NULL,    -- 0 = no change waits
    used         integer NOT NULL,    -- in the period that began at since_ms
    since_ms     integer NOT NULL,
    PRIMARY KEY (account, kind, period)
) WITHOUT ROWID;

-- People of the operator listener.  Tokens are kept as BLAKE2b.
CREATE TABLE operators (
    name       text PRIMARY KEY,
    roles      text NOT NULL,        -- "trader,senior"
    token      blob NOT NULL UNIQUE,
    created_ms integer NOT NULL,
    ended_ms   integer NOT NULL DEFAULT 0
);

-- Who leads: an append to the log names its epoch (RULES.md 23).
CREATE TABLE leases (
    name     text PRIMARY KEY,
    owner    text NOT NULL,
    epoch    integer NOT NULL,
    until_ms integer NOT NULL
);
INSERT INTO leases VALUES ('feed', '', 0, 0);

-- What processes may charge against an outcome's liability limit, in the
-- house's currency: taken in portions, so no row is updated per bet.
CREATE TABLE liability (
    market_key integer NOT NULL,
    outcome    text NOT NULL,
    granted    integer NOT NULL,  -- to all processes
    portion    integer NOT NULL,  -- of that, by the last grant
    PRIMARY KEY (market_key, outcome)
) WITHOUT ROWID;

-- Processes that hold grants; the rows above are forgotten when none does.
CREATE TABLE liability_holders (
    node     integer PRIMARY KEY,
    until_ms integer NOT NULL
);

-- The desk's entries are its audit log.
CREATE INDEX feed_log_desk ON feed_log (pos) WHERE type = 14;

-- Messages that a broker delivered and nobody could read: acknowledged, for
-- they would come again for ever, and kept for a person.
CREATE TABLE dead_messages (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    routing_key TEXT NOT NULL,
    error       TEXT NOT NULL,
    line        INTEGER NOT NULL,
    col         INTEGER NOT NULL,
    body        BLOB NOT NULL  -- the first 64 KiB
);

-- Commands of the desk from processes that do not write the log, on their way
-- to the one that does: gone in the transaction that appends them.
CREATE TABLE feed_inbox (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    body  TEXT NOT NULL,
    at_ms INTEGER NOT NULL
);
