-- Queries over the tables.  {from_ms} and {to_ms} are a period; each stands
-- behind its name.

-- turnover: by day, sport and currency: stakes of the bets placed, what they
-- were paid until now, GGR and hold of those that are decided.
SELECT toDate(intDiv(placed_ms, 86400000)) AS date, sport, currency, count() AS bets,
    sum(stake) AS turnover, sum(paid) AS paid_all, sumIf(stake - paid, state != 'accepted') AS ggr,
    round(ggr / sumIf(stake, state != 'accepted'), 4) AS hold
FROM bets FINAL WHERE placed_ms >= {from_ms} AND placed_ms < {to_ms}
GROUP BY date, sport, currency ORDER BY date, sport, currency;

-- minutes: the same by the minute.
SELECT intDiv(placed_ms, 60000) * 60000 AS minute_ms, sport, currency, count() AS bets,
    sum(stake) AS turnover, sumIf(stake - paid, state != 'accepted') AS ggr
FROM bets FINAL WHERE placed_ms >= {from_ms} AND placed_ms < {to_ms}
GROUP BY minute_ms, sport, currency ORDER BY minute_ms, sport, currency;

-- markets: turnover, GGR and hold by market; a multiple's stake is divided
-- evenly among its legs.
SELECT sport, event, market, specifiers, currency, uniq(bet) AS bets,
    round(sum(stake / legs)) AS turnover,
    round(sumIf((stake - paid) / legs, state != 'accepted')) AS ggr,
    round(sumIf((stake - paid) / legs, state != 'accepted') /
        sumIf(stake / legs, state != 'accepted'), 4) AS hold
FROM bet_legs FINAL WHERE placed_ms >= {from_ms} AND placed_ms < {to_ms}
GROUP BY sport, event, market, specifiers, currency ORDER BY turnover DESC LIMIT 100;

-- margin: what the house's prices held, by sport, market and minute: the mean
-- overround of the prices that were sold.
SELECT sport, market, minute_ms, count() AS changes, round(avg(overround), 4) AS margin
FROM (SELECT event, market, intDiv(at_ms, 60000) * 60000 AS minute_ms, overround
    FROM prices FINAL WHERE at_ms >= {from_ms} AND at_ms < {to_ms} AND overround > -1) AS p
ANY LEFT JOIN (SELECT event, sport FROM events FINAL) AS e USING event
GROUP BY sport, market, minute_ms ORDER BY sport, market, minute_ms;

-- funnel: from looking to betting: pages, slips sent, and what became of them.
SELECT multiIf(route NOT LIKE '/v1/%', '1 page', route = '/v1/sessions', '2 session',
        code = '' AND status < 300, '4 accepted', '3 refused') AS step,
    if(step = '3 refused', code, '') AS refusal, sum(n) AS requests,
    round(sum(us) / sum(n) / 1000, 1) AS mean_ms
FROM requests FINAL
WHERE at_ms >= {from_ms} AND at_ms < {to_ms}
    AND (route NOT LIKE '/v1/%' OR (route = '/v1/sessions' AND method = 'POST')
        OR (route = '/v1/bets' AND method = 'POST'))
GROUP BY step, refusal ORDER BY step, requests DESC;

-- cohorts: customers, bettors and GGR by arm (GET /v1/reports/experiments asks
-- for one experiment, by currency, with squares).
SELECT experiment, arm_told AS arm, count() AS customers, sum(n > 0) AS bettors,
    round(bettors / customers, 4) AS conversion, sum(won) AS ggr
FROM (SELECT experiment, account, arm_told, sum(placed_ms >= since) AS n,
        sum(if(placed_ms >= since AND state != 'accepted', stake - paid, 0)) AS won
    FROM (SELECT experiment, account, min(at_ms) AS since, argMin(arm, at_ms) AS arm_told
        FROM exposures GROUP BY experiment, account
        HAVING since >= {from_ms} AND since < {to_ms}) AS e
    ALL LEFT JOIN (SELECT account, placed_ms, stake, paid, state FROM bets FINAL
        WHERE placed_ms >= {from_ms} AND placed_ms < {to_ms}) AS b USING account
    GROUP BY experiment, account, arm_told)
GROUP BY experiment, arm_told ORDER BY experiment, arm_told;

-- arms: what was bet under each arm, by the records of the bets alone.
SELECT experiment, arm, sport, currency, count() AS bets, uniq(account) AS bettors,
    sum(stake) AS turnover, sumIf(stake - paid, state != 'accepted') AS ggr
FROM (SELECT * FROM bets FINAL WHERE placed_ms >= {from_ms} AND placed_ms < {to_ms})
ARRAY JOIN experiments AS experiment, arms AS arm
GROUP BY experiment, arm, sport, currency ORDER BY experiment, arm, sport, currency;
