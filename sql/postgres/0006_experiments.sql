-- Experiments: when a customer was first told an arm.  What the customer does
-- from then on counts for it.
CREATE TABLE exposures (
    experiment text COLLATE "C" NOT NULL,
    account    bigint NOT NULL,
    at_ms      bigint NOT NULL,
    arm        text COLLATE "C" NOT NULL,
    PRIMARY KEY (experiment, account)
);
