-- Evaluations: jobs that are worked in shards, and the cases they ask about with what each found.
ALTER TABLE jobs ADD COLUMN parent_job_id text REFERENCES jobs;
CREATE INDEX jobs_parent ON jobs (parent_job_id);

CREATE TABLE evaluation_cases (
  job_id    text NOT NULL REFERENCES jobs,
  position  integer NOT NULL CHECK (position >= 0),
  custom_id text NOT NULL,
  edit_id   text REFERENCES edits,
  payload   jsonb NOT NULL,
  result    jsonb,
  PRIMARY KEY (job_id, position)
);
