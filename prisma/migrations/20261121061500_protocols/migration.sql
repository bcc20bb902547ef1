-- Evaluations of editors under a protocol: when a case is measured and how many edits are in the model then, and what each block of
-- work cost and left behind.
ALTER TABLE evaluation_cases
  ADD COLUMN moment text NOT NULL DEFAULT 'end',
  ADD COLUMN edits integer NOT NULL DEFAULT 0;
UPDATE evaluation_cases SET edits = coalesce((jobs.input->>'active_edits')::integer, 0) FROM jobs WHERE jobs.id = job_id;
UPDATE evaluation_cases SET result = result || jsonb_build_object('moment', moment, 'edits', edits) WHERE result IS NOT NULL;
UPDATE jobs SET result = result || '{"places": [], "cost": {"edits": 0, "edit_seconds": 0, "answers": 0, "answer_seconds": 0,
  "answer_tokens": 0, "stored_bytes": 0, "peak_bytes": 0}}'
WHERE kind = 'evaluation' AND result IS NOT NULL;

CREATE TABLE evaluation_blocks (
  job_id   text NOT NULL REFERENCES jobs,
  position integer NOT NULL CHECK (position >= 0),
  cost     jsonb NOT NULL,
  deltas   jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (job_id, position)
);
