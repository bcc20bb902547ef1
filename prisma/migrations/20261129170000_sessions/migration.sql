-- What a browser shows instead of an API key, and the links by which one is signed in once. Only hashes are stored.
CREATE TABLE sessions (
  hash text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('session', 'link')),
  key_id text NOT NULL REFERENCES api_keys (id),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  expires_at timestamptz(3) NOT NULL
);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);
