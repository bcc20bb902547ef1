-- What ended badly lately is counted by its cause.
CREATE INDEX jobs_ended_badly ON jobs (finished_at) WHERE state IN ('failed', 'rejected', 'gated_out');
