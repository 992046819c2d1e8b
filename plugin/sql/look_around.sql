-- Reads one row: the server's backend gets to know the tables and their indexes, which the claim and
-- the first batch after it would otherwise wait for.
-- parameters: stream
SELECT seq, epoch, token, journal_id, build, backend_pid, claimed_at
FROM :"schema".recorder_cursor
WHERE stream = :'stream'
  AND NOT EXISTS (SELECT FROM :"schema".discovery_runs WHERE false)
  AND NOT EXISTS (SELECT FROM :"schema".discovery_run_wallets WHERE false)
  AND NOT EXISTS (SELECT FROM :"schema".discovery_run_tokens WHERE false)
  AND NOT EXISTS (SELECT FROM :"schema".discovery_run_errors WHERE false)
