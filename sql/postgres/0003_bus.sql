-- The bus: roles in processes of their own.

-- Settlement is divided among processes by slots of events (model/slot.h).
ALTER TABLE settle_queue ADD COLUMN slot bigint NOT NULL DEFAULT 0;

-- Who owns a partition writes under an epoch; a lower one is not heard any
-- more ('odds:3/8').  Results of feed_log up to `position` are told.
CREATE TABLE epochs (
    name     text PRIMARY KEY,
    epoch    bigint NOT NULL,
    position bigint NOT NULL DEFAULT 0
);

-- How far the feed log has been told on the bus.
INSERT INTO meta VALUES ('feed_published', 0);

-- What the outside is told of each event, as it was after it: nets is balance
-- less debt, amounts what moved (the sign is the customer's in settlement),
-- the last three are NULL where the batch placed bets.
ALTER TABLE outbox
    ADD COLUMN nets         bigint[],
    ADD COLUMN stakes       bigint[],
    ADD COLUMN amounts      bigint[],
    ADD COLUMN payouts      bigint[],
    ADD COLUMN cashed_stake bigint[],
    ADD COLUMN cashed_paid  bigint[];

-- Who tells the outbox on the bus (settle/relay.h).  Accounts are in 16
-- classes; everything up to the row `told` was acknowledged for the class.
-- owner '': no relay has ever run.
CREATE TABLE relays (
    class    bigint PRIMARY KEY,
    told     bigint NOT NULL,
    owner    text NOT NULL DEFAULT '',
    until_ms bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
INSERT INTO relays (class, told)
    SELECT class, (SELECT COALESCE(max(id), 0) FROM outbox) FROM generate_series(0, 15) AS class;

CREATE TABLE relay_members (
    owner    text PRIMARY KEY,
    until_ms bigint NOT NULL
) WITH (fillfactor = 50);
