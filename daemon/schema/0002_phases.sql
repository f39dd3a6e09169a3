-- A run has two phases: its data sets (`prepared` once they are there), then training.
-- The child's process is recorded by number and start time: a number alone may be a stranger's by now.
ALTER TABLE runs ADD COLUMN prepared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN process INTEGER;
ALTER TABLE runs ADD COLUMN process_started TEXT;
UPDATE runs SET prepared = 1 WHERE state IN ('done', 'not-better');
