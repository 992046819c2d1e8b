-- A page of runs, newest first, and the figures of all runs that match.
-- parameters: start end status trigger_type schedule page_size page cursor
WITH page AS (
    SELECT r.*, row_number() OVER (ORDER BY r.started_at DESC, r.id DESC) AS place
    FROM (
        SELECT * FROM :"schema".discovery_runs r
        WHERE (NULLIF(:'start', '') IS NULL OR r.started_at >= NULLIF(:'start', '')::timestamptz)
          AND (NULLIF(:'end', '') IS NULL OR r.started_at < NULLIF(:'end', '')::timestamptz)
          AND (NULLIF(:'status', '') IS NULL OR r.status = :'status')
          AND (NULLIF(:'trigger_type', '') IS NULL OR r.trigger_type = :'trigger_type')
          AND (NULLIF(:'schedule', '') IS NULL OR r.schedule = :'schedule')
          AND (NULLIF(:'cursor', '') IS NULL
               OR (r.started_at, r.id)
                  < ('epoch'::timestamptz + NULLIF(split_part(:'cursor', '_', 1), '')::bigint
                                            * interval '1 microsecond',
                     NULLIF(split_part(:'cursor', '_', 2), '')::uuid))
        ORDER BY r.started_at DESC, r.id DESC
        LIMIT coalesce(NULLIF(:'page_size', '')::integer, 20) + 1
        OFFSET CASE WHEN NULLIF(:'cursor', '') IS NULL
                    THEN (coalesce(NULLIF(:'page', '')::bigint, 1) - 1)
                         * coalesce(NULLIF(:'page_size', '')::integer, 20)
                    ELSE 0 END) r
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
    LEFT JOIN LATERAL (
        SELECT t.tokens, w.new, w.all - w.new AS updated, w.profiled, x.errors, x.error_count
        FROM (SELECT count(*) AS tokens FROM :"schema".discovery_run_tokens i
              WHERE i.run_id = r.id) t,
             (SELECT count(*) AS all,
                     count(*) FILTER (WHERE is_new) AS new,
                     count(*) FILTER (WHERE is_profiled) AS profiled
              FROM (SELECT bool_or(is_new) AS is_new,
                           bool_or(initial_score IS NOT NULL OR profile IS NOT NULL) AS is_profiled
                    FROM :"schema".discovery_run_wallets i WHERE i.run_id = r.id
                    GROUP BY wallet_address) g) w,
             (SELECT count(*) AS error_count,
                     json_agg(json_build_object(
                         'message', message, 'token', token, 'code', code, 'line', line,
                         'created_at', to_char(created_at AT TIME ZONE 'UTC',
                                               'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) ORDER BY id)
                         FILTER (WHERE place <= 100) AS errors
              FROM (SELECT i.*, row_number() OVER (ORDER BY id) AS place
                    FROM :"schema".discovery_run_errors i WHERE i.run_id = r.id) i) x
    ) live ON r.status = 'running'
)
-- end of shared
, shown AS (
    SELECT j.*, p.place FROM run_json j JOIN page p USING (id)
    WHERE p.place <= coalesce(NULLIF(:'page_size', '')::integer, 20)
), summary AS (
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
    WHERE (NULLIF(:'start', '') IS NULL OR r.started_at >= NULLIF(:'start', '')::timestamptz)
      AND (NULLIF(:'end', '') IS NULL OR r.started_at < NULLIF(:'end', '')::timestamptz)
      AND (NULLIF(:'status', '') IS NULL OR r.status = :'status')
      AND (NULLIF(:'trigger_type', '') IS NULL OR r.trigger_type = :'trigger_type')
      AND (NULLIF(:'schedule', '') IS NULL OR r.schedule = :'schedule')
), more AS (
    SELECT count(*) > coalesce(NULLIF(:'page_size', '')::integer, 20) AS has_more FROM page
)
SELECT json_build_object(
    'runs', coalesce((SELECT json_agg(run ORDER BY place) FROM shown), '[]'),
    'total', (SELECT total_runs FROM summary),
    'page', CASE WHEN NULLIF(:'cursor', '') IS NULL
                 THEN coalesce(NULLIF(:'page', '')::bigint, 1) END,
    'page_size', coalesce(NULLIF(:'page_size', '')::integer, 20),
    'has_more', has_more,
    'next_cursor', CASE WHEN has_more THEN (
        SELECT (extract(epoch FROM started_at) * 1000000)::bigint || '_' || id
        FROM shown ORDER BY place DESC LIMIT 1) END,
    'summary', (SELECT row_to_json(s) FROM summary s))
FROM more
