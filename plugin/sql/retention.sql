-- What a retention would remove.  Each rule may be '': it does not count then.
-- parameters: older_than_days runs_per_schedule now
WITH due AS MATERIALIZED (
    SELECT r.id, r.started_at
    FROM :"schema".discovery_runs r
    WHERE r.status <> 'running'
      -- Not with days, which a session's time zone makes longer or shorter.
      AND r.started_at < coalesce(NULLIF(:'now', '')::timestamptz, now())
                         - make_interval(hours => 24 * NULLIF(:'older_than_days', '')::integer)
    UNION ALL
    SELECT r.id, r.started_at
    FROM (SELECT id, started_at, status,
                 row_number() OVER (PARTITION BY schedule ORDER BY started_at DESC, id DESC) AS place
          FROM :"schema".discovery_runs
          WHERE :'runs_per_schedule' <> '') r
    WHERE r.status <> 'running' AND r.place > NULLIF(:'runs_per_schedule', '')::bigint
      AND (r.started_at < coalesce(NULLIF(:'now', '')::timestamptz, now())
                          - make_interval(hours => 24 * NULLIF(:'older_than_days', '')::integer))
          IS NOT TRUE
)
SELECT json_build_object(
    'runs', d.runs,
    'wallets', (SELECT count(*) FROM due JOIN :"schema".discovery_run_wallets i ON i.run_id = due.id),
    'tokens', (SELECT count(*) FROM due JOIN :"schema".discovery_run_tokens i ON i.run_id = due.id),
    'errors', (SELECT count(*) FROM due JOIN :"schema".discovery_run_errors i ON i.run_id = due.id),
    'oldest', to_char(d.oldest AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'newest', to_char(d.newest AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'older_than_days', NULLIF(:'older_than_days', '')::integer,
    'runs_per_schedule', NULLIF(:'runs_per_schedule', '')::bigint)
FROM (SELECT count(*) AS runs, min(started_at) AS oldest, max(started_at) AS newest FROM due) d
