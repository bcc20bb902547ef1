// A model that was edited a hundred thousand times, and has ten thousand versions.
const edits = 100_000;
const versions = 10_000;

/** Edits of a model that was never edited so much, older than all that it has; and versions, each made from the one before. */
export const longHistory = (branch: string, model: string, head: string) => `
  INSERT INTO lanes (id) VALUES ('branch:scale');
  INSERT INTO jobs (id, kind, state, lane_id, sequence, model_id, branch_id, input, created_at, finished_at)
    SELECT 'job_' || lpad(n::text, 26, '0'), 'edit', 'succeeded', 'branch:scale', n, '${model}', '${branch}',
      '{"edits": 100, "editor": "ft-m"}', '2020-01-01'::timestamptz + n * interval '1 hour', '2020-01-01'
    FROM generate_series(1, ${edits / 100}) AS n;
  INSERT INTO edits (id, job_id, position, custom_id, payload)
    SELECT 'edit_' || lpad(n::text, 26, '0'), 'job_' || lpad((n / 100 + 1)::text, 26, '0'), n % 100, n::text,
      jsonb_build_object('custom_id', n::text, 'prompt', 'Fact number ' || n || ' is', 'subject', 'Fact number ' || n,
        'target_new', 'so', 'rephrases', '[]'::jsonb)
    FROM generate_series(0, ${edits - 1}) AS n;
  INSERT INTO versions (id, model_id, parent_id, delta_bytes, created_at)
    SELECT 'ver_' || lpad(n::text, 64, '0'), '${model}',
      CASE n WHEN 1 THEN '${head}' ELSE 'ver_' || lpad((n - 1 - n % 7 / 6)::text, 64, '0') END, 0,
      '2020-01-01'::timestamptz + n * interval '1 minute'
    FROM generate_series(1, ${versions}) AS n`;
