-- ClickHouse's side of the topics (docs/EVENTS.md): tables.  As the oldest
-- release knows them that is tested, 18.16; current.sql adds what newer ones can.
--
-- Every record is told at least once, so each table is a ReplacingMergeTree
-- whose key is the event's identity: a repeat replaces itself.  That happens
-- when parts merge, so queries say FINAL.  The part of the key that comes first
-- is time, because every report asks for a period.

-- A bet as it stands: the record of its last event (seq) remains.
CREATE TABLE IF NOT EXISTS bets (
    placed_ms  Int64,
    bet        Int64,
    account    Int64,
    seq        Int64,
    day        Date,
    sport      String,
    currency   String,
    type       String,
    state      String,  -- accepted, settled, cashed_out
    stake      Int64,   -- as placed, minor units
    open_stake Int64,   -- what is left of it after cash-outs
    potential  Int64,
    paid       Int64,   -- by settlement and for cash-outs
    settled_ms Int64,
    past_posted UInt8,
    legs       UInt8,
    experiments Array(String),
    arms       Array(String),  -- of each of them, the customer's
    country    String          -- where it was placed from; '' = nobody looked
) ENGINE = ReplacingMergeTree(seq)
PARTITION BY toYYYYMM(day) ORDER BY (placed_ms, bet);

-- Its legs: a bet of three legs is three rows, each with the whole stake;
-- queries by market divide by `legs`.
CREATE TABLE IF NOT EXISTS bet_legs (
    placed_ms  Int64,
    bet        Int64,
    leg        UInt8,
    seq        Int64,
    day        Date,
    sport      String,
    currency   String,
    event      String,
    market     UInt32,
    specifiers String,
    outcome    String,
    odds_e4    Int64,
    result     String,
    state      String,
    stake      Int64,
    paid       Int64,
    legs       UInt8
) ENGINE = ReplacingMergeTree(seq)
PARTITION BY toYYYYMM(day) ORDER BY (placed_ms, bet, leg);

-- Each event of a bet, as it was told.
CREATE TABLE IF NOT EXISTS bet_events (
    at_ms    Int64,
    account  Int64,
    seq      Int64,
    day      Date,
    id       String,
    event    String,
    bet      Int64,
    sport    String,
    currency String,
    amount   Int64
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (at_ms, account, seq);

-- The ledger: each movement of money.
CREATE TABLE IF NOT EXISTS transfers (
    at_ms    Int64,
    account  Int64,
    seq      Int64,
    day      Date,
    id       String,
    kind     String,   -- deposit, withdrawal, stake, payout, reversal, cashout
    bet      Int64,    -- 0: about none
    sport    String,
    currency String,
    debit    Int64,
    credit   Int64,
    amount   Int64,    -- > 0
    balance  Int64     -- after it
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (at_ms, account, seq);

-- Who was told which arm, and when: at every session.
CREATE TABLE IF NOT EXISTS exposures (
    experiment String,
    account    Int64,
    at_ms      Int64,
    day        Date,
    arm        String,
    currency   String
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (experiment, account, at_ms);

-- Requests: a row a second, process, route, status and refusal.
CREATE TABLE IF NOT EXISTS requests (
    at_ms   Int64,
    process String,
    route   String,
    method  String,
    status  UInt16,
    code    String,    -- of the refusal, '' = none
    n       Int64,
    us      Int64,     -- what they took together, microseconds
    day     Date
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (at_ms, process, route, method, status, code);

-- Prices: each change of a market, when it arrived here.
CREATE TABLE IF NOT EXISTS prices (
    event      String,
    market     UInt32,
    specifiers String,
    version    Int64,
    at_ms      Int64,
    day        Date,
    status     Int32,
    outcomes   Array(String),
    odds_e4    Array(Int64),
    active     Array(UInt8),
    overround  Float64  -- the sum of 1/odds less 1, of outcomes that are sold
) ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(day) ORDER BY (event, market, specifiers, version);

CREATE TABLE IF NOT EXISTS events (
    event   String,
    version Int64,
    sport   String,
    start_ms Int64
) ENGINE = ReplacingMergeTree(version) ORDER BY event;
