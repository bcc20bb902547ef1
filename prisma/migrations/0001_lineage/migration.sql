-- Models, versions, branches, lanes, jobs, edits, events, artefacts, keys.

CREATE TABLE models (
  id            text PRIMARY KEY,
  name          text NOT NULL UNIQUE,
  digest        text NOT NULL,
  model_type    text NOT NULL,
  parameters    bigint NOT NULL,
  layers        integer NOT NULL,
  width         integer NOT NULL,
  vocabulary    integer NOT NULL,
  context       integer NOT NULL,
  has_tokenizer boolean NOT NULL,
  files         jsonb NOT NULL,
  metadata      jsonb NOT NULL DEFAULT '{}',
  created_at    timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX models_digest ON models (digest);

CREATE TABLE lanes (
  id            text PRIMARY KEY,
  next_sequence integer NOT NULL DEFAULT 1,
  epoch         integer NOT NULL DEFAULT 0,
  holder        text,
  expires_at    timestamptz(3),
  CHECK ((holder IS NULL) = (expires_at IS NULL))
);

-- Foreign keys to branches follow below: branches and jobs refer to each other through versions.
CREATE TABLE jobs (
  id                 text PRIMARY KEY,
  kind               text NOT NULL,
  state              text NOT NULL DEFAULT 'queued',
  lane_id            text NOT NULL REFERENCES lanes,
  sequence           integer NOT NULL CHECK (sequence > 0),
  model_id           text REFERENCES models,
  branch_id          text,
  input              jsonb NOT NULL,
  metadata           jsonb NOT NULL DEFAULT '{}',
  expected_parent_id text,
  parent_version_id  text,
  version_id         text,
  attempts           integer NOT NULL DEFAULT 0,
  epoch              integer,
  cancel_requested   boolean NOT NULL DEFAULT false,
  error              jsonb,
  summary            jsonb,
  gate               jsonb,
  result             jsonb,
  created_by         text,
  created_at         timestamptz(3) NOT NULL DEFAULT now(),
  available_at       timestamptz(3) NOT NULL DEFAULT now(),
  started_at         timestamptz(3),
  finished_at        timestamptz(3),
  UNIQUE (lane_id, sequence)
);
CREATE INDEX jobs_branch ON jobs (branch_id);
CREATE INDEX jobs_model ON jobs (model_id);
-- What the reconciler looks through: small however long the history grows.
CREATE INDEX jobs_open ON jobs (lane_id, sequence) WHERE state IN ('queued', 'running', 'evaluating', 'committing');

CREATE TABLE edits (
  id        text PRIMARY KEY,
  job_id    text NOT NULL REFERENCES jobs,
  position  integer NOT NULL,
  custom_id text NOT NULL,
  payload   jsonb NOT NULL,
  result    jsonb,
  UNIQUE (job_id, position),
  UNIQUE (job_id, custom_id)
);

CREATE TABLE events (
  id         bigserial PRIMARY KEY,
  job_id     text NOT NULL REFERENCES jobs,
  type       text NOT NULL,
  state      text NOT NULL,
  data       jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz(3) NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX events_job ON events (job_id, id);

CREATE TABLE contributions (
  id          text PRIMARY KEY,
  model_id    text NOT NULL REFERENCES models,
  previous_id text REFERENCES contributions,
  depth       integer NOT NULL CHECK (depth > 0 AND (depth = 1) = (previous_id IS NULL)),
  job_id      text NOT NULL REFERENCES jobs,
  edit_ids    text[] NOT NULL,
  deltas      jsonb NOT NULL,
  bytes       bigint NOT NULL,
  total_bytes bigint NOT NULL
);
CREATE INDEX contributions_previous ON contributions (previous_id);
CREATE INDEX contributions_job ON contributions (job_id);

CREATE TABLE versions (
  id          text NOT NULL,
  model_id    text NOT NULL REFERENCES models,
  parent_id   text,
  tip_id      text REFERENCES contributions,
  job_id      text REFERENCES jobs,
  delta_bytes bigint NOT NULL,
  created_at  timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (model_id, id),
  FOREIGN KEY (model_id, parent_id) REFERENCES versions
);
-- text_pattern_ops serves look-ups by a prefix of the id.
CREATE INDEX versions_id ON versions (id text_pattern_ops);

CREATE TABLE branches (
  id              text PRIMARY KEY,
  model_id        text NOT NULL REFERENCES models,
  name            text NOT NULL,
  head_version_id text NOT NULL,
  tip_id          text REFERENCES contributions,
  gate            jsonb NOT NULL,
  default_editor  text NOT NULL,
  protected       boolean NOT NULL DEFAULT false,
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at      timestamptz(3),
  FOREIGN KEY (model_id, head_version_id) REFERENCES versions
);
-- The name of a deleted branch can be used again.
CREATE UNIQUE INDEX branches_name ON branches (model_id, name) WHERE deleted_at IS NULL;
ALTER TABLE jobs ADD FOREIGN KEY (branch_id) REFERENCES branches;

CREATE TABLE branch_moves (
  branch_id       text NOT NULL REFERENCES branches,
  sequence        integer NOT NULL CHECK (sequence > 0),
  model_id        text NOT NULL,
  kind            text NOT NULL,
  from_version_id text,
  to_version_id   text NOT NULL,
  tip_id          text REFERENCES contributions,
  job_id          text UNIQUE REFERENCES jobs,
  reason          text,
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (branch_id, sequence),
  CHECK ((sequence = 1) = (from_version_id IS NULL)),
  FOREIGN KEY (model_id, from_version_id) REFERENCES versions,
  FOREIGN KEY (model_id, to_version_id) REFERENCES versions
);
CREATE INDEX branch_moves_to ON branch_moves (model_id, to_version_id);

CREATE TABLE artefacts (
  id            text PRIMARY KEY,
  model_id      text NOT NULL REFERENCES models,
  kind          text NOT NULL,
  layer         integer NOT NULL,
  config_digest text NOT NULL,
  blob          text NOT NULL,
  bytes         bigint NOT NULL,
  details       jsonb NOT NULL DEFAULT '{}',
  job_id        text REFERENCES jobs,
  created_at    timestamptz(3) NOT NULL DEFAULT now(),
  UNIQUE (model_id, kind, layer, config_digest)
);

CREATE TABLE api_keys (
  id         text PRIMARY KEY,
  name       text NOT NULL,
  hash       text NOT NULL UNIQUE,
  scopes     text[] NOT NULL,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  revoked_at timestamptz(3)
);

CREATE TABLE idempotency_keys (
  owner        text NOT NULL,
  key          text NOT NULL,
  route        text NOT NULL,
  body_digest  text NOT NULL,
  claim        text NOT NULL,
  claimed_at   timestamptz(3) NOT NULL DEFAULT now(),
  job_id       text REFERENCES jobs,
  status       integer,
  response     jsonb,
  completed_at timestamptz(3),
  PRIMARY KEY (owner, key)
);

-- History is written once.
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON branch_moves FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON contributions FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE ON versions FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
