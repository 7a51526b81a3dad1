-- Live: cash-out, limits, operators, the feed's lease, liability.

-- A cash-out takes stake out of the bet: `stake` and `potential` are what is
-- left, cashed_* what went and what was paid for it.
ALTER TABLE bets ADD COLUMN cashed_stake bigint NOT NULL DEFAULT 0;
ALTER TABLE bets ADD COLUMN cashed_paid bigint NOT NULL DEFAULT 0;

-- 1 = has rows in limits: placement looks there only then.
ALTER TABLE accounts ADD COLUMN limited smallint NOT NULL DEFAULT 0;

-- A customer's own limits.  Whoever writes here holds the account's row.
CREATE TABLE limits (
    account      bigint NOT NULL,
    kind         smallint NOT NULL,  -- 1 deposit, 2 stake, 3 loss
    period       smallint NOT NULL,  -- 1 day, 2 week, 3 month (UTC)
    amount       bigint NOT NULL,    -- -1 = none
    next_amount  bigint NOT NULL,    -- in force from next_from_ms
    next_from_ms bigint NOT NULL,    -- 0 = no change waits
    used         bigint NOT NULL,    -- in the period that began at since_ms
    since_ms     bigint NOT NULL,
    PRIMARY KEY (account, kind, period)
);

-- People of the operator listener.  Tokens are kept as BLAKE2b.
CREATE TABLE operators (
    name       text PRIMARY KEY,
    roles      text NOT NULL,        -- "trader,senior"
    token      bytea NOT NULL UNIQUE,
    created_ms bigint NOT NULL,
    ended_ms   bigint NOT NULL DEFAULT 0
);

-- Who leads: an append to the log names its epoch (RULES.md 23).
CREATE TABLE leases (
    name     text PRIMARY KEY,
    owner    text NOT NULL,
    epoch    bigint NOT NULL,
    until_ms bigint NOT NULL
);
INSERT INTO leases VALUES ('feed', '', 0, 0);

-- What processes may charge against an outcome's liability limit, in the
-- house's currency: taken in portions, so no row is updated per bet.
CREATE TABLE liability (
    market_key bigint NOT NULL,
    outcome    text COLLATE "C" NOT NULL,
    granted    bigint NOT NULL,  -- to all processes
    portion    bigint NOT NULL,  -- of that, by the last grant
    PRIMARY KEY (market_key, outcome)
);

-- Processes that hold grants; the rows above are forgotten when none does.
CREATE TABLE liability_holders (
    node     bigint PRIMARY KEY,
    until_ms bigint NOT NULL
);

-- The desk's entries are its audit log.
CREATE INDEX feed_log_desk ON feed_log (pos) WHERE type = 14;

-- Messages that a broker delivered and nobody could read: acknowledged, for
-- they would come again for ever, and kept for a person.
CREATE TABLE dead_messages (
    id          bigint PRIMARY KEY,
    at_ms       bigint NOT NULL,
    routing_key text NOT NULL,
    error       text NOT NULL,
    line        bigint NOT NULL,
    col         bigint NOT NULL,
    body        bytea NOT NULL  -- the first 64 KiB
);

-- Commands of the desk from processes that do not write the log, on their way
-- to the one that does: gone in the transaction that appends them.
CREATE TABLE feed_inbox (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    body  text NOT NULL,
    at_ms bigint NOT NULL
);
