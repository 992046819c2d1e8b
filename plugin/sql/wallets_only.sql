-- A page of the wallets of runs that match: newest run first, then in the order of discovery.
-- parameters: start end status trigger_type schedule triggered_by has_errors wallet
-- parameters: min_price_change_pct_min min_price_change_pct_max min_volume_usd_min min_volume_usd_max
-- parameters: max_token_age_hours_min max_token_age_hours_max early_window_minutes_min
-- parameters: early_window_minutes_max min_profit_pct_min min_profit_pct_max max_tokens_min
-- parameters: max_tokens_max duration_min duration_max page_size cursor
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
    SELECT w.*, p.place, p.started_at
    FROM filter f
    CROSS JOIN place
    CROSS JOIN :"schema".discovery_wallets_page(
        f.kinds, f.since, f.until, f.duration_min, f.duration_max, f.wallet, place.at, place.run,
        NULLIF(split_part(:'cursor', '_', 3), '')::uuid, :'page_size'::bigint + 1) p
    JOIN :"schema".discovery_run_wallets w ON w.id = p.id
), shown AS (
    SELECT * FROM page WHERE place <= :'page_size'::bigint
)
SELECT json_build_object(
    'wallets', coalesce((
        SELECT json_agg(json_build_object(
            'id', id, 'run_id', run_id, 'wallet_address', wallet_address,
            'source_token', source_token, 'is_new', is_new, 'initial_score', initial_score,
            'profile', profile,
            'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
            ORDER BY place)
        FROM shown), '[]'),
    'next_cursor', CASE WHEN m.has_more THEN (
        SELECT (extract(epoch FROM started_at) * 1000000)::bigint || '_' || run_id || '_' || id
        FROM shown ORDER BY place DESC LIMIT 1) END,
    'has_more', m.has_more)
FROM (SELECT count(*) > :'page_size'::bigint AS has_more FROM page) m
