-- An artefact is about a scope of its model, of which a layer is one, has parameters that it was built with, and may be made of others.
ALTER TABLE artefacts ADD COLUMN scope text, ADD COLUMN parameters jsonb, ADD COLUMN parents text[] NOT NULL DEFAULT '{}';
ALTER TABLE artefacts RENAME COLUMN config_digest TO parameters_digest;
-- Until now there were second moments alone: their text, and what the job that built them was asked for.
UPDATE artefacts SET scope = 'layer ' || layer, parameters = jsonb_build_object(
  'format', details->'format', 'corpus', details->'corpus_sha256',
  'tokens', (SELECT input->'tokens' FROM jobs WHERE jobs.id = job_id AND jobs.kind = 'artefact'),
  'ridge', (SELECT input->'ridge' FROM jobs WHERE jobs.id = job_id AND jobs.kind = 'artefact'));
ALTER TABLE artefacts DROP COLUMN layer, ALTER COLUMN scope SET NOT NULL, ALTER COLUMN parameters SET NOT NULL;
ALTER TABLE artefacts ADD UNIQUE (model_id, kind, scope, parameters_digest);

-- Jobs name the artefacts that they used, or built, in the same words; the layer stays for those who have read it there.
UPDATE jobs SET result = jsonb_set(result, '{artefacts}', (
  SELECT jsonb_agg(artefact || jsonb_build_object('scope', 'layer ' || (artefact->>'layer'))
    || CASE kind WHEN 'edit' THEN '{"parameters": {}}'::jsonb ELSE jsonb_build_object('kind', input->'kind') END ORDER BY place)
  FROM jsonb_array_elements(result->'artefacts') WITH ORDINALITY AS named(artefact, place)))
WHERE kind IN ('edit', 'artefact') AND jsonb_typeof(result->'artefacts') = 'array' AND result->'artefacts' <> '[]';
