-- Edits that held already are counted apart, and so are those that were measured: until now whatever was applied was measured, and nothing held.
UPDATE jobs SET summary = jsonb_build_object('already_holds', 0, 'measured', summary -> 'applied') || summary
WHERE jsonb_typeof(summary) = 'object';
