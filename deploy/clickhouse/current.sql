-- What a current ClickHouse can, after 1_tables.sql: columns that compress,
-- times as times, and retention.  Debian's 18.16 knows none of it.
-- Money is kept for five years (RULES.md), traffic and prices for less.

ALTER TABLE bets ADD COLUMN IF NOT EXISTS placed_at DateTime64(3, 'UTC')
    ALIAS fromUnixTimestamp64Milli(placed_ms, 'UTC');
ALTER TABLE bets MODIFY COLUMN placed_ms Int64 CODEC(Delta, ZSTD);
ALTER TABLE bets MODIFY COLUMN sport LowCardinality(String),
    MODIFY COLUMN currency LowCardinality(String), MODIFY COLUMN state LowCardinality(String),
    MODIFY COLUMN type LowCardinality(String);
ALTER TABLE bets MODIFY TTL day + INTERVAL 5 YEAR;
ALTER TABLE bet_legs MODIFY COLUMN placed_ms Int64 CODEC(Delta, ZSTD);
ALTER TABLE bet_legs MODIFY TTL day + INTERVAL 5 YEAR;
ALTER TABLE bet_events ADD COLUMN IF NOT EXISTS at DateTime64(3, 'UTC')
    ALIAS fromUnixTimestamp64Milli(at_ms, 'UTC');
ALTER TABLE bet_events MODIFY TTL day + INTERVAL 5 YEAR;
ALTER TABLE transfers ADD COLUMN IF NOT EXISTS at DateTime64(3, 'UTC')
    ALIAS fromUnixTimestamp64Milli(at_ms, 'UTC');
ALTER TABLE transfers MODIFY COLUMN at_ms Int64 CODEC(Delta, ZSTD);
ALTER TABLE transfers MODIFY TTL day + INTERVAL 5 YEAR;
ALTER TABLE exposures MODIFY TTL day + INTERVAL 2 YEAR;
ALTER TABLE requests MODIFY TTL day + INTERVAL 90 DAY;
ALTER TABLE prices MODIFY COLUMN odds_e4 Array(Int64) CODEC(Delta, ZSTD);
ALTER TABLE prices MODIFY TTL day + INTERVAL 90 DAY;
