-- Policies of branches with their history, candidates that wait for a person, jobs that other jobs caused.

ALTER TABLE branches
  ADD COLUMN approval        text NOT NULL DEFAULT 'none',
  ADD COLUMN approval_hours  integer CHECK (approval_hours > 0),
  ADD COLUMN auto_rollback   text NOT NULL DEFAULT 'off',
  ADD COLUMN policy_revision integer NOT NULL DEFAULT 1;

CREATE TABLE branch_policies (
  branch_id  text NOT NULL REFERENCES branches,
  revision   integer NOT NULL CHECK (revision > 0),
  policy     jsonb NOT NULL,
  changed_by text,
  reason     text,
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (branch_id, revision)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON branch_policies FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
INSERT INTO branch_policies (branch_id, revision, policy, created_at)
SELECT id, 1, jsonb_build_object('gate', gate, 'approval', 'none', 'approval_hours', NULL, 'auto_rollback', 'off',
  'protected', protected), created_at FROM branches;

-- What an approval commits. The row is gone once the job is committed, rejected, cancelled or tried again.
CREATE TABLE candidates (
  job_id            text PRIMARY KEY REFERENCES jobs,
  model_id          text NOT NULL REFERENCES models,
  kind              text NOT NULL,
  outcome           text NOT NULL,
  parent_version_id text NOT NULL,
  version_id        text NOT NULL,
  -- The stored link that it is built upon, and the contributions after it.
  after_id          text REFERENCES contributions,
  added             jsonb NOT NULL,
  policy_revision   integer NOT NULL,
  reason            text,
  expires_at        timestamptz(3),
  created_at        timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX candidates_model ON candidates (model_id);

ALTER TABLE jobs
  ADD COLUMN approval     jsonb,
  ADD COLUMN cause_job_id text UNIQUE REFERENCES jobs;
