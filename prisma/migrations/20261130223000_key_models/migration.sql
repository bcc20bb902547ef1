-- The models that a key reaches, by id; none for all of them.
ALTER TABLE api_keys ADD COLUMN models text[] NOT NULL DEFAULT '{}';
