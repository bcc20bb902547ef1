-- How soon a job is to be done: -1 low, 0 normal, 1 high. What was there is normal.
ALTER TABLE jobs ADD COLUMN priority integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1 AND 1);

-- The highest of what a lane has to do.
CREATE INDEX jobs_open_priority ON jobs (lane_id, priority) WHERE state IN ('queued', 'running', 'evaluating', 'committing');
