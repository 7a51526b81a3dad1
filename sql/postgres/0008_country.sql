-- Where bets are placed from, and customers come from: what the edge signed
-- (docs/EDGE.md).  '' = nobody looked; 'XX' = the edge did not know.
ALTER TABLE bets ADD COLUMN country text COLLATE "C" NOT NULL DEFAULT '';

-- Countries a customer registered or logged in from.  Personal data: it goes
-- with the customer's (overround erase).
CREATE TABLE countries_seen (
    customer   bigint NOT NULL,
    country    text COLLATE "C" NOT NULL,
    first_ms   bigint NOT NULL,
    last_ms    bigint NOT NULL,
    registered bigint NOT NULL DEFAULT 0,  -- 1 = the account was made there
    PRIMARY KEY (customer, country)
);
