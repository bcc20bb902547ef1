-- What would grow without end is found: idempotency keys that have expired, and the jobs of an API key that have not ended.
CREATE INDEX idempotency_keys_claimed ON idempotency_keys (claimed_at);
CREATE INDEX jobs_open_of_key ON jobs (created_by)
  WHERE state IN ('waiting', 'queued', 'running', 'evaluating', 'awaiting_approval', 'committing');
