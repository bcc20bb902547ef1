-- What a model was imported from, and what that was merged onto. Of those that are there already it was not kept.
ALTER TABLE models ADD COLUMN origin JSONB NOT NULL DEFAULT '[]';
