-- Every link of a chain of contributions says which version ends at it, so that a version is built upon without reading what lies
-- before it; and every link knows one far back, so that any earlier one is found in a number of steps that grows with the logarithm.

ALTER TABLE contributions ADD COLUMN version_id text, ADD COLUMN jump_id text REFERENCES contributions;

-- Version ids used to be digests of whole manifests. They now grow delta by delta (packages/contracts, manifest.ts): what is stored
-- is named anew. Nothing else about it changes.
CREATE FUNCTION next_version_id(version text, delta jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'ver_' || encode(sha256(convert_to(
    '{"after":"' || version || '","blob":"' || (delta->>'blob') || '","kind":"' || (delta->>'kind') || '"}', 'UTF8')), 'hex')
$$;
CREATE FUNCTION root_version_id(model text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT 'ver_' || encode(sha256(convert_to('{"format":"errata-manifest/1","model":"' || model || '"}', 'UTF8')), 'hex')
$$;

ALTER TABLE contributions DISABLE TRIGGER append_only;
DO $$
DECLARE
  link record;
  before record;
  far record;
  version text;
  delta jsonb;
BEGIN
  FOR link IN SELECT c.*, m.digest FROM contributions c JOIN models m ON m.id = c.model_id ORDER BY c.depth LOOP
    SELECT * INTO before FROM contributions WHERE id = link.previous_id;
    SELECT * INTO far FROM contributions WHERE id = before.jump_id;
    version := coalesce(before.version_id, root_version_id(link.digest));
    FOR delta IN SELECT value FROM jsonb_array_elements(link.deltas) LOOP
      version := next_version_id(version, delta);
    END LOOP;
    UPDATE contributions SET version_id = version, jump_id = CASE
        WHEN coalesce(before.depth, 0) - coalesce(far.depth, 0)
          = coalesce(far.depth, 0) - coalesce((SELECT depth FROM contributions WHERE id = far.jump_id), 0) THEN far.jump_id
        ELSE before.id END
      WHERE id = link.id;
  END LOOP;
END
$$;
ALTER TABLE contributions ENABLE TRIGGER append_only;
ALTER TABLE contributions ALTER COLUMN version_id SET NOT NULL;
CREATE INDEX contributions_version ON contributions (version_id);

CREATE TEMPORARY TABLE renamed ON COMMIT DROP AS
  SELECT v.id AS old, coalesce(c.version_id, root_version_id(m.digest)) AS new
  FROM (SELECT DISTINCT ON (id) * FROM versions) v JOIN models m ON m.id = v.model_id LEFT JOIN contributions c ON c.id = v.tip_id;
ALTER TABLE versions DISABLE TRIGGER append_only;
ALTER TABLE branch_moves DISABLE TRIGGER append_only;
ALTER TABLE versions DROP CONSTRAINT versions_model_id_parent_id_fkey;
ALTER TABLE branches DROP CONSTRAINT branches_model_id_head_version_id_fkey;
ALTER TABLE branch_moves DROP CONSTRAINT branch_moves_model_id_from_version_id_fkey;
ALTER TABLE branch_moves DROP CONSTRAINT branch_moves_model_id_to_version_id_fkey;
UPDATE versions SET id = new FROM renamed WHERE id = old;
UPDATE versions SET parent_id = new FROM renamed WHERE parent_id = old;
UPDATE branches SET head_version_id = new FROM renamed WHERE head_version_id = old;
UPDATE branch_moves SET from_version_id = new FROM renamed WHERE from_version_id = old;
UPDATE branch_moves SET to_version_id = new FROM renamed WHERE to_version_id = old;
UPDATE jobs SET version_id = new FROM renamed WHERE version_id = old;
UPDATE jobs SET parent_version_id = new FROM renamed WHERE parent_version_id = old;
UPDATE jobs SET expected_parent_id = new FROM renamed WHERE expected_parent_id = old;
UPDATE jobs SET input = replace(input::text, old, new)::jsonb FROM renamed
  WHERE kind = 'rollback' AND strpos(input::text, old) > 0;
ALTER TABLE versions ADD FOREIGN KEY (model_id, parent_id) REFERENCES versions;
ALTER TABLE branches ADD FOREIGN KEY (model_id, head_version_id) REFERENCES versions;
ALTER TABLE branch_moves ADD FOREIGN KEY (model_id, from_version_id) REFERENCES versions;
ALTER TABLE branch_moves ADD FOREIGN KEY (model_id, to_version_id) REFERENCES versions;
ALTER TABLE versions ENABLE TRIGGER append_only;
ALTER TABLE branch_moves ENABLE TRIGGER append_only;
DROP FUNCTION next_version_id, root_version_id;

-- How deep a chain is; 0 for the imported model.
CREATE FUNCTION chain_depth(tip text) RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT coalesce((SELECT depth FROM contributions WHERE id = tip), 0)
$$;

-- The link of a chain at a depth; null at depth 0 and beyond the tip. The cost keeps the planner from asking it of rows that
-- another condition leaves out.
CREATE FUNCTION chain_at(tip text, wanted integer) RETURNS text LANGUAGE plpgsql STABLE COST 2000 AS $$
DECLARE
  link record;
  far record;
BEGIN
  SELECT id, depth, previous_id, jump_id INTO link FROM contributions WHERE id = tip;
  IF link.depth IS NULL OR link.depth < wanted OR wanted < 1 THEN RETURN NULL; END IF;
  WHILE link.depth > wanted LOOP
    SELECT id, depth, previous_id, jump_id INTO far FROM contributions WHERE id = link.jump_id;
    IF far.depth IS NULL OR far.depth < wanted THEN
      SELECT id, depth, previous_id, jump_id INTO far FROM contributions WHERE id = link.previous_id;
    END IF;
    link := far;
  END LOOP;
  RETURN link.id;
END
$$;

-- The last link that two chains share; null when they share none. Links of equal depth jump to links of equal depth.
CREATE FUNCTION chain_meet(one text, other text) RETURNS text LANGUAGE plpgsql STABLE COST 4000 AS $$
DECLARE
  shared integer := least(chain_depth(one), chain_depth(other));
  a record;
  b record;
BEGIN
  SELECT id, previous_id, jump_id INTO a FROM contributions WHERE id = chain_at(one, shared);
  SELECT id, previous_id, jump_id INTO b FROM contributions WHERE id = chain_at(other, shared);
  WHILE a.id IS DISTINCT FROM b.id LOOP
    IF a.jump_id IS DISTINCT FROM b.jump_id THEN
      SELECT id, previous_id, jump_id INTO a FROM contributions WHERE id = a.jump_id;
      SELECT id, previous_id, jump_id INTO b FROM contributions WHERE id = b.jump_id;
    ELSE
      SELECT id, previous_id, jump_id INTO a FROM contributions WHERE id = a.previous_id;
      SELECT id, previous_id, jump_id INTO b FROM contributions WHERE id = b.previous_id;
    END IF;
  END LOOP;
  RETURN a.id;
END
$$;

-- Versions stored whole: derived data, which may be dropped and made again.
CREATE TABLE snapshots (
  version_id      text PRIMARY KEY,
  model_id        text NOT NULL REFERENCES models,
  contribution_id text NOT NULL REFERENCES contributions,
  depth           integer NOT NULL,
  blob            text NOT NULL,
  bytes           bigint NOT NULL,
  -- What opening it took without, and takes with.
  measured        jsonb NOT NULL,
  created_at      timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX snapshots_model ON snapshots (model_id, depth);
