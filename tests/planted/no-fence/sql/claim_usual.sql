-- Planted: nothing is taken here, so that the long way is always gone.
-- parameters: stream journal_id token build oldest head schema_version
BEGIN;
COMMIT
