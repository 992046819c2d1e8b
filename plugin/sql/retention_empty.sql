-- Removes wallets, tokens and errors of these runs, at most 20,000 of each; how many it removed.
-- parameters: ids
WITH wallets AS (
    DELETE FROM :"schema".discovery_run_wallets
    WHERE id IN (SELECT id FROM :"schema".discovery_run_wallets
                 WHERE run_id = ANY (:'ids'::uuid[]) LIMIT 20000)
    RETURNING 1
), tokens AS (
    DELETE FROM :"schema".discovery_run_tokens
    WHERE id IN (SELECT id FROM :"schema".discovery_run_tokens
                 WHERE run_id = ANY (:'ids'::uuid[]) LIMIT 20000)
    RETURNING 1
), errors AS (
    DELETE FROM :"schema".discovery_run_errors
    WHERE id IN (SELECT id FROM :"schema".discovery_run_errors
                 WHERE run_id = ANY (:'ids'::uuid[]) LIMIT 20000)
    RETURNING 1
)
SELECT (SELECT count(*) FROM wallets), (SELECT count(*) FROM tokens), (SELECT count(*) FROM errors)
