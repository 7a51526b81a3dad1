-- From the topics into the tables.  {brokers} and {prefix} are filled in by
-- scripts/clickhouse.sh schema; {prefix} ends with a dot, or is empty.
--
-- The server's profile must have input_format_skip_unknown_fields = 1 (fields
-- may be added to records), and its config <kafka><auto_offset_reset>earliest
-- and input_format_allow_errors_num above 0, or one malformed record stops its
-- topic.  scripts/clickhouse.sh has all three, in a profile that no
-- query gets, the system_profile.  Records of a version that is not known here are
-- left out.  Offsets are committed behind the insert: what is read twice replaces
-- itself.

CREATE TABLE IF NOT EXISTS bets_in (
    v UInt8, id String, event String, account Int64, seq Int64, at_ms Int64, currency String,
    amount Int64, state String, bet Int64, placed_ms Int64, settled_ms Int64, stake Int64,
    potential Int64, payout Int64, cashed_stake Int64, cashed_paid Int64, past_posted UInt8,
    sport String, type String, leg_events Array(String), leg_markets Array(UInt32),
    leg_specifiers Array(String), leg_outcomes Array(String), leg_odds_e4 Array(Int64),
    leg_states Array(String), experiments Array(String), arms Array(String), country String
) ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{prefix}bets',
    kafka_group_name = '{prefix}clickhouse-bets', kafka_format = 'JSONEachRow',
    kafka_row_delimiter = '\n', kafka_num_consumers = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS bets_mv TO bets AS
SELECT placed_ms, bet, account, seq, toDate(intDiv(placed_ms, 86400000)) AS day, sport, currency,
    type, state, stake, if(state = 'cashed_out', 0, stake - cashed_stake) AS open_stake,
    potential, payout + cashed_paid AS paid, settled_ms, past_posted,
    toUInt8(length(leg_events)) AS legs, experiments, arms, country
FROM bets_in WHERE v = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS bet_legs_mv TO bet_legs AS
SELECT placed_ms, bet, toUInt8(number) AS leg, seq, toDate(intDiv(placed_ms, 86400000)) AS day,
    sport, currency, event_of AS event, market, specifiers, outcome, odds_e4, result, state,
    stake, payout + cashed_paid AS paid, toUInt8(length(leg_events)) AS legs
FROM bets_in
ARRAY JOIN leg_events AS event_of, leg_markets AS market, leg_specifiers AS specifiers,
    leg_outcomes AS outcome, leg_odds_e4 AS odds_e4, leg_states AS result,
    arrayEnumerate(leg_events) AS number
WHERE v = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS bet_events_mv TO bet_events AS
SELECT at_ms, account, seq, toDate(intDiv(at_ms, 86400000)) AS day, id, event, bet, sport,
    currency, amount
FROM bets_in WHERE v = 1;

CREATE TABLE IF NOT EXISTS transfers_in (
    v UInt8, id String, account Int64, seq Int64, at_ms Int64, currency String, amount Int64,
    balance Int64, kind String, debit Int64, credit Int64, bet Int64, sport String
) ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{prefix}transfers',
    kafka_group_name = '{prefix}clickhouse-transfers', kafka_format = 'JSONEachRow',
    kafka_row_delimiter = '\n', kafka_num_consumers = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS transfers_mv TO transfers AS
SELECT at_ms, account, seq, toDate(intDiv(at_ms, 86400000)) AS day, id, kind, bet, sport,
    currency, debit, credit, amount, balance
FROM transfers_in WHERE v = 1;

-- Two kinds of records: aggregated requests, and exposures.
CREATE TABLE IF NOT EXISTS traffic_in (
    v UInt8, kind String, at_ms Int64, process String, route String, method String, status UInt16,
    code String, n Int64, us Int64, experiment String, account Int64, arm String, currency String
) ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{prefix}traffic',
    kafka_group_name = '{prefix}clickhouse-traffic', kafka_format = 'JSONEachRow',
    kafka_row_delimiter = '\n', kafka_num_consumers = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS requests_mv TO requests AS
SELECT at_ms, process, route, method, status, code, n, us,
    toDate(intDiv(at_ms, 86400000)) AS day
FROM traffic_in WHERE v = 1 AND kind = 'requests';

CREATE MATERIALIZED VIEW IF NOT EXISTS exposures_mv TO exposures AS
SELECT experiment, account, at_ms, toDate(intDiv(at_ms, 86400000)) AS day, arm, currency
FROM traffic_in WHERE v = 1 AND kind = 'exposure';

-- 18.16 inserts when a second has passed without a record, which this topic
-- never does: it ticks.  Else it looks at stream_flush_interval_ms between two
-- blocks, of 65536 records if the profile does not say max_block_size = 16; what
-- is inserted is not smaller by that.  Newer servers insert after
-- kafka_flush_interval_ms in any case.
--
-- Records of the topic prices are of many kinds, and nest: taken whole, as one
-- column.  Ids have neither quotes nor tabs in them.
CREATE TABLE IF NOT EXISTS prices_in (
    value String
) ENGINE = Kafka SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{prefix}prices',
    kafka_group_name = '{prefix}clickhouse-prices', kafka_format = 'TSV',
    kafka_row_delimiter = '\n', kafka_num_consumers = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS prices_mv TO prices AS
SELECT visitParamExtractString(value, 'event') AS event,
    toUInt32(visitParamExtractUInt(value, 'market')) AS market,
    visitParamExtractString(value, 'specifiers') AS specifiers,
    toInt64(visitParamExtractInt(value, 'version')) AS version,
    toInt64(toUInt32(now())) * 1000 AS at_ms,
    toDate(intDiv(toInt64(toUInt32(now())), 86400)) AS day,
    toInt32(visitParamExtractInt(value, 'status')) AS status,
    extractAll(value, '[{]"id":"([^"]*)"') AS outcomes,
    arrayMap(x -> toInt64(x), extractAll(value, '"odds_e4":([0-9]+)')) AS odds_e4,
    arrayMap(x -> toUInt8(x = 'true'), extractAll(value, '"active":([a-z]+)')) AS active,
    arraySum(arrayMap((o, a) -> if(a = 1 AND o > 0, 10000 / o, 0), odds_e4, active)) - 1
        AS overround
FROM prices_in WHERE position(value, '"outcomes":[') > 0 AND position(value, '"fed_e4":') > 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS events_mv TO events AS
SELECT visitParamExtractString(value, 'event') AS event,
    toInt64(visitParamExtractInt(value, 'version')) AS version,
    visitParamExtractString(value, 'sport') AS sport,
    toInt64(visitParamExtractInt(value, 'start_ms')) AS start_ms
FROM prices_in WHERE position(value, '"match_status":') > 0;
