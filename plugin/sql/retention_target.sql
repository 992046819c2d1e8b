-- The next of the groups of runs that a sweep goes through, after the one named `after` ('': the
-- first), and the place before which its runs are to be removed; no place when all of it stays.
-- The groups: "age", all runs by their age; "none", the runs without a schedule; "schedule NAME".
-- parameters: older_than_days runs_per_schedule after
WITH target AS MATERIALIZED (
    SELECT name
    FROM (SELECT 'age' AS name WHERE :'older_than_days' <> ''
          UNION ALL
          SELECT coalesce('schedule ' || schedule, 'none') FROM :"schema".discovery_kinds
          WHERE :'runs_per_schedule' <> '') t
    WHERE name COLLATE "C" > :'after'
    ORDER BY name COLLATE "C"
    LIMIT 1
)
SELECT t.name, p.started_at, p.id
FROM target t
LEFT JOIN LATERAL (
    -- Not with days, which a session's time zone makes longer or shorter.
    SELECT now() - make_interval(hours => 24 * NULLIF(:'older_than_days', '')::integer)
               AS started_at,
           '00000000-0000-0000-0000-000000000000'::uuid AS id
    WHERE t.name = 'age'
    UNION ALL
    -- The oldest that stays.  Counted from the rows: what decides on their end is not to be a sum.
    (SELECT r.started_at, r.id
     FROM :"schema".discovery_kinds k
     CROSS JOIN LATERAL (
         SELECT r.started_at, r.id FROM :"schema".discovery_runs r
         WHERE r.kind = k.id AND r.schedule IS NOT DISTINCT FROM k.schedule
         ORDER BY r.started_at DESC, r.id DESC
         LIMIT NULLIF(:'runs_per_schedule', '')::bigint) r
     WHERE coalesce('schedule ' || k.schedule, 'none') = t.name
       -- Sorting so many is for nothing where there are no more.
       AND NULLIF(:'runs_per_schedule', '')::bigint < (
           SELECT count(*)
           FROM (SELECT FROM :"schema".discovery_kinds k JOIN :"schema".discovery_runs r ON r.kind = k.id
                 WHERE coalesce('schedule ' || k.schedule, 'none') = t.name
                 LIMIT NULLIF(:'runs_per_schedule', '')::bigint + 1) c)
     ORDER BY r.started_at DESC, r.id DESC
     OFFSET NULLIF(:'runs_per_schedule', '')::bigint - 1 LIMIT 1)) p ON true
