-- The recorder's tables.  Makes them, or takes over those of the program that was here before:
-- every row stays, columns only grow, and what old rows might break is checked for new ones only.
-- By hand: psql -1 -v ON_ERROR_STOP=1 -v schema=walltrack -f 001_base.sql

SET LOCAL client_min_messages = warning;

-- For this transaction only: the blocks below cannot name the schema themselves.
SET LOCAL search_path TO :"schema";

-- Only when it is missing: making one takes a right that using one does not.
DO $schema$
BEGIN
    IF current_schema() IS NULL THEN
        EXECUTE 'CREATE SCHEMA ' || current_setting('search_path');
    END IF;
END
$schema$;

CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT,         -- SHA-256 of the file; null when it was applied by hand
    oldest_writer INTEGER, -- a build that knows no more than this version can still write; null: version
    build TEXT,            -- which build applied it
    applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS discovery_runs (
    id UUID PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL,
    completed_at TIMESTAMPTZ,
    status VARCHAR(20) NOT NULL DEFAULT 'running',
    trigger_type VARCHAR(20) NOT NULL,
    triggered_by VARCHAR(100),
    min_price_change_pct NUMERIC(8, 2),
    min_volume_usd NUMERIC(15, 2),
    max_token_age_hours INTEGER,
    early_window_minutes INTEGER,
    min_profit_pct NUMERIC(8, 2),
    max_tokens INTEGER,
    tokens_analyzed INTEGER DEFAULT 0,
    new_wallets INTEGER DEFAULT 0,
    updated_wallets INTEGER DEFAULT 0,
    profiled_wallets INTEGER DEFAULT 0,
    duration_seconds NUMERIC(12, 3),
    errors JSONB DEFAULT '[]',
    created_at TIMESTAMPTZ DEFAULT now()
);
ALTER TABLE discovery_runs
    ADD COLUMN IF NOT EXISTS profile_immediately BOOLEAN,
    ADD COLUMN IF NOT EXISTS schedule TEXT,
    ADD COLUMN IF NOT EXISTS slot_at TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS host TEXT,
    ADD COLUMN IF NOT EXISTS build TEXT,
    ADD COLUMN IF NOT EXISTS reason TEXT,
    ADD COLUMN IF NOT EXISTS error_count BIGINT;

CREATE TABLE IF NOT EXISTS discovery_run_wallets (
    id UUID PRIMARY KEY,
    run_id UUID NOT NULL REFERENCES discovery_runs (id) ON DELETE CASCADE,
    wallet_address VARCHAR(44) NOT NULL,
    source_token VARCHAR(44) NOT NULL,
    is_new BOOLEAN DEFAULT TRUE,
    initial_score NUMERIC(5, 4),
    created_at TIMESTAMPTZ DEFAULT now()
);
ALTER TABLE discovery_run_wallets ADD COLUMN IF NOT EXISTS profile JSONB;

CREATE TABLE IF NOT EXISTS discovery_run_tokens (
    id UUID PRIMARY KEY,
    run_id UUID NOT NULL REFERENCES discovery_runs (id) ON DELETE CASCADE,
    token VARCHAR(44) NOT NULL,
    symbol TEXT,
    price_change_pct DOUBLE PRECISION,
    volume_usd DOUBLE PRECISION,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS discovery_run_tokens_run ON discovery_run_tokens (run_id, id);

CREATE TABLE IF NOT EXISTS discovery_run_errors (
    id UUID PRIMARY KEY,
    run_id UUID NOT NULL REFERENCES discovery_runs (id) ON DELETE CASCADE,
    message TEXT NOT NULL,
    token TEXT,
    code TEXT,
    line BIGINT, -- of the engine's output
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS discovery_run_errors_run ON discovery_run_errors (run_id, id);

-- What became of each due time.  Its run may be recorded after it, or be deleted: no foreign key.
CREATE TABLE IF NOT EXISTS discovery_slots (
    id UUID PRIMARY KEY,
    schedule TEXT NOT NULL,
    due TIMESTAMPTZ NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    run_id UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    CONSTRAINT check_discovery_slots_outcome
        CHECK (outcome IN ('fired', 'overlap', 'paused', 'limit', 'host_down', 'refused'))
);
CREATE INDEX IF NOT EXISTS discovery_slots_schedule ON discovery_slots (schedule, due DESC);

-- How far each journal has been recorded.  One row a stream, updated by every batch: the room on
-- the page and the absence of an index on what changes keep those updates in place.
CREATE TABLE IF NOT EXISTS recorder_cursor (
    stream TEXT PRIMARY KEY,
    journal_id UUID NOT NULL UNIQUE,
    epoch BIGINT NOT NULL,  -- how often the stream was claimed
    token BIGINT NOT NULL,  -- of the instance that holds it
    seq BIGINT NOT NULL,    -- the last event that is recorded
    build TEXT,
    backend_pid INTEGER,    -- of the connection that claimed it
    claimed_at TIMESTAMPTZ
) WITH (fillfactor = 10);

-- Events that were gone from the journal before they could be recorded.
CREATE TABLE IF NOT EXISTS recorder_gaps (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Events that the tables above refuse, as the journal has them.
CREATE TABLE IF NOT EXISTS recorder_quarantine (
    stream TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind INTEGER NOT NULL,
    version INTEGER NOT NULL,
    run_id UUID NOT NULL,
    accepted_us BIGINT NOT NULL, -- microseconds since 1970
    body BYTEA NOT NULL,
    sqlstate TEXT NOT NULL,
    message TEXT NOT NULL,
    quarantined_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, seq)
);

-- Columns that were made too narrow, or of another type.
DO $widen$
DECLARE
    c RECORD;
    whole INTEGER;
    places INTEGER;
BEGIN
    FOR c IN
        SELECT a.attrelid::regclass AS tab, a.attname AS col, w.whole, w.places, w.type,
               format_type(a.atttypid, a.atttypmod) AS found, a.atttypid, a.atttypmod
        FROM (VALUES ('discovery_runs', 'min_price_change_pct', 6, 2, NULL),
                     ('discovery_runs', 'min_volume_usd', 13, 2, NULL),
                     ('discovery_runs', 'min_profit_pct', 6, 2, NULL),
                     ('discovery_runs', 'duration_seconds', 9, 3, NULL),
                     ('discovery_run_wallets', 'initial_score', 1, 4, NULL),
                     ('discovery_runs', 'max_token_age_hours', NULL, NULL, 'integer'),
                     ('discovery_runs', 'early_window_minutes', NULL, NULL, 'integer'),
                     ('discovery_runs', 'max_tokens', NULL, NULL, 'integer'),
                     ('discovery_runs', 'errors', NULL, NULL, 'jsonb'))
             AS w (tab, col, whole, places, type)
        JOIN pg_attribute a ON a.attrelid = w.tab::regclass AND a.attname = w.col
    LOOP
        IF c.type IS NOT NULL THEN
            IF c.found <> c.type THEN
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT, ALTER COLUMN %I TYPE %s '
                               'USING %I::%s', c.tab, c.col, c.col, c.type, c.col, c.type);
            END IF;
        ELSIF c.atttypid <> 'numeric'::regtype THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE NUMERIC(%s, %s) USING %I::NUMERIC',
                           c.tab, c.col, c.whole + c.places, c.places, c.col);
        ELSIF c.atttypmod <> -1 THEN
            places := (c.atttypmod - 4) & 65535;
            whole := ((c.atttypmod - 4) >> 16) - places;
            IF whole < c.whole OR places < c.places THEN
                EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE NUMERIC(%s, %s)', c.tab, c.col,
                               greatest(whole, c.whole) + greatest(places, c.places),
                               greatest(places, c.places));
            END IF;
        END IF;
    END LOOP;
    ALTER TABLE discovery_runs ALTER COLUMN errors SET DEFAULT '[]';
