-- Inboxes of branches, the schedules that turn them into batches, and their runs.

CREATE TABLE schedules (
  id              text PRIMARY KEY,
  name            text NOT NULL,
  model_id        text NOT NULL REFERENCES models,
  branch_id       text NOT NULL REFERENCES branches,
  cron            text,
  time_zone       text NOT NULL,
  when_pending    integer CHECK (when_pending > 0),
  -- What goes into a batch, and what the batch's job is asked.
  policy          jsonb NOT NULL,
  metadata        jsonb NOT NULL DEFAULT '{}',
  owner           text,
  next_due_at     timestamptz(3),
  buffered_due_at timestamptz(3),
  -- After a run that failed, the number of waiting edits is not looked at before this time.
  not_before      timestamptz(3),
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  updated_at      timestamptz(3) NOT NULL DEFAULT now(),
  paused_at       timestamptz(3),
  deleted_at      timestamptz(3),
  CHECK (cron IS NOT NULL OR when_pending IS NOT NULL)
);
-- The name of a deleted schedule can be used again.
CREATE UNIQUE INDEX schedules_name ON schedules (name) WHERE deleted_at IS NULL;
CREATE INDEX schedules_branch ON schedules (branch_id);

CREATE TABLE schedule_runs (
  id          text PRIMARY KEY,
  schedule_id text NOT NULL REFERENCES schedules,
  due_at      timestamptz(3) NOT NULL,
  trigger     text NOT NULL,
  started_at  timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  outcome     text NOT NULL,
  reason      text,
  counts      jsonb NOT NULL,
  job_id      text UNIQUE REFERENCES jobs,
  error       jsonb,
  -- A tick is decided once, whoever hears of it and however often.
  UNIQUE (schedule_id, due_at),
  CHECK ((outcome = 'submitted') = (job_id IS NOT NULL)),
  CHECK ((outcome = 'skipped') = (reason IS NOT NULL)),
  CHECK ((outcome = 'failed') = (error IS NOT NULL))
);

CREATE TABLE inbox_edits (
  id            text PRIMARY KEY,
  branch_id     text NOT NULL REFERENCES branches,
  -- The order of arrival.
  sequence      bigserial UNIQUE,
  custom_id     text NOT NULL,
  payload       jsonb NOT NULL,
  -- What contradictions are found by: the questions it answers and its answer, normalised.
  subject       text NOT NULL,
  questions     text[] NOT NULL,
  answer        text NOT NULL,
  priority      integer NOT NULL DEFAULT 0,
  -- pending, held, withdrawn, superseded, refused, or batched: from then on its job says what became of it.
  state         text NOT NULL DEFAULT 'pending',
  reason        jsonb,
  run_id        text REFERENCES schedule_runs,
  job_id        text REFERENCES jobs,
  superseded_by text REFERENCES inbox_edits,
  created_by    text,
  created_at    timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
  CHECK ((state = 'batched') = (job_id IS NOT NULL)),
  CHECK ((state = 'superseded') = (superseded_by IS NOT NULL))
);
CREATE INDEX inbox_edits_branch ON inbox_edits (branch_id, sequence);
CREATE INDEX inbox_edits_job ON inbox_edits (job_id);
-- Two edits that wait never share an id: they may end up in one job.
CREATE UNIQUE INDEX inbox_edits_waiting ON inbox_edits (branch_id, custom_id) WHERE state IN ('pending', 'held');

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON schedule_runs FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
