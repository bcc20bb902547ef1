-- Answers of versions to questions. Neither ever changes: a version's id is the digest of its content, a question's of its text.
CREATE TABLE answers (
  version_id      text NOT NULL,
  question_digest text NOT NULL,
  answer          jsonb NOT NULL,
  created_at      timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (version_id, question_digest)
);
