-- Addresses that are told what happens. A message is written in the transaction of what it tells, so that it is sent if and only if that
-- happened; attempts are many, and each is kept.
CREATE TABLE webhooks (
  id text PRIMARY KEY,
  url text NOT NULL,
  -- Messages are signed with it, so that it cannot be kept as a hash.
  secret text NOT NULL,
  events text[] NOT NULL,
  model_id text REFERENCES models (id),
  description text,
  enabled boolean NOT NULL DEFAULT true,
  disabled_reason text,
  created_by text,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE webhook_deliveries (
  id text PRIMARY KEY,
  webhook_id text NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  message jsonb NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed')),
  -- Of all times, and the fencing token of the one under way.
  attempts integer NOT NULL DEFAULT 0,
  -- Since it was made or last replayed: how long the next pause is.
  tries integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz(3) NOT NULL DEFAULT now(),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  finished_at timestamptz(3)
);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_webhook_id_idx ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_finished_at_idx ON webhook_deliveries (finished_at) WHERE state <> 'pending';

CREATE TABLE webhook_attempts (
  delivery_id text NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
  number integer NOT NULL,
  started_at timestamptz(3) NOT NULL,
  ms integer NOT NULL,
  status integer,
  error text,
  PRIMARY KEY (delivery_id, number)
);
