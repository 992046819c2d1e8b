-- This build has come to runs that others began to record.  After many swaps in one run a build
-- that is in the list already is not put there again.
-- parameters: runs build
UPDATE :"schema".discovery_runs r
SET builds = array_append(b.builds, :'build'::text)
FROM (SELECT id, coalesce(builds, array_remove(ARRAY[build], NULL)) AS builds
      FROM :"schema".discovery_runs
      WHERE id = ANY (:'runs'::uuid[])) b
WHERE r.id = b.id
  AND b.builds[cardinality(b.builds)] IS DISTINCT FROM :'build'::text
  AND (cardinality(b.builds) < 64 OR :'build'::text <> ALL (b.builds))
