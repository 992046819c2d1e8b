-- A page of a run's wallets, in the order of discovery; no row when there is no such run.
-- parameters: run_id page_size cursor
WITH page AS (
    SELECT i.*, row_number() OVER (ORDER BY i.id) AS place
    FROM (
        SELECT * FROM :"schema".discovery_run_wallets i
        WHERE i.run_id = :'run_id'::uuid
          AND (NULLIF(:'cursor', '') IS NULL OR i.id > NULLIF(:'cursor', '')::uuid)
        ORDER BY i.id
        LIMIT coalesce(NULLIF(:'page_size', '')::integer, 100) + 1) i
), shown AS (
    SELECT * FROM page WHERE place <= coalesce(NULLIF(:'page_size', '')::integer, 100)
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
        SELECT id FROM shown ORDER BY place DESC LIMIT 1) END,
    'has_more', m.has_more)
FROM (SELECT count(*) > coalesce(NULLIF(:'page_size', '')::integer, 100) AS has_more FROM page) m
WHERE EXISTS (SELECT FROM :"schema".discovery_runs WHERE id = :'run_id'::uuid)
