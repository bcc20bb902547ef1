-- Blobs that nothing names, marked when they were first found so: what is still unnamed after the grace period is deleted.
CREATE TABLE garbage (
  blob      text PRIMARY KEY,
  bytes     bigint NOT NULL,
  -- As the store told then: whoever stores the blob once more changes it.
  stored_at timestamptz(3) NOT NULL,
  marked_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);

-- The ends of chains that people open by name.
CREATE VIEW live_tips AS
  SELECT model_id, tip_id FROM branches WHERE deleted_at IS NULL AND tip_id IS NOT NULL
  UNION SELECT model_id, tip_id FROM aliases WHERE deleted_at IS NULL AND tip_id IS NOT NULL
  UNION SELECT model_id, tip_id FROM tags WHERE deleted_at IS NULL AND tip_id IS NOT NULL;

-- Found by what they were first; jobs that hold blobs nobody else names are few.
CREATE INDEX jobs_active ON jobs (started_at) WHERE state IN ('queued', 'running', 'evaluating', 'committing');
