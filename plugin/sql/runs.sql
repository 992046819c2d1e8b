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
\ir parts/run_json.sql
, shown AS (
    SELECT j.*, p.place FROM run_json j JOIN page p USING (id)
    WHERE p.place <= coalesce(NULLIF(:'page_size', '')::integer, 20)
), summary AS (
    SELECT
\ir parts/stats_columns.sql
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
