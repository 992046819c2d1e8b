-- The figures of a range, and the last seven days against the seven before.
-- parameters: start end now
WITH clock AS (
    SELECT coalesce(NULLIF(:'now', '')::timestamptz, now()) AS now
), range AS (
    SELECT
\ir parts/stats_columns.sql
    FROM :"schema".discovery_runs r
    WHERE (NULLIF(:'start', '') IS NULL OR r.started_at >= NULLIF(:'start', '')::timestamptz)
      AND (NULLIF(:'end', '') IS NULL OR r.started_at < NULLIF(:'end', '')::timestamptz)
), current AS (
    SELECT to_char((now - interval '7 days') AT TIME ZONE 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS start,
           to_char(now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "end", s.*
    FROM clock, LATERAL (
        SELECT
\ir parts/stats_columns.sql
        FROM :"schema".discovery_runs r
        WHERE r.started_at >= now - interval '7 days' AND r.started_at < now) s
), previous AS (
    SELECT to_char((now - interval '14 days') AT TIME ZONE 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS start,
           to_char((now - interval '7 days') AT TIME ZONE 'UTC',
                   'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "end", s.*
    FROM clock, LATERAL (
        SELECT
\ir parts/stats_columns.sql
        FROM :"schema".discovery_runs r
        WHERE r.started_at >= now - interval '14 days'
          AND r.started_at < now - interval '7 days') s
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
    FROM current c, previous p
)
SELECT row_to_json(answer) FROM (
    SELECT range.*, json_build_object(
        'period', 'week',
        'current', (SELECT row_to_json(c) FROM current c),
        'previous', (SELECT row_to_json(p) FROM previous p),
        'change', (SELECT row_to_json(x) FROM change x)) AS trend
    FROM range) answer
