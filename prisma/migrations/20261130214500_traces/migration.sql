-- What a job was asked for within, as W3C Trace Context writes it: the trace goes on in the worker that takes it.
ALTER TABLE jobs ADD COLUMN trace_parent text;
