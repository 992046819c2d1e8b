-- A page of runs, newest first, and the figures of all runs that match.
-- parameters: start end status trigger_type schedule triggered_by has_errors wallet
-- parameters: min_price_change_pct_min min_price_change_pct_max min_volume_usd_min min_volume_usd_max
-- parameters: max_token_age_hours_min max_token_age_hours_max early_window_minutes_min
-- parameters: early_window_minutes_max min_profit_pct_min min_profit_pct_max max_tokens_min
-- parameters: max_tokens_max duration_min duration_max page_size page cursor
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
-- shared: place
-- Where the page before ended.
, place AS MATERIALIZED (
    SELECT 'epoch'::timestamptz + NULLIF(split_part(:'cursor', '_', 1), '')::bigint
                                  * interval '1 microsecond' AS at,
           NULLIF(split_part(:'cursor', '_', 2), '')::uuid AS run
)
-- end of shared
, page AS (
    SELECT r.*, p.place
    FROM filter f
    CROSS JOIN place
    CROSS JOIN :"schema".discovery_page(
        f.kinds, f.since, f.until, f.duration_min, f.duration_max, f.wallet, place.at, place.run,
        CASE WHEN place.run IS NULL
             THEN (coalesce(NULLIF(:'page', '')::bigint, 1) - 1) * :'page_size'::bigint ELSE 0 END,
        :'page_size'::bigint + 1) p
    JOIN :"schema".discovery_runs r ON r.id = p.id
)
-- shared: run_json
-- A run as the API shows it; continues a statement with `page`: rows of discovery_runs.
-- While a run is going, its counts and errors are what is recorded so far.
, run_json AS (
    SELECT r.started_at, r.id, json_build_object(
        'id', r.id,
        'started_at', to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'completed_at', to_char(r.completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'status', r.status,
        'trigger_type', r.trigger_type,
        'triggered_by', r.triggered_by,
        'params', json_build_object(
            'min_price_change_pct', r.min_price_change_pct,
            'min_volume_usd', r.min_volume_usd,
            'max_token_age_hours', r.max_token_age_hours,
            'early_window_minutes', r.early_window_minutes,
            'min_profit_pct', r.min_profit_pct,
            'max_tokens', r.max_tokens),
        'profile_immediately', r.profile_immediately,
        'tokens_analyzed', coalesce(live.tokens, r.tokens_analyzed, 0),
        'new_wallets', coalesce(live.new, r.new_wallets, 0),
        'updated_wallets', coalesce(live.updated, r.updated_wallets, 0),
        'profiled_wallets', coalesce(live.profiled, r.profiled_wallets, 0),
        'duration_seconds', r.duration_seconds,
        'errors', coalesce(live.errors, kept.errors, '[]'),
        'error_count', coalesce(live.error_count, r.error_count, kept.n, 0),
        'schedule', r.schedule,
        'slot_at', to_char(r.slot_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'host', r.host,
        'build', r.build,
        'builds', to_json(coalesce(r.builds, array_remove(ARRAY[r.build], NULL))),
        'reason', r.reason) AS run
    FROM page r
    -- Errors of a run that ended; the program before wrote them as plain texts.
    LEFT JOIN LATERAL (
        SELECT count(*) AS n,
               json_agg(json_build_object(
                   'message', CASE jsonb_typeof(e.value) WHEN 'object' THEN e.value ->> 'message'
                              ELSE e.value #>> '{}' END,
                   'token', e.value -> 'token', 'code', e.value -> 'code',
                   'line', e.value -> 'line',
                   'created_at', to_char((e.value ->> 'created_at')::timestamptz AT TIME ZONE 'UTC',
                                         'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY e.place)
                   FILTER (WHERE e.place <= 100) AS errors
        FROM jsonb_array_elements(CASE jsonb_typeof(r.errors) WHEN 'array' THEN r.errors
                                  ELSE '[]' END) WITH ORDINALITY AS e (value, place)
    ) kept ON r.status <> 'running'
    -- Inside, too: else the rows of every run would be counted, and thrown away.
    LEFT JOIN LATERAL (
        SELECT t.tokens, w.new, w.all - w.new AS updated, w.profiled, x.errors, x.error_count
        FROM (SELECT count(*) AS tokens FROM :"schema".discovery_run_tokens i
              WHERE i.run_id = r.id AND r.status = 'running') t,
             (SELECT count(*) AS all,
                     count(*) FILTER (WHERE is_new) AS new,
                     count(*) FILTER (WHERE is_profiled) AS profiled
              FROM (SELECT bool_or(is_new) AS is_new,
                           bool_or(initial_score IS NOT NULL OR profile IS NOT NULL) AS is_profiled
                    FROM :"schema".discovery_run_wallets i
                    WHERE i.run_id = r.id AND r.status = 'running'
                    GROUP BY wallet_address) g) w,
             (SELECT count(*) AS error_count,
                     json_agg(json_build_object(
                         'message', message, 'token', token, 'code', code, 'line', line,
                         'created_at', to_char(created_at AT TIME ZONE 'UTC',
                                               'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY id)
                         FILTER (WHERE place <= 100) AS errors
              FROM (SELECT i.*, row_number() OVER (ORDER BY id) AS place
                    FROM :"schema".discovery_run_errors i
                    WHERE i.run_id = r.id AND r.status = 'running') i) x
    ) live ON r.status = 'running'
)
-- end of shared
, shown AS (
    SELECT j.*, p.place FROM run_json j JOIN page p USING (id)
    WHERE p.place <= :'page_size'::bigint
), summary AS (
    SELECT
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
         , to_char(
               CASE WHEN :'cursor' = '' AND :'page' IN ('', '1')
                    THEN (SELECT max(started_at) FROM page)
                    ELSE (SELECT last.started_at
                          FROM :"schema".discovery_page(x.kinds, x.since, x.until, x.duration_min,
                                                        x.duration_max, x.wallet, NULL, NULL, 0,
                                                        1) last) END
               AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS last_run_at
    FROM filter x
    CROSS JOIN :"schema".discovery_figures_between(
        ARRAY[x.since, greatest(x.since, x.until)], x.kinds, x.duration_min, x.duration_max,
        x.wallet, false) f
)
SELECT json_build_object(
    'runs', coalesce((SELECT json_agg(run ORDER BY place) FROM shown), '[]'),
    'total', (SELECT total_runs FROM summary),
    'page', CASE WHEN :'cursor' = '' THEN coalesce(NULLIF(:'page', '')::bigint, 1) END,
    'page_size', :'page_size'::bigint,
    'has_more', m.has_more,
    'next_cursor', CASE WHEN m.has_more THEN (
        SELECT (extract(epoch FROM started_at) * 1000000)::bigint || '_' || id
        FROM shown ORDER BY place DESC LIMIT 1) END,
    'summary', (SELECT row_to_json(s) FROM summary s))
FROM (SELECT count(*) > :'page_size'::bigint AS has_more FROM page) m
