-- Finds the jobs that have worked on a version, to see whether one has done the same already.
CREATE INDEX jobs_finished_work ON jobs (model_id, parent_version_id) WHERE kind = 'edit' AND version_id IS NOT NULL;
