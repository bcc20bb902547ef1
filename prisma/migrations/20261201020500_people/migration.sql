-- People have rows beside the keys, with the roles that their provider told last.
ALTER TABLE api_keys ADD COLUMN memberships jsonb NOT NULL DEFAULT '[]';
