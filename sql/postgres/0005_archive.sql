-- Months that end: partitions, checkpoints, erasure.
DO $$ BEGIN END $$;
