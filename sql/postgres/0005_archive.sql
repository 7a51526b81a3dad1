-- Months that end.  Bets, their legs and transfers are kept by the month, so
-- that a month that is archived and over goes away as a file, not row by row.
-- Bets and legs are divided by bet id, which carries its time (model/bet.h),
-- transfers by at_ms.  A row of `months` is a month with its partitions: they
-- come and go with it.  Housekeeping writes the rows ahead of time; what no
-- month covers goes to *_last, so that a bet never waits for housekeeping.
CREATE TABLE months (
    start_ms bigint PRIMARY KEY,   -- 0: everything before the first month
    end_ms   bigint NOT NULL
);

-- The first id a bet of that millisecond can have: bet_id_floor().
CREATE FUNCTION bet_id_floor(ms bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
AS $$ SELECT greatest(ms - 1704067200000, 0) * 4194304 $$;

CREATE FUNCTION month_name(ms bigint) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT CASE ms WHEN 0 THEN 'first'
    ELSE to_char(to_timestamp(ms / 1000) AT TIME ZONE 'UTC', 'YYYY_MM') END $$;

-- One partition: rows that *_last took meanwhile move into it.
CREATE FUNCTION month_attach(parent text, part text, col text, lo bigint, hi bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= %s AND %I < %s RETURNING *)'
        ' INSERT INTO %I SELECT * FROM moved', parent || '_last', col, lo, col, hi, part);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
        parent, part, lo, hi);
END $$;

-- Waits but shortly for its locks: whoever places a bet would wait behind it.
CREATE FUNCTION month_make() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
    name text := month_name(NEW.start_ms);
    lo bigint := bet_id_floor(NEW.start_ms);
    hi bigint := bet_id_floor(NEW.end_ms);
BEGIN
    EXECUTE format('CREATE TABLE %I (LIKE bets INCLUDING DEFAULTS, PRIMARY KEY (account, id))'
        ' WITH (fillfactor = 85)', 'bets_' || name);
    PERFORM month_attach('bets', 'bets_' || name, 'id', lo, hi);
    EXECUTE format('CREATE TABLE %I (LIKE legs, PRIMARY KEY (market_key, bet))',
        'legs_' || name);
    PERFORM month_attach('legs', 'legs_' || name, 'bet', lo, hi);
    EXECUTE format('CREATE TABLE %I (LIKE transfers, PRIMARY KEY (account, seq))',
        'transfers_' || name);
    PERFORM month_attach('transfers', 'transfers_' || name, 'at_ms', NEW.start_ms, NEW.end_ms);
    RETURN NULL;
END $$;

CREATE FUNCTION month_drop() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = '300ms' AS $$
DECLARE
    name text := month_name(OLD.start_ms);
BEGIN
    EXECUTE format('DROP TABLE %I, %I, %I', 'bets_' || name, 'legs_' || name,
        'transfers_' || name);
    RETURN NULL;
END $$;

-- While a month is folded into checkpoints, who changes one of its bets is
-- noticed, not stopped: a trigger on its partition (src/archive/drop.c).
CREATE TABLE month_touched (start_ms bigint NOT NULL);

CREATE FUNCTION month_touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO month_touched VALUES (TG_ARGV[0]::bigint);
    RETURN NULL;
END $$;

-- What there is becomes the first partition; nothing is copied.
ALTER TABLE bets RENAME TO bets_first;
ALTER TABLE legs RENAME TO legs_first;
ALTER TABLE transfers RENAME TO transfers_first;
ALTER INDEX bets_pkey RENAME TO bets_first_pkey;
ALTER INDEX legs_pkey RENAME TO legs_first_pkey;
ALTER INDEX transfers_pkey RENAME TO transfers_first_pkey;

CREATE TABLE bets (LIKE bets_first INCLUDING DEFAULTS, PRIMARY KEY (account, id))
    PARTITION BY RANGE (id);
