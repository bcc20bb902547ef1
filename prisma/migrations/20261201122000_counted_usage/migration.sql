-- What quotas look at is counted in the transaction that makes it, whoever does: summing it up at every submission took 150 ms behind 100,000 jobs
-- and contributions of a project. A model's counters are in eight pieces, so that transactions at work at once seldom wait for one another.

-- Of contributions, artefacts and snapshots. A piece may be less than nothing, their sum is not.
CREATE TABLE stored_bytes (
  model_id text NOT NULL REFERENCES models,
  piece    integer NOT NULL,
  bytes    bigint NOT NULL,
  PRIMARY KEY (model_id, piece)
);

-- Edits that jobs have asked for in the ten minutes since then, of the last two days.
CREATE TABLE asked_edits (
  model_id text NOT NULL REFERENCES models,
  since    timestamptz(3) NOT NULL,
  piece    integer NOT NULL,
  edits    bigint NOT NULL,
  PRIMARY KEY (model_id, since, piece)
);

CREATE FUNCTION count_stored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO stored_bytes AS known (model_id, piece, bytes)
  SELECT model_id, pg_backend_pid() % 8, CASE TG_OP WHEN 'DELETE' THEN -sum(bytes) ELSE sum(bytes) END FROM changed
  GROUP BY model_id ORDER BY model_id
  ON CONFLICT (model_id, piece) DO UPDATE SET bytes = known.bytes + excluded.bytes;
  RETURN NULL;
END $$;

CREATE TRIGGER count_added AFTER INSERT ON contributions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_stored();
CREATE TRIGGER count_added AFTER INSERT ON artefacts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_stored();
CREATE TRIGGER count_removed AFTER DELETE ON artefacts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_stored();
CREATE TRIGGER count_added AFTER INSERT ON snapshots REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_stored();
CREATE TRIGGER count_removed AFTER DELETE ON snapshots REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_stored();

CREATE FUNCTION asked_since(at timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
  SELECT date_bin('10 minutes', at, 'epoch')
$$;

CREATE FUNCTION count_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM asked_edits WHERE model_id = NEW.model_id AND piece = pg_backend_pid() % 8 AND since < NEW.created_at - interval '2 days';
  INSERT INTO asked_edits AS known (model_id, since, piece, edits)
  VALUES (NEW.model_id, asked_since(NEW.created_at), pg_backend_pid() % 8, coalesce((NEW.input ->> 'edits')::bigint, 0))
  ON CONFLICT (model_id, since, piece) DO UPDATE SET edits = known.edits + excluded.edits;
  RETURN NULL;
END $$;

CREATE TRIGGER count_asked AFTER INSERT ON jobs FOR EACH ROW WHEN (NEW.kind = 'edit' AND NEW.model_id IS NOT NULL) EXECUTE FUNCTION count_asked();

-- All counters anew, from what they count: for what was there before, and for whoever has to mend them.
CREATE FUNCTION recount_usage() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE contributions, artefacts, snapshots, jobs IN SHARE MODE;
  DELETE FROM stored_bytes;
  INSERT INTO stored_bytes (model_id, piece, bytes)
  SELECT model_id, 0, sum(bytes)
  FROM (SELECT model_id, bytes FROM contributions UNION ALL SELECT model_id, bytes FROM artefacts UNION ALL SELECT model_id, bytes FROM snapshots) AS stored
  GROUP BY model_id;
  DELETE FROM asked_edits;
  INSERT INTO asked_edits (model_id, since, piece, edits)
  SELECT model_id, asked_since(created_at), 0, coalesce(sum((input ->> 'edits')::bigint), 0) FROM jobs
  WHERE kind = 'edit' AND model_id IS NOT NULL AND created_at > now() - interval '2 days' GROUP BY 1, 2;
END $$;
SELECT recount_usage();

-- Jobs of a model that have not ended.
CREATE INDEX jobs_open_of_model ON jobs (model_id)
  WHERE parent_job_id IS NULL AND state IN ('waiting', 'queued', 'running', 'evaluating', 'awaiting_approval', 'committing');
