-- Months that end: on SQLite rows stay where they are, and what is asked of
-- both stores finds nothing dropped.
CREATE TABLE months (
    start_ms INTEGER PRIMARY KEY,
    end_ms   INTEGER NOT NULL
);

CREATE TABLE checkpoints (
    account INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL,
    cash    INTEGER NOT NULL,
    won     INTEGER NOT NULL,
    balance INTEGER NOT NULL,
    debt    INTEGER NOT NULL,
    staked  INTEGER NOT NULL,
    bets    INTEGER NOT NULL
);

CREATE TABLE report_days (
    part     INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    sport    TEXT NOT NULL,
    currency TEXT NOT NULL,
    n        INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    PRIMARY KEY (part, day, sport, currency)
);

INSERT INTO meta VALUES ('transfers_from', 0), ('bets_from', 0);

-- Customers whose account is closed and whose personal data goes, or went:
-- what the law wants kept waits for its day; the ledger never has any.
CREATE TABLE erasures (
    customer INTEGER PRIMARY KEY,
    asked_ms INTEGER NOT NULL,
    due_ms   INTEGER NOT NULL,
    done_ms  INTEGER NOT NULL DEFAULT 0
);