CREATE TABLE legs (LIKE legs_first, PRIMARY KEY (market_key, bet)) PARTITION BY RANGE (bet);
-- (account, seq) is unique in each month by its index, and everywhere because
-- seq is counted under the account's lock; an index over at_ms as well, which
-- is what a key of the whole table needs, would cost every transfer its bytes.
CREATE TABLE transfers (LIKE transfers_first) PARTITION BY RANGE (at_ms);

CREATE TABLE bets_last PARTITION OF bets DEFAULT WITH (fillfactor = 85);
CREATE TABLE legs_last PARTITION OF legs DEFAULT;
CREATE TABLE transfers_last PARTITION OF transfers (PRIMARY KEY (account, seq)) DEFAULT;

DO $$
DECLARE
    newest bigint := greatest((SELECT max(at_ms) FROM transfers_first),
        (SELECT max(id) / 4194304 + 1704067200000 FROM bets_first));
    this timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    ends bigint;
BEGIN
    IF newest IS NOT NULL THEN
        this := greatest(this, date_trunc('month', to_timestamp(newest / 1000)
            AT TIME ZONE 'UTC')) + interval '1 month';
    END IF;
    ends := extract(epoch FROM this) * 1000;
    INSERT INTO months VALUES (0, ends);
    EXECUTE format('ALTER TABLE bets ATTACH PARTITION bets_first'
        ' FOR VALUES FROM (MINVALUE) TO (%s)', bet_id_floor(ends));
    EXECUTE format('ALTER TABLE legs ATTACH PARTITION legs_first'
        ' FOR VALUES FROM (MINVALUE) TO (%s)', bet_id_floor(ends));
    EXECUTE format('ALTER TABLE transfers ATTACH PARTITION transfers_first'
        ' FOR VALUES FROM (MINVALUE) TO (%s)', ends);
END $$;

CREATE TRIGGER months_make AFTER INSERT ON months FOR EACH ROW EXECUTE FUNCTION month_make();
CREATE TRIGGER months_drop AFTER DELETE ON months FOR EACH ROW EXECUTE FUNCTION month_drop();

INSERT INTO months SELECT extract(epoch FROM m) * 1000,
    extract(epoch FROM m + interval '1 month') * 1000
    FROM generate_series((SELECT to_timestamp(end_ms / 1000) AT TIME ZONE 'UTC' FROM months
        WHERE start_ms = 0), date_trunc('month', now() AT TIME ZONE 'UTC')
        + interval '3 months', interval '1 month') AS m;

-- What is left of an account's dropped transfers: the audit counts on from it.
CREATE TABLE checkpoints (
    account bigint PRIMARY KEY,
    seq     bigint NOT NULL,       -- of the last of them
    cash    bigint NOT NULL,       -- deposits less withdrawals
    won     bigint NOT NULL,       -- payouts and cash-outs less stakes and reversals
    balance bigint NOT NULL,       -- after them: cash + won, if that is > 0
    debt    bigint NOT NULL,       -- or what is missing
    staked  bigint NOT NULL,       -- stakes of all its dropped bets
    bets    bigint NOT NULL        -- their number
);

-- What reports of dropped bets say, by day (statement REPORT_DAILY).
CREATE TABLE report_days (
    part     bigint NOT NULL,      -- 1 = placed, 2 = paid
    day      bigint NOT NULL,      -- since 1970
    sport    text COLLATE "C" NOT NULL,
    currency text COLLATE "C" NOT NULL,
    n        bigint NOT NULL,
    amount   bigint NOT NULL,
    PRIMARY KEY (part, day, sport, currency)
);

-- Where the ledger begins: transfers from this time, bets from this id.
INSERT INTO meta VALUES ('transfers_from', 0), ('bets_from', 0);

-- Customers whose account is closed and whose personal data goes, or went:
-- what the law wants kept waits for its day; the ledger never has any.
CREATE TABLE erasures (
    customer bigint PRIMARY KEY,
    asked_ms bigint NOT NULL,
    due_ms   bigint NOT NULL,
    done_ms  bigint NOT NULL DEFAULT 0
);
