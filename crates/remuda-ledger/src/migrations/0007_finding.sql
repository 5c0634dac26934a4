-- Runs of all experiments, the newest first, without sorting them.
CREATE INDEX tracked_run_by_stage ON tracked_run (product, stage, started DESC, id);
