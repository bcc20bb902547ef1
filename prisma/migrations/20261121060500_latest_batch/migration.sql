-- Finds a schedule's latest batch however many of its ticks found nothing to do.
CREATE INDEX schedule_runs_batches ON schedule_runs (schedule_id, due_at) WHERE job_id IS NOT NULL;
