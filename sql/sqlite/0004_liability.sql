-- Liability across processes: leases of headroom that are fenced.

-- What is here lives no longer than the processes that hold it.
DROP TABLE liability;
DROP TABLE liability_holders;

-- Processes that hold leases.  A placement that charges a limit names its
-- holder's epoch and finds it not fenced in its own transaction; fencing is
-- for ever, and a process that was fenced comes back under another epoch.
CREATE TABLE liability_holders (
    epoch    integer PRIMARY KEY,
    node     integer NOT NULL,
    until_ms integer NOT NULL,    -- may be fenced from then on
    fenced   integer NOT NULL
);
INSERT INTO epochs (name, epoch) VALUES ('liability', 0);

-- An outcome's liability: granted = base + the leases' granted.  Whoever
-- changes its leases locks this row first.
CREATE TABLE liability (
    market_key integer NOT NULL,
    outcome    text NOT NULL,
    granted    integer NOT NULL,
    base       integer NOT NULL,  -- open bets under no lease, when last counted
    portion    integer NOT NULL,  -- by the last grant
    mark       integer NOT NULL,  -- another one whenever a lease comes or goes
    PRIMARY KEY (market_key, outcome)
) WITHOUT ROWID;

-- Headroom of one process, in the house's currency.  Bets of its node with
-- ids from from_bet on are under it.
CREATE TABLE liability_leases (
    market_key integer NOT NULL,
    outcome    text NOT NULL,
    epoch      integer NOT NULL,
    node       integer NOT NULL,
    from_bet   integer NOT NULL,
    granted    integer NOT NULL,
    PRIMARY KEY (market_key, outcome, epoch)
) WITHOUT ROWID;
CREATE INDEX liability_leases_epoch ON liability_leases (epoch, market_key);

-- Bets that wait for a trader, where several processes take bets: any of them
-- shows them and takes a word; the one that keeps the request open acts on it.
CREATE TABLE holds (
    id             integer PRIMARY KEY,
    node           integer NOT NULL,             -- who keeps it open; -1: an offer
    account        integer NOT NULL,
    legs           blob NOT NULL,              -- customer and legs, hashed
    stake          integer NOT NULL,
    currency       text NOT NULL,
    body           text NOT NULL,               -- as the desk is shown it
    until_ms       integer NOT NULL,
    decision       integer NOT NULL DEFAULT 0, -- 1 accepted, 2 declined, 3 offered
    offer          integer NOT NULL DEFAULT 0,   -- a smaller stake
    offer_until_ms integer NOT NULL DEFAULT 0,
    taken          integer NOT NULL DEFAULT 0    -- by this bet
);
CREATE INDEX holds_node ON holds (node) WHERE decision <> 0;
CREATE INDEX holds_account ON holds (account) WHERE decision = 3;
