-- Backups that were made of this database, so that it can be told how old the last one is.

CREATE TABLE backups (
  digest  text NOT NULL,
  made_at timestamptz(3) NOT NULL,
  place   text NOT NULL,
  blobs   bigint NOT NULL,
  bytes   bigint NOT NULL,
  PRIMARY KEY (made_at, digest)
);
