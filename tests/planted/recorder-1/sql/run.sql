-- One run, or no row.
-- parameters: run_id
WITH page AS (
    SELECT * FROM :"schema".discovery_runs WHERE id = :'run_id'::uuid
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
SELECT run FROM run_json
