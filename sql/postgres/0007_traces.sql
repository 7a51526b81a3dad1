-- Traced bets: the context of the request that placed it, a W3C traceparent,
-- so that settlement and the relay go on with its trace.  Rows go after
-- trace-keep-hours; no other table refers to them.
CREATE TABLE bet_traces (
    bet    bigint PRIMARY KEY,
    at_ms  bigint NOT NULL,
    parent text COLLATE "C" NOT NULL
);
CREATE INDEX bet_traces_at ON bet_traces (at_ms);
