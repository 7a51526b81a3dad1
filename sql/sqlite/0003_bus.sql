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

-- Who tells the outbox on the bus: nobody does from SQLite.
CREATE TABLE relays (
    class    bigint PRIMARY KEY,
    told     bigint NOT NULL,
    owner    text NOT NULL DEFAULT '',
    until_ms bigint NOT NULL DEFAULT 0
);
