-- Edits whose text was erased for good. What they did to versions, and that they were asked for, stays told.
ALTER TABLE edits ADD COLUMN erased_at timestamptz(3);
CREATE INDEX edits_erased ON edits (id) WHERE erased_at IS NOT NULL;
CREATE INDEX evaluation_cases_edit ON evaluation_cases (edit_id) WHERE edit_id IS NOT NULL;

-- An error may quote an edit: what an event tells beside its type and state is blanked by an erasure, and by nothing else.
CREATE FUNCTION refuse_rewriting_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND current_setting('errata.erasing', true) = 'on'
    AND (OLD.id, OLD.job_id, OLD.type, OLD.state, OLD.created_at) = (NEW.id, NEW.job_id, NEW.type, NEW.state, NEW.created_at)
  THEN RETURN NEW; END IF;
  RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP;
END
$$;
DROP TRIGGER append_only ON events;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_events();
