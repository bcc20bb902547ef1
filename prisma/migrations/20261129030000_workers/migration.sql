-- Workers that are at work, and until when what they last said of themselves counts.
CREATE TABLE workers (
  name text PRIMARY KEY,
  heard_until timestamptz(3) NOT NULL
);
