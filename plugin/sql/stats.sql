-- The figures of the runs that match, and of those in the last seven days against the seven before.
-- They count the runs that retention has removed, too.
-- parameters: start end status trigger_type schedule triggered_by has_errors wallet
-- parameters: min_price_change_pct_min min_price_change_pct_max min_volume_usd_min min_volume_usd_max
-- parameters: max_token_age_hours_min max_token_age_hours_max early_window_minutes_min
-- parameters: early_window_minutes_max min_profit_pct_min min_profit_pct_max max_tokens_min
-- parameters: max_tokens_max duration_min duration_max now
-- shared: filter
-- What the runs have to match; an argument that is '' asks for nothing.  `kinds` null: any.
WITH filter AS MATERIALIZED (
    SELECT coalesce(NULLIF(:'start', '')::timestamptz, '-infinity') AS since,
           coalesce(NULLIF(:'end', '')::timestamptz, 'infinity') AS until,
           NULLIF(:'duration_min', '')::numeric AS duration_min,
           NULLIF(:'duration_max', '')::numeric AS duration_max,
           :'wallet'::text AS wallet,
           :"schema".discovery_kinds_of(
               :'status', :'trigger_type', :'schedule', :'triggered_by', :'has_errors',
               ARRAY[:'min_price_change_pct_min', :'min_volume_usd_min', :'max_token_age_hours_min',
                     :'early_window_minutes_min', :'min_profit_pct_min', :'max_tokens_min',
                     :'min_price_change_pct_max', :'min_volume_usd_max', :'max_token_age_hours_max',
                     :'early_window_minutes_max', :'min_profit_pct_max',
                     :'max_tokens_max']::text[]) AS kinds
)
-- end of shared
, clock AS (
    SELECT coalesce(NULLIF(:'now', '')::timestamptz, now()) AS now
), ranges AS (
    SELECT 0 AS n, ARRAY[since, greatest(since, until)] AS edges FROM filter
    UNION ALL
    SELECT 1, ARRAY[now - interval '14 days', now - interval '7 days', now] FROM clock
), figures AS MATERIALIZED (
    SELECT g.n + f.period AS n, g.edges[f.period] AS start, g.edges[f.period + 1] AS "end",
-- shared: figures_columns
-- The figures of runs as the API shows them, of a row `f` of discovery_figures_between().  Rates and
-- averages are over finished runs.
           f.total_runs, f.successful_runs, f.failed_runs, f.cancelled_runs, f.running_runs,
           coalesce(f.successful_runs::numeric / NULLIF(f.total_runs - f.running_runs, 0),
                    0)::double precision AS success_rate,
           f.new_wallets AS total_wallets_discovered,
           f.updated_wallets AS total_wallets_updated,
           (f.finished_wallets::numeric / NULLIF(f.total_runs - f.running_runs, 0))::double precision
               AS avg_wallets_per_run,
           (f.seconds / NULLIF(f.timed, 0))::double precision AS avg_duration_seconds,
           f.runs_with_errors, f.partial_runs, f.tokens AS total_tokens_analyzed,
           f.errors AS total_errors, f.median AS median_duration_seconds,
           f.p90 AS p90_duration_seconds, f.p99 AS p99_duration_seconds
-- end of shared
         , to_char(:"schema".discovery_last_run(
               x.kinds, g.edges[f.period], g.edges[f.period + 1], x.duration_min, x.duration_max,
               x.wallet) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_run_at
    FROM filter x
    CROSS JOIN ranges g
    CROSS JOIN :"schema".discovery_figures_between(
        g.edges, x.kinds, x.duration_min, x.duration_max, x.wallet, true) f
), answer AS (
    SELECT n, to_jsonb(f) - 'n' - 'start' - 'end' AS figures,
           jsonb_build_object(
               'start', to_char(start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'end', to_char("end" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) AS range
    FROM figures f
), change AS (
    SELECT
-- shared: change_columns
-- How the figures `c` have changed since `p`, the period before.
           (c.total_runs - p.total_runs)::double precision / NULLIF(p.total_runs, 0) AS runs,
           CASE WHEN c.total_runs > c.running_runs AND p.total_runs > p.running_runs
                THEN c.success_rate - p.success_rate END AS success_rate,
           (c.total_wallets_discovered - p.total_wallets_discovered)::double precision
               / NULLIF(p.total_wallets_discovered, 0) AS wallets_discovered,
           (c.avg_wallets_per_run - p.avg_wallets_per_run) / NULLIF(p.avg_wallets_per_run, 0)
               AS avg_wallets_per_run,
           (c.avg_duration_seconds - p.avg_duration_seconds) / NULLIF(p.avg_duration_seconds, 0)
               AS avg_duration_seconds
-- end of shared
    FROM figures c JOIN figures p ON c.n = 3 AND p.n = 2
)
SELECT asked.figures || jsonb_build_object('trend', jsonb_build_object(
    'period', 'week',
    'current', current.range || current.figures,
    'previous', previous.range || previous.figures,
    'change', (SELECT to_jsonb(x) FROM change x)))
FROM answer asked
JOIN answer current ON asked.n = 1 AND current.n = 3
JOIN answer previous ON previous.n = 2
