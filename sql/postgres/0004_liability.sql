-- Liability across processes.
DO $$ BEGIN END $$;
