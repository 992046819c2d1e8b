-- Two runs beside each other: parameters that differ, counts, and which wallets only one or both
-- found; no row when one of them is not known.  A wallet's score is its highest in the run.
-- parameters: a b side page_size cursor
WITH page AS (
    SELECT * FROM :"schema".discovery_runs WHERE id IN (:'a'::uuid, :'b'::uuid)
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
, pair AS MATERIALIZED (
    SELECT a.run::jsonb AS a, b.run::jsonb AS b
    FROM run_json a JOIN run_json b ON a.id = :'a'::uuid AND b.id = :'b'::uuid
), wallet AS MATERIALIZED (
    SELECT wallet_address, a.score AS score_a, b.score AS score_b,
           CASE WHEN b.found IS NULL THEN 'only_a' WHEN a.found IS NULL THEN 'only_b'
                ELSE 'both' END AS side
    FROM (SELECT wallet_address, true AS found, max(initial_score) AS score
          FROM :"schema".discovery_run_wallets WHERE run_id = :'a'::uuid GROUP BY 1) a
    FULL JOIN (SELECT wallet_address, true AS found, max(initial_score) AS score
               FROM :"schema".discovery_run_wallets WHERE run_id = :'b'::uuid GROUP BY 1) b
        USING (wallet_address)
), listed AS (
    SELECT w.*, row_number() OVER (PARTITION BY side ORDER BY wallet_address COLLATE "C") AS place
    FROM wallet w
    WHERE (:'side' = '' OR side = :'side')
      AND (:'cursor' = '' OR wallet_address COLLATE "C" > :'cursor')
), shown AS (
    SELECT * FROM listed WHERE place <= :'page_size'::bigint
), more AS (
    SELECT count(*) > 0 AS has_more FROM listed WHERE place > :'page_size'::bigint
)
SELECT json_build_object(
    'a', p.a,
    'b', p.b,
    'params', coalesce((
        SELECT json_agg(json_build_object('name', key, 'a', a.value, 'b', p.b -> 'params' -> key)
                        ORDER BY place)
        FROM unnest(ARRAY['min_price_change_pct', 'min_volume_usd', 'max_token_age_hours',
                          'early_window_minutes', 'min_profit_pct', 'max_tokens'])
             WITH ORDINALITY AS n (key, place)
        CROSS JOIN LATERAL (SELECT p.a -> 'params' -> key AS value) a
        WHERE a.value IS DISTINCT FROM p.b -> 'params' -> key), '[]'),
    'counts', (
        SELECT json_agg(json_build_object('name', key, 'a', v.a, 'b', v.b, 'change', v.b - v.a)
                        ORDER BY place)
        FROM unnest(ARRAY['tokens_analyzed', 'new_wallets', 'updated_wallets', 'profiled_wallets',
                          'error_count', 'duration_seconds']) WITH ORDINALITY AS n (key, place)
        CROSS JOIN LATERAL (
            SELECT (p.a ->> key)::numeric AS a, (p.b ->> key)::numeric AS b) v),
    'only_a', json_build_object(
        'count', (SELECT count(*) FROM wallet WHERE side = 'only_a'),
        'wallets', coalesce((
            SELECT json_agg(json_build_object('wallet_address', wallet_address, 'score_a', score_a)
                            ORDER BY place)
            FROM shown WHERE side = 'only_a'), '[]')),
    'only_b', json_build_object(
        'count', (SELECT count(*) FROM wallet WHERE side = 'only_b'),
        'wallets', coalesce((
            SELECT json_agg(json_build_object('wallet_address', wallet_address, 'score_b', score_b)
                            ORDER BY place)
            FROM shown WHERE side = 'only_b'), '[]')),
    'both', json_build_object(
        'count', (SELECT count(*) FROM wallet WHERE side = 'both'),
        'wallets', coalesce((
            SELECT json_agg(json_build_object('wallet_address', wallet_address,
                                              'score_a', score_a, 'score_b', score_b)
                            ORDER BY place)
            FROM shown WHERE side = 'both'), '[]')),
    'has_more', m.has_more,
    'next_cursor', CASE WHEN m.has_more AND :'side' <> '' THEN (
        SELECT max(wallet_address COLLATE "C") FROM shown) END)
FROM pair p, more m
