-- Tags, which never move, and aliases, which move and keep every move.

CREATE TABLE tags (
  id         text PRIMARY KEY,
  model_id   text NOT NULL REFERENCES models,
  name       text NOT NULL,
  version_id text NOT NULL,
  tip_id     text REFERENCES contributions,
  message    text,
  created_by text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  FOREIGN KEY (model_id, version_id) REFERENCES versions
);
-- The name of a deleted tag can be used again.
CREATE UNIQUE INDEX tags_name ON tags (model_id, name) WHERE deleted_at IS NULL;
CREATE TRIGGER immutable BEFORE UPDATE OF id, model_id, name, version_id, tip_id, message OR DELETE ON tags
  FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

CREATE TABLE aliases (
  id         text PRIMARY KEY,
  model_id   text NOT NULL REFERENCES models,
  name       text NOT NULL,
  version_id text NOT NULL,
  tip_id     text REFERENCES contributions,
  -- That of its last move.
  sequence   integer NOT NULL CHECK (sequence > 0),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  moved_at   timestamptz(3) NOT NULL DEFAULT now(),
  deleted_at timestamptz(3),
  FOREIGN KEY (model_id, version_id) REFERENCES versions,
  -- One that is made again goes on with its history.
  UNIQUE (model_id, name)
);

CREATE TABLE alias_moves (
  alias_id        text NOT NULL REFERENCES aliases,
  sequence        integer NOT NULL CHECK (sequence > 0),
  model_id        text NOT NULL,
  kind            text NOT NULL,
  from_version_id text,
  -- Null for its deletion.
  to_version_id   text,
  tip_id          text REFERENCES contributions,
  -- What the caller named: a branch, a tag, a version.
  target          text,
  reason          text,
  moved_by        text,
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (alias_id, sequence),
  CHECK ((kind = 'deleted') = (to_version_id IS NULL)),
  FOREIGN KEY (model_id, from_version_id) REFERENCES versions,
  FOREIGN KEY (model_id, to_version_id) REFERENCES versions
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON alias_moves FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();

-- Lists of versions begin with the newest.
CREATE INDEX versions_newest ON versions (model_id, created_at DESC, id DESC);
