-- Where bets are placed from, and customers come from: what the edge signed
-- (docs/EDGE.md).  '' = nobody looked; 'XX' = the edge did not know.
ALTER TABLE bets ADD COLUMN country text NOT NULL DEFAULT '';

-- Countries a customer registered or logged in from.  Personal data: it goes
-- with the customer's (overround erase).
CREATE TABLE countries_seen (
    customer   integer NOT NULL,
    country    text NOT NULL,
    first_ms   integer NOT NULL,
    last_ms    integer NOT NULL,
    registered integer NOT NULL DEFAULT 0,  -- 1 = the account was made there
    PRIMARY KEY (customer, country)
) WITHOUT ROWID;
