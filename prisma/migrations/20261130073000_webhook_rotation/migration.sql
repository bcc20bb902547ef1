-- While a secret is being replaced, messages are signed with the one before it too, so that receivers can change over meanwhile.
ALTER TABLE webhooks
  ADD COLUMN previous_secret text,
  ADD COLUMN previous_secret_ends_at timestamptz(3),
  ADD CONSTRAINT webhooks_previous_secret_check CHECK ((previous_secret IS NULL) = (previous_secret_ends_at IS NULL));
