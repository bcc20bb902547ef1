-- Snapshots of versions that somebody opened away from the end of a branch: when one was last opened from. Those used last stay.
ALTER TABLE snapshots ADD COLUMN used_at timestamptz(3);
