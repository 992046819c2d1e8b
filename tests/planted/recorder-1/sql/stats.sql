-- The figures of a range, and the last seven days against the seven before.
-- parameters: start end now
WITH clock AS (
    SELECT coalesce(NULLIF(:'now', '')::timestamptz, now()) AS now
), ranges AS (
    SELECT 'asked' AS name,
           coalesce(NULLIF(:'start', '')::timestamptz, '-infinity') AS from_time,
           coalesce(NULLIF(:'end', '')::timestamptz, 'infinity') AS to_time
    UNION ALL SELECT 'current', now - interval '7 days', now FROM clock
    UNION ALL SELECT 'previous', now - interval '14 days', now - interval '7 days' FROM clock
), figures AS (
    SELECT g.name, g.from_time, g.to_time, s.*
    FROM ranges g CROSS JOIN LATERAL (
        SELECT
-- shared: stats_columns
-- The figures over any set of runs `r`, as columns.  Rates and averages are over finished runs.
       count(*) AS total_runs,
       count(*) FILTER (WHERE r.status = 'completed') AS successful_runs,
       count(*) FILTER (WHERE r.status = 'failed') AS failed_runs,
       count(*) FILTER (WHERE r.status = 'cancelled') AS cancelled_runs,
       count(*) FILTER (WHERE r.status = 'running') AS running_runs,
       coalesce(avg((r.status = 'completed')::integer) FILTER (WHERE r.status <> 'running'),
                0)::double precision AS success_rate,
       coalesce(sum(r.new_wallets), 0) AS total_wallets_discovered,
       coalesce(sum(r.updated_wallets), 0) AS total_wallets_updated,
       avg(coalesce(r.new_wallets, 0) + coalesce(r.updated_wallets, 0))
           FILTER (WHERE r.status <> 'running')::double precision AS avg_wallets_per_run,
       avg(r.duration_seconds) FILTER (WHERE r.status <> 'running')::double precision
           AS avg_duration_seconds,
       to_char(max(r.started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_run_at
-- end of shared
        FROM :"schema".discovery_runs r
        WHERE r.started_at >= g.from_time AND r.started_at < g.to_time) s
), answers AS (
    SELECT name, to_jsonb(f) - 'name' - 'from_time' - 'to_time' AS figures,
           jsonb_build_object(
               'start', to_char(from_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'end', to_char(to_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) AS range
    FROM figures f
), change AS (
    SELECT (c.total_runs - p.total_runs)::double precision / NULLIF(p.total_runs, 0) AS runs,
           CASE WHEN c.total_runs > c.running_runs AND p.total_runs > p.running_runs
                THEN c.success_rate - p.success_rate END AS success_rate,
           (c.total_wallets_discovered - p.total_wallets_discovered)::double precision
               / NULLIF(p.total_wallets_discovered, 0) AS wallets_discovered,
           (c.avg_wallets_per_run - p.avg_wallets_per_run) / NULLIF(p.avg_wallets_per_run, 0)
               AS avg_wallets_per_run,
           (c.avg_duration_seconds - p.avg_duration_seconds) / NULLIF(p.avg_duration_seconds, 0)
               AS avg_duration_seconds
    FROM figures c JOIN figures p ON c.name = 'current' AND p.name = 'previous'
)
SELECT asked.figures || jsonb_build_object('trend', jsonb_build_object(
    'period', 'week',
    'current', current.range || current.figures,
    'previous', previous.range || previous.figures,
    'change', (SELECT to_jsonb(x) FROM change x)))
FROM answers asked
JOIN answers current ON asked.name = 'asked' AND current.name = 'current'
JOIN answers previous ON previous.name = 'previous'
