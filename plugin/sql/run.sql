-- One run, or no row.
-- parameters: run_id
WITH page AS (
    SELECT * FROM :"schema".discovery_runs WHERE id = :'run_id'::uuid
)
\ir parts/run_json.sql
SELECT run FROM run_json
