-- Experiments: when a customer was first told an arm.  What the customer does
-- from then on counts for it.
CREATE TABLE exposures (
    experiment text NOT NULL,
    account    integer NOT NULL,
    at_ms      integer NOT NULL,
    arm        text NOT NULL,
    PRIMARY KEY (experiment, account)
) WITHOUT ROWID;
