-- Every act of administration and of lineage. An entry is written by the transaction that acts, without a place; it gets its place in the
-- chain, and the digest that seals it, once it is committed (packages/lineage/src/audit).

CREATE TABLE audit_entries (
  id            bigserial PRIMARY KEY,
  position      bigint UNIQUE,
  at            timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  act           text NOT NULL,
  actor         text,
  model_id      text,
  subject       text NOT NULL,
  details       jsonb NOT NULL DEFAULT '{}',
  previous_hash text,
  hash          text,
  CHECK ((position IS NULL) = (hash IS NULL))
);
CREATE INDEX audit_entries_subject ON audit_entries (subject);
CREATE INDEX audit_entries_unsealed ON audit_entries (id) WHERE position IS NULL;

-- What was done before, as far as it was written down. It is sealed as it stands now.
INSERT INTO audit_entries (at, act, actor, model_id, subject, details)
SELECT at, act, actor, model_id, subject, details || '{"noted": "later"}'::jsonb FROM (
  SELECT created_at AS at, 'model.imported' AS act, NULL AS actor, id AS model_id, id AS subject,
    jsonb_build_object('name', name, 'digest', digest) AS details FROM models
  UNION ALL
  SELECT created_at, 'job.submitted', created_by, model_id, id,
    jsonb_strip_nulls(jsonb_build_object('kind', kind, 'branch_id', branch_id)) FROM jobs WHERE parent_job_id IS NULL
  UNION ALL
  SELECT created_at, CASE sequence WHEN 1 THEN 'branch.created' ELSE 'branch.moved' END,
    (SELECT created_by FROM jobs WHERE jobs.id = branch_moves.job_id), model_id, branch_id,
    jsonb_strip_nulls(jsonb_build_object('sequence', sequence, 'kind', kind, 'from_version_id', from_version_id, 'to_version_id', to_version_id, 'job_id', job_id))
    FROM branch_moves
  UNION ALL
  SELECT deleted_at, 'branch.deleted', NULL, model_id, id, jsonb_build_object('name', name) FROM branches WHERE deleted_at IS NOT NULL
  UNION ALL
  SELECT branch_policies.created_at, 'policy.changed', changed_by, model_id, branch_id, jsonb_build_object('revision', revision)
    FROM branch_policies JOIN branches ON branches.id = branch_id WHERE revision > 1
  UNION ALL
  SELECT alias_moves.created_at, 'alias.moved', moved_by, alias_moves.model_id, alias_id,
    jsonb_strip_nulls(jsonb_build_object('name', name, 'sequence', alias_moves.sequence, 'kind', kind, 'from_version_id', from_version_id, 'to_version_id', to_version_id))
    FROM alias_moves JOIN aliases ON aliases.id = alias_id
  UNION ALL
  SELECT created_at, 'tag.created', created_by, model_id, id, jsonb_build_object('name', name, 'version_id', version_id) FROM tags
  UNION ALL
  SELECT deleted_at, 'tag.deleted', NULL, model_id, id, jsonb_build_object('name', name) FROM tags WHERE deleted_at IS NOT NULL
  UNION ALL
  SELECT created_at, 'key.created', NULL, NULL, id, jsonb_build_object('name', name, 'scopes', to_jsonb(scopes)) FROM api_keys
  UNION ALL
  SELECT revoked_at, 'key.revoked', NULL, NULL, id, '{}' FROM api_keys WHERE revoked_at IS NOT NULL
  UNION ALL
  SELECT created_at, 'webhook.created', created_by, model_id, id, '{}' FROM webhooks
  UNION ALL
  SELECT created_at, 'suite.created', created_by, NULL, id, jsonb_build_object('name', name, 'digest', digest) FROM suites
  UNION ALL
  SELECT created_at, 'schedule.created', owner, model_id, id, jsonb_build_object('name', name, 'branch_id', branch_id) FROM schedules
  UNION ALL
  SELECT deleted_at, 'schedule.deleted', NULL, model_id, id, jsonb_build_object('name', name) FROM schedules WHERE deleted_at IS NOT NULL
) AS done ORDER BY at;

-- It is sealed once, and that is all that ever changes about it.
CREATE TRIGGER append_only BEFORE UPDATE ON audit_entries FOR EACH ROW
  WHEN (OLD.hash IS NOT NULL OR (OLD.id, OLD.at, OLD.act, OLD.actor, OLD.model_id, OLD.subject, OLD.details)
    IS DISTINCT FROM (NEW.id, NEW.at, NEW.act, NEW.actor, NEW.model_id, NEW.subject, NEW.details))
  EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER kept BEFORE DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
