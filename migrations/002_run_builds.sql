-- Which builds recorded a run: more than one when the recorder was swapped in the middle of it.
-- By hand: psql -1 -v ON_ERROR_STOP=1 -v schema=walltrack -f 002_run_builds.sql

SET LOCAL client_min_messages = warning;

-- In the order in which they came to it.  A build that does not know the column leaves it null:
-- then `build` is the one.
ALTER TABLE :"schema".discovery_runs ADD COLUMN IF NOT EXISTS builds TEXT[];

INSERT INTO :"schema".schema_migrations (version, name, oldest_writer) VALUES (2, 'run_builds', 1)
    ON CONFLICT (version) DO NOTHING;
