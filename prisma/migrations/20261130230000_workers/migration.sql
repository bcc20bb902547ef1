-- Workers say what they have and which jobs they understand, and can be asked to take no more; jobs say what they need, and by which build's
-- understanding they were written.
ALTER TABLE workers ADD COLUMN labels text[] NOT NULL DEFAULT '{}';
ALTER TABLE workers ADD COLUMN job_format integer NOT NULL DEFAULT 1;
ALTER TABLE workers ADD COLUMN drain boolean NOT NULL DEFAULT false;
ALTER TABLE jobs ADD COLUMN needs text[] NOT NULL DEFAULT '{}';
ALTER TABLE jobs ADD COLUMN format integer NOT NULL DEFAULT 1;
