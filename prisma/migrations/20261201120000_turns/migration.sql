-- Whose turn at the workers is next follows from how much of their time each key has had lately, and from how long a lane has waited.
ALTER TABLE lanes ADD COLUMN changed_at timestamptz(3) NOT NULL DEFAULT now();

CREATE TABLE worker_time (
  key        text PRIMARY KEY,
  ms         double precision NOT NULL,
  counted_at timestamptz(3) NOT NULL
);
