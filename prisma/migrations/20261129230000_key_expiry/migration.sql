-- Keys that end by themselves, and when each was last used.

ALTER TABLE api_keys
  ADD COLUMN expires_at timestamptz(3),
  ADD COLUMN last_used_at timestamptz(3);
