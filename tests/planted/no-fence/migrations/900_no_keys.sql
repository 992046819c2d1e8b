-- Planted: a row that is there twice is to be seen, not refused by a key.

ALTER TABLE :"schema".discovery_run_wallets DROP CONSTRAINT IF EXISTS discovery_run_wallets_pkey;
ALTER TABLE :"schema".discovery_run_tokens DROP CONSTRAINT IF EXISTS discovery_run_tokens_pkey;
ALTER TABLE :"schema".discovery_run_errors DROP CONSTRAINT IF EXISTS discovery_run_errors_pkey;

INSERT INTO :"schema".schema_migrations (version, name, oldest_writer) VALUES (900, 'no_keys', 1)
    ON CONFLICT (version) DO NOTHING;
