-- Ends runs: their totals are counted from the rows, in the transaction that ends them.  Only a
-- run that is still running ends; the caller compares how many did with how many should have.
-- parameters: ends
WITH ended AS (
    SELECT e.*, 'epoch'::timestamptz + e.at_us * interval '1 microsecond' AS at
    FROM jsonb_to_recordset(:'ends'::jsonb)
        AS e (run_id uuid, status text, at_us bigint, duration_us bigint, dropped bigint, reason text)
)
UPDATE :"schema".discovery_runs r
SET status = e.status,
    completed_at = e.at,
    duration_seconds = e.duration_us / 1000000.0,
    reason = e.reason,
    tokens_analyzed = t.n,
    new_wallets = w.new,
    updated_wallets = w.all - w.new,
    profiled_wallets = w.profiled,
    error_count = x.n + e.dropped,
    errors = x.first
FROM ended e
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM :"schema".discovery_run_tokens t WHERE t.run_id = e.run_id) t
CROSS JOIN LATERAL (
    -- Grouped, not count(DISTINCT …), which would sort the run's wallets once for each figure.
    SELECT count(*) AS all,
           count(*) FILTER (WHERE is_new) AS new,
           count(*) FILTER (WHERE is_profiled) AS profiled
    FROM (SELECT bool_or(is_new) AS is_new,
                 bool_or(initial_score IS NOT NULL OR profile IS NOT NULL) AS is_profiled
          FROM :"schema".discovery_run_wallets i WHERE i.run_id = e.run_id
          GROUP BY wallet_address) i) w
CROSS JOIN LATERAL (
    SELECT count(*) AS n,
           coalesce(jsonb_agg(jsonb_build_object('message', message, 'token', token, 'code', code,
                                                 'line', line, 'created_at', created_at)
                              ORDER BY id) FILTER (WHERE place <= 100), '[]') AS first
    FROM (SELECT i.*, row_number() OVER (ORDER BY id) AS place
          FROM :"schema".discovery_run_errors i WHERE i.run_id = e.run_id) i) x
WHERE r.id = e.run_id AND r.status = 'running'
