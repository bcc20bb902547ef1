-- What evaluations leave for people to read, and suites that are stored once and asked often.
CREATE TABLE evaluation_reports (
  job_id text PRIMARY KEY REFERENCES jobs,
  page   text NOT NULL
);

CREATE TABLE suites (
  id          text PRIMARY KEY,
  name        text NOT NULL UNIQUE,
  description text,
  digest      text NOT NULL,
  cases       integer NOT NULL,
  metadata    jsonb NOT NULL DEFAULT '{}',
  created_by  text,
  created_at  timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE suite_cases (
  suite_id  text NOT NULL REFERENCES suites,
  position  integer NOT NULL CHECK (position >= 0),
  custom_id text NOT NULL,
  payload   jsonb NOT NULL,
  PRIMARY KEY (suite_id, position)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON suites FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON suite_cases FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
