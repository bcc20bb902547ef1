-- Projects own models, and keys may be for one. What was there before belongs to `default`.

CREATE TABLE projects (
  id         text PRIMARY KEY,
  name       text NOT NULL UNIQUE,
  quotas     jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT now()
);
INSERT INTO projects (id, name) VALUES ('project_00000000000000000000000000', 'default');

ALTER TABLE models ADD COLUMN project_id text NOT NULL DEFAULT 'project_00000000000000000000000000' REFERENCES projects;
CREATE INDEX models_project ON models (project_id);

ALTER TABLE api_keys ADD COLUMN project_id text REFERENCES projects;
CREATE INDEX api_keys_project ON api_keys (project_id);

-- What a project has asked for within a day.
CREATE INDEX jobs_model_created ON jobs (model_id, created_at);
DROP INDEX jobs_model;
