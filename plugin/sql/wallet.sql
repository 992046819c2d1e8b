-- Everything that is recorded of a wallet: the runs that found it, newest discovery first; no row when
-- none did.
-- parameters: address page_size cursor
WITH discovery AS MATERIALIZED (
    SELECT w.id, w.run_id, w.source_token, w.is_new, w.initial_score, w.profile, w.created_at,
           coalesce(w.created_at, r.started_at) AS seen_at
    FROM :"schema".discovery_run_wallets w
    JOIN :"schema".discovery_runs r ON r.id = w.run_id
    WHERE w.wallet_address = :'address'
), page AS (
    SELECT d.*, row_number() OVER (ORDER BY d.seen_at DESC, d.id DESC) AS place
    FROM (
        SELECT * FROM discovery d
        WHERE :'cursor' = ''
           OR (d.seen_at, d.id)
              < ('epoch'::timestamptz + NULLIF(split_part(:'cursor', '_', 1), '')::bigint
                                        * interval '1 microsecond',
                 NULLIF(split_part(:'cursor', '_', 2), '')::uuid)
        ORDER BY d.seen_at DESC, d.id DESC
        LIMIT :'page_size'::bigint + 1) d
), shown AS (
    SELECT p.*, r.started_at, r.status, r.trigger_type, r.schedule
    FROM page p JOIN :"schema".discovery_runs r ON r.id = p.run_id
    WHERE p.place <= :'page_size'::bigint
), known AS (
    SELECT count(*) AS discoveries, count(DISTINCT run_id) AS runs,
           count(DISTINCT source_token) AS tokens, min(seen_at) AS first, max(seen_at) AS last,
           (array_agg(initial_score ORDER BY seen_at, id) FILTER (WHERE initial_score IS NOT NULL))[1]
               AS first_score,
           (array_agg(initial_score ORDER BY seen_at DESC, id DESC)
               FILTER (WHERE initial_score IS NOT NULL))[1] AS last_score
    FROM discovery
)
SELECT json_build_object(
    'wallet_address', :'address'::text,
    'first_seen_at', to_char(k.first AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'last_seen_at', to_char(k.last AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'run_count', k.runs, 'token_count', k.tokens, 'discovery_count', k.discoveries,
    'first_score', k.first_score, 'last_score', k.last_score,
    'discoveries', coalesce((
        SELECT json_agg(json_build_object(
            'id', id, 'run_id', run_id, 'source_token', source_token, 'is_new', is_new,
            'initial_score', initial_score, 'profile', profile,
            'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'run', json_build_object(
                'started_at', to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                'status', status, 'trigger_type', trigger_type, 'schedule', schedule))
            ORDER BY place)
        FROM shown), '[]'),
    'next_cursor', CASE WHEN m.has_more THEN (
        SELECT (extract(epoch FROM seen_at) * 1000000)::bigint || '_' || id
        FROM shown ORDER BY place DESC LIMIT 1) END,
    'has_more', m.has_more)
FROM known k, (SELECT count(*) > :'page_size'::bigint AS has_more FROM page) m
WHERE k.discoveries > 0
