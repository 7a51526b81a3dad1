-- Experiments.
DO $$ BEGIN END $$;
