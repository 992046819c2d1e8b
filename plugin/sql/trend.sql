-- The figures of periods that follow each other, oldest first, and how each compares with the one
-- before.  They count the runs that retention has removed, too.
-- parameters: start end status trigger_type schedule triggered_by has_errors wallet
-- parameters: min_price_change_pct_min min_price_change_pct_max min_volume_usd_min min_volume_usd_max
-- parameters: max_token_age_hours_min max_token_age_hours_max early_window_minutes_min
-- parameters: early_window_minutes_max min_profit_pct_min min_profit_pct_max max_tokens_min
-- parameters: max_tokens_max duration_min duration_max edges now
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
, edge AS (
    SELECT array_agg(e::timestamptz ORDER BY i) AS edges,
           coalesce(NULLIF(:'now', '')::timestamptz, now()) AS now
    FROM unnest(string_to_array(:'edges', ',')) WITH ORDINALITY AS u (e, i)
), figures AS MATERIALIZED (
    SELECT f.period AS n, e.edges[f.period] AS start, e.edges[f.period + 1] AS "end",
           e.edges[f.period + 1] > e.now AS partial,
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
    FROM filter x
    CROSS JOIN edge e
    CROSS JOIN :"schema".discovery_figures_between(
        e.edges, x.kinds, x.duration_min, x.duration_max, x.wallet, true) f
), change AS (
    SELECT c.n,
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
    FROM figures c JOIN figures p ON p.n = c.n - 1
)
SELECT json_build_object('periods', coalesce(json_agg(
    jsonb_build_object('start', to_char(f.start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                       'end', to_char(f."end" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                       'partial', f.partial)
    || (to_jsonb(f) - 'n' - 'start' - 'end' - 'partial')
    || jsonb_build_object('change', coalesce(to_jsonb(c) - 'n', $nothing${"runs": null,
           "success_rate": null, "wallets_discovered": null, "avg_wallets_per_run": null,
           "avg_duration_seconds": null}$nothing$)) ORDER BY f.n), '[]'))
FROM figures f
LEFT JOIN change c ON c.n = f.n
