-- What completions have generated, by hour. Rows of before the last day are of no use to quotas, and are kept for whoever does sums.
CREATE TABLE generated_tokens (
  project_id text NOT NULL REFERENCES projects,
  hour       timestamptz(3) NOT NULL,
  tokens     bigint NOT NULL,
  PRIMARY KEY (project_id, hour)
);

-- What a project has stored is the sum over its models.
CREATE INDEX contributions_model ON contributions (model_id, bytes);