END
$widen$;

-- Which words a status and a trigger may be.  Narrower checks of before make room for these.
DO $check$
DECLARE
    c RECORD;
    old RECORD;
BEGIN
    FOR c IN
        SELECT * FROM (VALUES
            ('status', 'cancelled', $$status IN ('running', 'completed', 'failed', 'cancelled')$$),
            ('trigger_type', 'api', $$trigger_type IN ('manual', 'scheduled', 'api')$$))
            AS w (col, newest, rule)
    LOOP
        FOR old IN
            SELECT k.conname FROM pg_constraint k
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]
            WHERE k.conrelid = 'discovery_runs'::regclass AND k.contype = 'c' AND a.attname = c.col
              AND position(quote_literal(c.newest) IN pg_get_constraintdef(k.oid)) = 0
        LOOP
            EXECUTE format('ALTER TABLE discovery_runs DROP CONSTRAINT %I', old.conname);
        END LOOP;
        IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'discovery_runs'::regclass
                       AND conname = 'check_discovery_runs_' || c.col) THEN
            EXECUTE format('ALTER TABLE discovery_runs ADD CONSTRAINT %I CHECK (%s) NOT VALID',
                           'check_discovery_runs_' || c.col, c.rule);
        END IF;
    END LOOP;
END
$check$;

-- A run takes its wallets with it when it is deleted.
DO $cascade$
DECLARE
    old RECORD;
    found BOOLEAN := false;
BEGIN
    FOR old IN
        SELECT conname, confdeltype FROM pg_constraint
        WHERE conrelid = 'discovery_run_wallets'::regclass AND contype = 'f'
          AND confrelid = 'discovery_runs'::regclass
    LOOP
        IF old.confdeltype = 'c' THEN
            found := true;
        ELSE
            EXECUTE format('ALTER TABLE discovery_run_wallets DROP CONSTRAINT %I', old.conname);
        END IF;
    END LOOP;
    IF NOT found THEN
        ALTER TABLE discovery_run_wallets ADD CONSTRAINT discovery_run_wallets_run
            FOREIGN KEY (run_id) REFERENCES discovery_runs (id) ON DELETE CASCADE NOT VALID;
    END IF;
END
$cascade$;

-- A wallet is only ever asked for by its whole address: a hash index costs the writer much less
-- than a B-tree.  Where there is an index already, it serves.
DO $index$
DECLARE
    i RECORD;
BEGIN
    FOR i IN
        SELECT * FROM (VALUES
            ('discovery_run_wallets', 'wallet_address', 'USING hash (wallet_address)'),
            ('discovery_run_wallets', 'run_id', '(run_id)'),
            ('discovery_runs', 'status', '(status)')) AS w (tab, col, how)
        WHERE NOT EXISTS (
            SELECT FROM pg_index x
            JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
            WHERE x.indrelid = w.tab::regclass AND a.attname = w.col AND x.indpred IS NULL)
    LOOP
        EXECUTE format('CREATE INDEX ON %I %s', i.tab, i.how);
    END LOOP;
END
$index$;
CREATE INDEX IF NOT EXISTS discovery_runs_newest ON discovery_runs (started_at DESC, id DESC);

INSERT INTO schema_migrations (version, name, oldest_writer) VALUES (1, 'base', 1)
    ON CONFLICT (version) DO NOTHING;
