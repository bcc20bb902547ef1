-- A run that waited keeps the time at which it was due: which run of a schedule is its latest is told by when they were started.
DROP INDEX schedule_runs_batches;
CREATE INDEX schedule_runs_batches ON schedule_runs (schedule_id, started_at) WHERE job_id IS NOT NULL;
CREATE INDEX schedule_runs_started ON schedule_runs (schedule_id, started_at, id);
