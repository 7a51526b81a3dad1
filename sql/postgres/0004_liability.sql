-- Liability across processes: leases of headroom that are fenced.

-- What is here lives no longer than the processes that hold it.
DROP TABLE liability;
DROP TABLE liability_holders;

-- Processes that hold leases.  A placement that charges a limit names its
-- holder's epoch and finds it not fenced in its own transaction; fencing is
-- for ever, and a process that was fenced comes back under another epoch.
CREATE TABLE liability_holders (
    epoch    bigint PRIMARY KEY,
    node     bigint NOT NULL,
    until_ms bigint NOT NULL,    -- may be fenced from then on
    fenced   smallint NOT NULL
);
INSERT INTO epochs VALUES ('liability', 0);

-- An outcome's liability: granted = base + the leases' granted.  Whoever
-- changes its leases locks this row first.
CREATE TABLE liability (
    market_key bigint NOT NULL,
    outcome    text COLLATE "C" NOT NULL,
    granted    bigint NOT NULL,
    base       bigint NOT NULL,  -- open bets under no lease, when last counted
    portion    bigint NOT NULL,  -- by the last grant
    mark       bigint NOT NULL,  -- another one whenever a lease comes or goes
    PRIMARY KEY (market_key, outcome)
);

-- Headroom of one process, in the house's currency.  Bets of its node with
-- ids from from_bet on are under it.
CREATE TABLE liability_leases (
    market_key bigint NOT NULL,
    outcome    text COLLATE "C" NOT NULL,
    epoch      bigint NOT NULL,
    node       bigint NOT NULL,
    from_bet   bigint NOT NULL,
    granted    bigint NOT NULL,
    PRIMARY KEY (market_key, outcome, epoch)
);
CREATE INDEX liability_leases_epoch ON liability_leases (epoch);
