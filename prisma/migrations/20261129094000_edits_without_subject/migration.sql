-- An edit may be about nothing that its prompt names.
ALTER TABLE inbox_edits ALTER COLUMN subject DROP NOT NULL;
