-- Removes runs, in one statement: their figures change hands once, right before the commit.
-- parameters: ids
DELETE FROM :"schema".discovery_runs WHERE id = ANY (:'ids'::uuid[]) AND status <> 'running'
