-- Erasures that are due, and those of the last weeks, are found without reading all
-- that ever were.
CREATE INDEX erasures_done ON erasures (done_ms, due_ms);
