-- The oldest runs of a group (retention_target.sql) between two places that have ended: at most 100,
-- and so many that they have at most 20,000 wallets, tokens and errors, but at least one.  They
-- are locked till the end of the transaction; one that somebody else holds is passed over.
-- `alone` is false while another host sweeps.  The place is that of the last that was looked at; it is
-- null when there was none.
-- parameters: schema target before_at before_id after_at after_id
WITH RECURSIVE sweeper AS MATERIALIZED (
    SELECT pg_try_advisory_xact_lock(1463898961, hashtext(:'schema')) AS alone
), oldest AS MATERIALIZED (
    SELECT r.id, r.started_at, row_number() OVER (ORDER BY r.started_at, r.id) AS place
    FROM sweeper
    CROSS JOIN LATERAL (
        (SELECT r.id, r.started_at FROM :"schema".discovery_runs r
         WHERE :'target' = 'age' AND r.status <> 'running'
           AND (r.started_at, r.id) < (:'before_at'::timestamptz, :'before_id'::uuid)
           AND (r.started_at, r.id) > (:'after_at'::timestamptz, :'after_id'::uuid)
         ORDER BY r.started_at, r.id
         LIMIT 100)
        UNION ALL
        (SELECT r.id, r.started_at
         FROM :"schema".discovery_kinds k
         CROSS JOIN LATERAL (
             SELECT r.id, r.started_at FROM :"schema".discovery_runs r
             WHERE r.kind = k.id AND r.status <> 'running'
               AND r.schedule IS NOT DISTINCT FROM k.schedule
               AND (r.started_at, r.id) < (:'before_at'::timestamptz, :'before_id'::uuid)
               AND (r.started_at, r.id) > (:'after_at'::timestamptz, :'after_id'::uuid)
             ORDER BY r.started_at, r.id
             LIMIT 100) r
         WHERE coalesce('schedule ' || k.schedule, 'none') = :'target' AND k.status <> 'running'
         ORDER BY r.started_at, r.id
         LIMIT 100)) r
    WHERE sweeper.alone
), taken AS (
    SELECT NULL::uuid AS id, NULL::timestamptz AS started_at, 0::bigint AS place, 0::bigint AS rows
    UNION ALL
    SELECT o.id, o.started_at, o.place, t.rows + n.rows
    FROM taken t
    JOIN oldest o ON o.place = t.place + 1
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM (SELECT 1 FROM :"schema".discovery_run_wallets i WHERE i.run_id = o.id
              UNION ALL
              SELECT 1 FROM :"schema".discovery_run_tokens i WHERE i.run_id = o.id
              UNION ALL
              SELECT 1 FROM :"schema".discovery_run_errors i WHERE i.run_id = o.id
              LIMIT greatest(20001 - t.rows, 0)) i) n
    WHERE o.place = 1 OR t.rows + n.rows <= 20000
), held AS (
    SELECT r.id FROM :"schema".discovery_runs r
    WHERE r.id IN (SELECT id FROM taken) AND r.status <> 'running'
    FOR UPDATE SKIP LOCKED
)
SELECT s.alone, (SELECT array_agg(id) FROM held) AS ids, p.started_at, p.id
FROM sweeper s
LEFT JOIN (SELECT started_at, id FROM taken ORDER BY place DESC LIMIT 1) p ON true
