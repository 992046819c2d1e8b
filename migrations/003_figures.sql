-- Figures that answer questions about a million runs at once.  Triggers keep them, in the
-- transaction of whoever writes: another build, psql or the program that was here before.
-- Takes about four seconds for each hundred thousand runs that are there already.
-- By hand: psql -1 -v ON_ERROR_STOP=1 -v schema=walltrack -f 003_figures.sql

SET LOCAL client_min_messages = warning;

-- The functions below cannot name the schema themselves; they keep this path.
SET LOCAL search_path TO :"schema";

-- From here to the end nobody writes runs that would not be counted.
LOCK TABLE discovery_runs IN SHARE ROW EXCLUSIVE MODE;

-- What runs have in common.  A filter selects kinds, and runs and figures by them.
CREATE TABLE IF NOT EXISTS discovery_kinds (
    id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key UUID NOT NULL UNIQUE, -- of all that follows: so that nulls are equal
    status TEXT NOT NULL,
    has_errors BOOLEAN,       -- null: not known yet
    trigger_type TEXT NOT NULL,
    schedule TEXT,
    triggered_by TEXT,
    min_price_change_pct NUMERIC,
    min_volume_usd NUMERIC,
    max_token_age_hours INTEGER,
    early_window_minutes INTEGER,
    min_profit_pct NUMERIC,
    max_tokens INTEGER
);

ALTER TABLE discovery_runs
    ADD COLUMN IF NOT EXISTS kind INTEGER,
    ADD COLUMN IF NOT EXISTS duration_class INTEGER; -- of a run that ended

-- A run that retention has removed, for statistics: they go on counting it.
CREATE TABLE IF NOT EXISTS discovery_removed_runs (
    id UUID PRIMARY KEY,
    started_at TIMESTAMPTZ NOT NULL,
    status TEXT NOT NULL,
    kind INTEGER NOT NULL,
    duration_class INTEGER,
    duration_seconds NUMERIC,
    tokens_analyzed INTEGER,
    new_wallets INTEGER,
    updated_wallets INTEGER,
    error_count BIGINT,
    removed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- Sums over the runs that ended, by the UTC days, weeks and years in which they started.  The
-- rows of a span and kind are a tree of durations: parent -1 has the sums over all durations,
-- parent 0 one row for each first digit of the duration, and each of those is the parent of
-- one row for each second digit (discovery_duration_class).  Kind 0 is all kinds together.
CREATE TABLE IF NOT EXISTS discovery_figures (
    span TEXT NOT NULL,
    parent INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    start DATE NOT NULL,
    class INTEGER NOT NULL,
    removed BOOLEAN NOT NULL, -- of runs that retention removed
    runs BIGINT NOT NULL,
    completed BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,
    with_errors BIGINT NOT NULL,
    partial BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    new_wallets BIGINT NOT NULL,
    updated_wallets BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    timed BIGINT NOT NULL, -- runs that have a duration
    seconds NUMERIC NOT NULL,
    PRIMARY KEY (span, parent, kind, start, class, removed)
) WITH (fillfactor = 80);

-- A class holds the durations that begin with the same two digits when written in milliseconds:
-- 100 · how many digits + the first two.  So it is 1 to 10 % wide, and round limits fall between two
-- classes.
CREATE OR REPLACE FUNCTION discovery_duration_class(seconds NUMERIC) RETURNS INTEGER
LANGUAGE sql IMMUTABLE AS $class$
    SELECT length(ms) * 100 + left(ms, 2)::integer
    FROM (SELECT trunc(greatest(seconds, 0) * 1000)::numeric(30, 0)::text AS ms) m
    WHERE seconds IS NOT NULL
$class$;

-- The parent of a class: the same of the first digit, 10 · how many digits + the first.
CREATE OR REPLACE FUNCTION discovery_duration_parent(class INTEGER) RETURNS INTEGER
LANGUAGE sql IMMUTABLE AS $parent$
    SELECT class / 100 * 10 + CASE WHEN class < 200 THEN class % 100 ELSE class % 100 / 10 END
$parent$;

-- The shortest duration of a class, in seconds.
CREATE OR REPLACE FUNCTION discovery_duration_from(class INTEGER) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE AS $from$
    SELECT CASE WHEN class <= 100 THEN -1000000000000
                ELSE (class % 100) * 10::numeric ^ greatest(class / 100 - 2, 0) / 1000 END
$from$;

-- The first duration after those of a class.
CREATE OR REPLACE FUNCTION discovery_duration_to(class INTEGER) RETURNS NUMERIC
LANGUAGE sql IMMUTABLE AS $to$
    SELECT (class % 100 + 1) * 10::numeric ^ greatest(class / 100 - 2, 0) / 1000
$to$;

CREATE OR REPLACE FUNCTION discovery_error_count(errors JSONB) RETURNS BIGINT
LANGUAGE sql IMMUTABLE AS $count$
    SELECT CASE jsonb_typeof(errors) WHEN 'array' THEN jsonb_array_length(errors) ELSE 0 END
$count$;

-- The kind of a run with these properties; makes it when it is new.
CREATE OR REPLACE FUNCTION discovery_kind_of(
    of_status TEXT, of_errors BOOLEAN, of_trigger TEXT, of_schedule TEXT, of_triggered_by TEXT,
    of_price NUMERIC, of_volume NUMERIC, of_age INTEGER, of_window INTEGER, of_profit NUMERIC,
    of_tokens INTEGER)
RETURNS INTEGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $kind$
DECLARE
    wanted UUID := md5(jsonb_build_array(
        of_status, of_errors, of_trigger, of_schedule, of_triggered_by, trim_scale(of_price),
        trim_scale(of_volume), of_age, of_window, trim_scale(of_profit), of_tokens)::text)::uuid;
    found INTEGER;
BEGIN
    SELECT id INTO found FROM discovery_kinds WHERE key = wanted;
    IF found IS NULL THEN
        -- Where another transaction has just made it, this waits for that one and finds its row.
        INSERT INTO discovery_kinds AS k (key, status, has_errors, trigger_type, schedule,
                                          triggered_by, min_price_change_pct, min_volume_usd,
                                          max_token_age_hours, early_window_minutes,
                                          min_profit_pct, max_tokens)
        VALUES (wanted, of_status, of_errors, of_trigger, of_schedule, of_triggered_by, of_price,
                of_volume, of_age, of_window, of_profit, of_tokens)
        ON CONFLICT (key) DO UPDATE SET key = excluded.key
        RETURNING k.id INTO found;
    END IF;
    RETURN found;
END
$kind$;

-- ---- what a run's row says of itself ----

CREATE OR REPLACE FUNCTION discovery_runs_describe() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $describe$
BEGIN
    NEW.duration_class := NULL;
    IF NEW.status <> 'running' THEN
        NEW.error_count := coalesce(NEW.error_count, discovery_error_count(NEW.errors));
        NEW.duration_class := discovery_duration_class(NEW.duration_seconds);
    END IF;
    NEW.kind := discovery_kind_of(
        NEW.status, NEW.error_count > 0, NEW.trigger_type, NEW.schedule, NEW.triggered_by,
        NEW.min_price_change_pct, NEW.min_volume_usd, NEW.max_token_age_hours,
        NEW.early_window_minutes, NEW.min_profit_pct, NEW.max_tokens);
    RETURN NEW;
END
$describe$;

-- ---- what is there already ----

-- The table is written anew: an UPDATE would take longer, leave as much again behind, and stumble over
-- rows of the program before that the checks of today would refuse.
DO $describe$
BEGIN
    IF EXISTS (SELECT FROM discovery_runs WHERE kind IS NULL) THEN
        ALTER TABLE discovery_runs
            ALTER COLUMN error_count TYPE BIGINT USING
                CASE WHEN status = 'running' THEN error_count
                     ELSE coalesce(error_count, discovery_error_count(errors)) END,
            ALTER COLUMN duration_class TYPE INTEGER USING
                CASE WHEN status <> 'running' THEN discovery_duration_class(duration_seconds) END,
            ALTER COLUMN kind TYPE INTEGER USING discovery_kind_of(
                status,
                CASE WHEN status = 'running' THEN error_count
                     ELSE coalesce(error_count, discovery_error_count(errors)) END > 0,
                trigger_type, schedule, triggered_by, min_price_change_pct, min_volume_usd,
                max_token_age_hours, early_window_minutes, min_profit_pct, max_tokens);
    END IF;
END
$describe$;

-- ---- keeping the figures ----

DO $change$
BEGIN
    IF to_regtype('discovery_change') IS NULL THEN
        CREATE TYPE discovery_change AS (
            sign INTEGER, removed BOOLEAN, started_at TIMESTAMPTZ, kind INTEGER, class INTEGER,
            status TEXT, tokens BIGINT, new_wallets BIGINT, updated_wallets BIGINT, errors BIGINT,
            seconds NUMERIC);
    END IF;
END
$change$;

-- Adds changes to all the figures that they belong to, in the order of the key, so that two
-- transactions that each add once do not wait for each other in a circle.
CREATE OR REPLACE FUNCTION discovery_figures_add(changes discovery_change[]) RETURNS VOID
LANGUAGE plpgsql SET search_path FROM CURRENT AS $add$
BEGIN
    WITH leaf AS (
        SELECT c.removed, (c.started_at AT TIME ZONE 'UTC')::date AS day, c.kind, c.class,
               sum(c.sign) AS runs,
               sum(c.sign) FILTER (WHERE c.status = 'completed') AS completed,
               sum(c.sign) FILTER (WHERE c.status = 'failed') AS failed,
               sum(c.sign) FILTER (WHERE c.status = 'cancelled') AS cancelled,
               sum(c.sign) FILTER (WHERE c.errors > 0) AS with_errors,
               sum(c.sign) FILTER (WHERE c.errors > 0 AND c.status = 'completed') AS partial,
               sum(c.sign * c.tokens) AS tokens,
               sum(c.sign * c.new_wallets) AS new_wallets,
               sum(c.sign * c.updated_wallets) AS updated_wallets,
               sum(c.sign * c.errors) AS errors,
               sum(c.sign) FILTER (WHERE c.seconds IS NOT NULL) AS timed,
               sum(c.sign * c.seconds) AS seconds
        FROM unnest(changes) c
        GROUP BY 1, 2, 3, 4
    )
    INSERT INTO discovery_figures AS f
    SELECT s.span, t.parent, k.kind, s.start, t.class, l.removed,
           sum(l.runs), coalesce(sum(l.completed), 0), coalesce(sum(l.failed), 0),
           coalesce(sum(l.cancelled), 0), coalesce(sum(l.with_errors), 0),
           coalesce(sum(l.partial), 0), coalesce(sum(l.tokens), 0), coalesce(sum(l.new_wallets), 0),
           coalesce(sum(l.updated_wallets), 0), coalesce(sum(l.errors), 0),
           coalesce(sum(l.timed), 0), coalesce(sum(l.seconds), 0)
    FROM leaf l
    CROSS JOIN LATERAL (VALUES ('day', l.day), ('week', date_trunc('week', l.day::timestamp)::date),
                               ('year', date_trunc('year', l.day::timestamp)::date)) s (span, start)
    CROSS JOIN LATERAL (VALUES (0), (l.kind)) k (kind)
    CROSS JOIN LATERAL (VALUES (-1, 0), (0, discovery_duration_parent(l.class)),
                               (discovery_duration_parent(l.class), l.class)) t (parent, class)
    WHERE t.class IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
    ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (span, parent, kind, start, class, removed) DO UPDATE
    SET runs = f.runs + excluded.runs, completed = f.completed + excluded.completed,
        failed = f.failed + excluded.failed, cancelled = f.cancelled + excluded.cancelled,
        with_errors = f.with_errors + excluded.with_errors, partial = f.partial + excluded.partial,
        tokens = f.tokens + excluded.tokens, new_wallets = f.new_wallets + excluded.new_wallets,
        updated_wallets = f.updated_wallets + excluded.updated_wallets,
        errors = f.errors + excluded.errors, timed = f.timed + excluded.timed,
        seconds = f.seconds + excluded.seconds;
END
$add$;

-- The change that a run of that sign is; nothing while it is running.
CREATE OR REPLACE FUNCTION discovery_change_of(sign INTEGER, removed BOOLEAN, r discovery_runs)
RETURNS discovery_change
LANGUAGE sql IMMUTABLE AS $change$
    SELECT ROW(sign, removed, r.started_at, r.kind, r.duration_class, r.status, r.tokens_analyzed,
               r.new_wallets, r.updated_wallets, r.error_count, r.duration_seconds)::discovery_change
$change$;

-- Nothing to do unless a run that ended came, went or changed.
CREATE OR REPLACE FUNCTION discovery_runs_count() RETURNS TRIGGER
LANGUAGE plpgsql SET search_path FROM CURRENT AS $count$
DECLARE
    changes discovery_change[];
    removing BOOLEAN := current_setting('walltrack.removing', true) = 'on';
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM discovery_figures f WHERE NOT f.removed;
    ELSIF TG_OP = 'INSERT' THEN
        changes := ARRAY(SELECT discovery_change_of(1, false, n) FROM new_runs n
                         WHERE n.status <> 'running');
    ELSIF TG_OP = 'UPDATE' THEN
        -- What both say of a run cancels out.
        changes := ARRAY((SELECT discovery_change_of(1, false, n) FROM new_runs n
                          WHERE n.status <> 'running'
                          EXCEPT ALL
                          SELECT discovery_change_of(1, false, o) FROM old_runs o
                          WHERE o.status <> 'running')
                         UNION ALL
                         (SELECT discovery_change_of(-1, false, o) FROM old_runs o
                          WHERE o.status <> 'running'
                          EXCEPT ALL
                          SELECT discovery_change_of(-1, false, n) FROM new_runs n
                          WHERE n.status <> 'running'));
    ELSE
        changes := ARRAY(SELECT discovery_change_of(-1, false, o) FROM old_runs o
                         WHERE o.status <> 'running');
        IF removing THEN
            changes := changes || ARRAY(SELECT discovery_change_of(1, true, o) FROM old_runs o
                                        WHERE o.status <> 'running');
            INSERT INTO discovery_removed_runs (id, started_at, status, kind, duration_class,
                                                duration_seconds, tokens_analyzed, new_wallets,
                                                updated_wallets, error_count)
            SELECT o.id, o.started_at, o.status, o.kind, o.duration_class, o.duration_seconds,
                   o.tokens_analyzed, o.new_wallets, o.updated_wallets, o.error_count
            FROM old_runs o WHERE o.status <> 'running'
            ON CONFLICT (id) DO NOTHING;
        END IF;
    END IF;
    IF cardinality(changes) > 0 THEN
        PERFORM discovery_figures_add(changes);
    END IF;
    RETURN NULL;
END
$count$;

-- Counts everything again, from the rows.  Returns how many runs it counted.
CREATE OR REPLACE FUNCTION discovery_figures_recount() RETURNS BIGINT
LANGUAGE plpgsql SET search_path FROM CURRENT AS $recount$
DECLARE
    month RECORD;
    counted BIGINT := 0;
BEGIN
    LOCK TABLE discovery_runs IN SHARE ROW EXCLUSIVE MODE;
    DELETE FROM discovery_figures;
    FOR month IN
        SELECT date_trunc('month', started_at) AS start, count(*) AS runs FROM discovery_runs
        WHERE status <> 'running' GROUP BY 1
    LOOP
        PERFORM discovery_figures_add(ARRAY(
            SELECT discovery_change_of(1, false, r) FROM discovery_runs r
            WHERE r.status <> 'running' AND r.started_at >= month.start
              AND r.started_at < month.start + interval '1 month'));
        counted := counted + month.runs;
    END LOOP;
    PERFORM discovery_figures_add(ARRAY(
        SELECT ROW(1, true, r.started_at, r.kind, r.duration_class, r.status, r.tokens_analyzed,
                   r.new_wallets, r.updated_wallets, r.error_count,
                   r.duration_seconds)::discovery_change
        FROM discovery_removed_runs r));
    RETURN counted;
END
$recount$;

-- ---- asking ----

-- Every run, with those that retention removed.
CREATE OR REPLACE VIEW discovery_known_runs AS
SELECT started_at, status::text, kind, duration_class, duration_seconds, tokens_analyzed,
       new_wallets, updated_wallets, error_count, false AS removed
FROM discovery_runs
UNION ALL
SELECT started_at, status, kind, duration_class, duration_seconds, tokens_analyzed,
       new_wallets, updated_wallets, error_count, true
FROM discovery_removed_runs;

-- The kinds that a filter on status, trigger and so on selects; null: it selects all.
-- Each argument may be ''; `limits` has the least and then the most of each parameter.
CREATE OR REPLACE FUNCTION discovery_kinds_of(of_status TEXT, of_trigger TEXT, of_schedule TEXT,
                                              of_triggered_by TEXT, with_errors TEXT, limits TEXT[])
RETURNS INTEGER[]
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
SET plan_cache_mode = force_generic_plan AS $kinds$
BEGIN
    IF concat(of_status, of_trigger, of_schedule, of_triggered_by, with_errors,
              array_to_string(limits, '')) = '' THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(
        SELECT id FROM discovery_kinds k
        WHERE (of_status = '' OR k.status = of_status)
          AND (of_trigger = '' OR k.trigger_type = of_trigger)
          AND (of_schedule = '' OR k.schedule = of_schedule)
          AND (of_triggered_by = '' OR k.triggered_by = of_triggered_by)
          AND (with_errors = '' OR k.has_errors = (with_errors = 'true'))
          AND NOT EXISTS (
              SELECT FROM unnest(
                  ARRAY[k.min_price_change_pct, k.min_volume_usd, k.max_token_age_hours,
                        k.early_window_minutes, k.min_profit_pct, k.max_tokens],
                  limits[1:6], limits[7:12]) AS p (value, low, high)
              WHERE low <> '' AND (value >= low::numeric) IS NOT TRUE
                 OR high <> '' AND (value <= high::numeric) IS NOT TRUE)
        ORDER BY id);
END
$kinds$;

-- The rows of the tree of durations that classes c1 to c2 are made of, as bands of children.
CREATE OR REPLACE FUNCTION discovery_bands(c1 INTEGER, c2 INTEGER)
RETURNS TABLE (parent INTEGER, low INTEGER, high INTEGER)
LANGUAGE sql IMMUTABLE AS $bands$
    SELECT b.*
    FROM (SELECT discovery_duration_parent(c1) AS p1, discovery_duration_parent(c2) AS p2) p
    CROSS JOIN LATERAL (VALUES
        (p1, c1, CASE WHEN p1 = p2 THEN c2 ELSE 10000 END),
        (CASE WHEN p1 < p2 THEN 0 END, p1 + 1, p2 - 1),
        (CASE WHEN p1 < p2 THEN p2 END, 0, c2)) AS b (parent, low, high)
    WHERE b.parent IS NOT NULL AND b.low <= b.high AND c1 <= c2
$bands$;

-- The durations that lie within limits but not in a class that does: from `low` to before `beyond`
-- and not above `high`, which is within one class.
CREATE OR REPLACE FUNCTION discovery_durations_beside(duration_min NUMERIC, duration_max NUMERIC)
RETURNS TABLE (class INTEGER, low NUMERIC, beyond NUMERIC, high NUMERIC)
LANGUAGE sql IMMUTABLE AS $beside$
    SELECT first, duration_min, discovery_duration_to(first), coalesce(duration_max, 1000000000000)
    FROM (SELECT discovery_duration_class(duration_min) AS first) c
    WHERE duration_min > discovery_duration_from(first)
    UNION ALL
    SELECT last, greatest(discovery_duration_from(last), duration_min), 1000000000000, duration_max
    FROM (SELECT discovery_duration_class(duration_max) AS last,
                 discovery_duration_class(duration_min) AS first) c
    WHERE duration_max IS NOT NULL
      AND (duration_min IS NULL OR last > first OR duration_min = discovery_duration_from(first))
$beside$;

-- What to count for the periods between edges that follow each other: whole years, weeks and days in
-- UTC (`span`, from `first` to before `beyond`), and around the edges single runs (no span, from
-- `since` to before `until`).  Each edge is moved to the nearest day, and the runs between it and
-- that day are added to one period and taken from the other.
CREATE OR REPLACE FUNCTION discovery_pieces(edges TIMESTAMPTZ[])
RETURNS TABLE (period INTEGER, span TEXT, first DATE, beyond DATE,
               edge INTEGER, sign INTEGER, since TIMESTAMPTZ, until TIMESTAMPTZ)
LANGUAGE sql IMMUTABLE AS $pieces$
    WITH edge AS (
        SELECT i::integer AS i, edges[i] AS at, day, day AT TIME ZONE 'UTC' AS midnight
        FROM generate_series(1, cardinality(edges)) i
        CROSS JOIN LATERAL (
            SELECT date_trunc('day', (edges[i] + interval '12 hours') AT TIME ZONE 'UTC') AS day) d
    )
    SELECT a.i, x.span, x.first::date, x.beyond::date, NULL::integer, 1, NULL::timestamptz,
           NULL::timestamptz
    FROM (SELECT i, day, lead(day) OVER (ORDER BY i) AS next FROM edge) a
    CROSS JOIN LATERAL (
        SELECT date_trunc('year', day + interval '1 year' - interval '1 day') AS y1,
               date_trunc('year', next) AS y2) y
    CROSS JOIN LATERAL (VALUES (1, day, CASE WHEN y1 < y2 THEN y1 ELSE next END),
                               (2, CASE WHEN y1 < y2 THEN y2 ELSE next END, next))
                       r (side, first, beyond)
    CROSS JOIN LATERAL (
        SELECT date_trunc('week', r.first + interval '6 days') AS w1,
               date_trunc('week', r.beyond) AS w2) w
    CROSS JOIN LATERAL (VALUES ('day', r.first, CASE WHEN w1 < w2 THEN w1 ELSE r.beyond END),
                               ('week', w1, w2),
                               ('day', CASE WHEN w1 < w2 THEN w2 ELSE r.beyond END, r.beyond),
                               ('year', CASE WHEN side = 1 THEN y1 END, y2)) x (span, first, beyond)
    WHERE x.first < x.beyond
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, i, CASE WHEN at > midnight THEN 1 ELSE -1 END,
           least(at, midnight), greatest(at, midnight)
    FROM edge
    WHERE at <> midnight
$pieces$;

-- Sums over the runs in each period between two edges that follow each other, which match:
-- `kinds` (null: all), limits of the duration (null: none; only ended runs have one), a wallet
-- that they found (''; any).  Runs that are still running, which are few, are counted row by
-- row, and so are those whose duration lies between a limit and the class beside it.
CREATE OR REPLACE FUNCTION discovery_sums_between(
    edges TIMESTAMPTZ[], kinds INTEGER[], duration_min NUMERIC, duration_max NUMERIC, wallet TEXT,
    with_removed BOOLEAN)
RETURNS TABLE (
    period INTEGER, total_runs BIGINT, successful_runs BIGINT, failed_runs BIGINT,
    cancelled_runs BIGINT, running_runs BIGINT, runs_with_errors BIGINT, partial_runs BIGINT,
    tokens BIGINT, new_wallets BIGINT, updated_wallets BIGINT, errors BIGINT,
    finished_wallets BIGINT, -- of the runs that ended, new and updated
    timed BIGINT, seconds NUMERIC)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path FROM CURRENT SET jit = off SET enable_seqscan = off
SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $sums$
#variable_conflict use_column
DECLARE
    last_edge INTEGER := cardinality(edges);
    any_duration BOOLEAN := duration_min IS NULL AND duration_max IS NULL;
    kind_list INTEGER[] := coalesce(kinds, ARRAY[0]);
    min_class INTEGER := discovery_duration_class(duration_min);
    max_class INTEGER := discovery_duration_class(duration_max);
    -- The classes that lie wholly within the limits.
    c1 INTEGER := CASE WHEN duration_min IS NULL THEN 100
                  ELSE min_class + (duration_min > discovery_duration_from(min_class))::integer END;
    c2 INTEGER := coalesce(max_class - 1, 9999);
BEGIN
    IF wallet <> '' THEN
        RETURN QUERY
        SELECT e.n, count(r.id), count(*) FILTER (WHERE r.status = 'completed'),
               count(*) FILTER (WHERE r.status = 'failed'),
               count(*) FILTER (WHERE r.status = 'cancelled'),
               count(*) FILTER (WHERE r.status = 'running'),
               count(*) FILTER (WHERE r.error_count > 0),
               count(*) FILTER (WHERE r.error_count > 0 AND r.status = 'completed'),
               coalesce(sum(r.tokens_analyzed), 0)::bigint, coalesce(sum(r.new_wallets), 0)::bigint,
               coalesce(sum(r.updated_wallets), 0)::bigint, coalesce(sum(r.error_count), 0)::bigint,
               coalesce(sum(coalesce(r.new_wallets, 0) + coalesce(r.updated_wallets, 0))
                        FILTER (WHERE r.status <> 'running'), 0)::bigint,
               count(r.duration_seconds) FILTER (WHERE r.status <> 'running'),
               coalesce(sum(r.duration_seconds) FILTER (WHERE r.status <> 'running'), 0)
        FROM generate_series(1, last_edge - 1) e (n)
        LEFT JOIN (
            SELECT d.* FROM discovery_runs d
            WHERE d.id = ANY (ARRAY(SELECT w.run_id FROM discovery_run_wallets w
                                    WHERE w.wallet_address = wallet))) r
            ON width_bucket(r.started_at, edges) = e.n
               AND (kinds IS NULL OR r.kind = ANY (kinds))
               AND (any_duration OR r.status <> 'running')
               AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
               AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
        GROUP BY e.n;
        RETURN;
    END IF;
    RETURN QUERY
    WITH piece AS MATERIALIZED (
        SELECT * FROM discovery_pieces(edges)
    ), part AS (
        SELECT p.period, f.*
        FROM piece p
        CROSS JOIN (SELECT -1, 0, 0 WHERE any_duration
                    UNION ALL SELECT * FROM discovery_bands(c1, c2) WHERE NOT any_duration)
                   AS b (parent, low, high)
        CROSS JOIN LATERAL (
            SELECT sum(f.runs) AS runs, sum(f.completed) AS completed, sum(f.failed) AS failed,
                   sum(f.cancelled) AS cancelled, 0 AS running, sum(f.with_errors) AS with_errors,
                   sum(f.partial) AS partial, sum(f.tokens) AS tokens, sum(f.new_wallets) AS new,
                   sum(f.updated_wallets) AS updated, sum(f.errors) AS errors,
                   sum(f.new_wallets + f.updated_wallets) AS finished, sum(f.timed) AS timed,
                   sum(f.seconds) AS seconds
            FROM discovery_figures f
            WHERE f.span = p.span AND f.parent = b.parent AND f.kind = ANY (kind_list)
              AND f.start >= p.first AND f.start < p.beyond AND f.class BETWEEN b.low AND b.high
              AND (with_removed OR NOT f.removed)) f
        WHERE p.span IS NOT NULL
        UNION ALL
        SELECT t.period, t.sign * runs, t.sign * completed, t.sign * failed, t.sign * cancelled, 0,
               t.sign * with_errors, t.sign * partial, t.sign * s.tokens, t.sign * new,
               t.sign * updated, t.sign * s.errors, t.sign * finished, t.sign * s.timed,
               t.sign * s.seconds
        FROM piece p
        CROSS JOIN LATERAL (
            SELECT count(*) AS runs,
                   count(*) FILTER (WHERE status = 'completed') AS completed,
                   count(*) FILTER (WHERE status = 'failed') AS failed,
                   count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                   count(*) FILTER (WHERE error_count > 0) AS with_errors,
                   count(*) FILTER (WHERE error_count > 0 AND status = 'completed') AS partial,
                   sum(tokens_analyzed) AS tokens, sum(new_wallets) AS new,
                   sum(updated_wallets) AS updated, sum(error_count) AS errors,
                   sum(coalesce(new_wallets, 0) + coalesce(updated_wallets, 0)) AS finished,
                   count(duration_seconds) AS timed, sum(duration_seconds) AS seconds
            FROM discovery_known_runs r
            WHERE r.status <> 'running' AND r.started_at >= p.since AND r.started_at < p.until
              AND (with_removed OR NOT r.removed)
              AND (kinds IS NULL OR r.kind = ANY (kinds))
              AND (any_duration OR r.duration_class BETWEEN c1 AND c2)) s
        CROSS JOIN LATERAL (VALUES (p.edge - 1, p.sign), (p.edge, -p.sign)) t (period, sign)
        WHERE p.edge IS NOT NULL
        UNION ALL
        SELECT width_bucket(r.started_at, edges), count(*),
               count(*) FILTER (WHERE status = 'completed'),
               count(*) FILTER (WHERE status = 'failed'),
               count(*) FILTER (WHERE status = 'cancelled'), 0,
               count(*) FILTER (WHERE error_count > 0),
               count(*) FILTER (WHERE error_count > 0 AND status = 'completed'),
               sum(tokens_analyzed), sum(new_wallets), sum(updated_wallets), sum(error_count),
               sum(coalesce(new_wallets, 0) + coalesce(updated_wallets, 0)),
               count(*), sum(duration_seconds)
        FROM discovery_durations_beside(duration_min, duration_max) v
        CROSS JOIN LATERAL (
            SELECT * FROM discovery_known_runs d
            WHERE d.status <> 'running'
              AND d.duration_seconds >= v.low AND d.duration_seconds < v.beyond
              AND d.duration_seconds <= v.high
              AND width_bucket(d.started_at, edges) BETWEEN 1 AND last_edge - 1
              AND (with_removed OR NOT d.removed)
              AND (kinds IS NULL OR d.kind = ANY (kinds))) r
        WHERE NOT any_duration
        GROUP BY 1
        UNION ALL
        SELECT width_bucket(r.started_at, edges), count(*), 0, 0, 0, count(*),
               count(*) FILTER (WHERE r.error_count > 0), 0, sum(r.tokens_analyzed),
               sum(r.new_wallets), sum(r.updated_wallets), sum(r.error_count), 0, 0, 0
        FROM discovery_runs r
        WHERE r.status = 'running' AND any_duration
          AND r.started_at >= edges[1] AND r.started_at < edges[last_edge]
          AND (kinds IS NULL OR r.kind = ANY (kinds))
        GROUP BY 1
    )
    SELECT g.n, coalesce(sum(runs), 0)::bigint, coalesce(sum(completed), 0)::bigint,
           coalesce(sum(failed), 0)::bigint, coalesce(sum(cancelled), 0)::bigint,
           coalesce(sum(running), 0)::bigint, coalesce(sum(with_errors), 0)::bigint,
           coalesce(sum(partial), 0)::bigint, coalesce(sum(p.tokens), 0)::bigint,
           coalesce(sum(new), 0)::bigint, coalesce(sum(updated), 0)::bigint,
           coalesce(sum(p.errors), 0)::bigint, coalesce(sum(finished), 0)::bigint,
           coalesce(sum(p.timed), 0)::bigint, coalesce(sum(p.seconds), 0)
    FROM generate_series(1, last_edge - 1) g (n)
    LEFT JOIN part p ON p.period = g.n
    GROUP BY g.n;
END
$sums$;

-- The percentiles of the durations of the same runs, exactly as percentile_cont has them.
-- One is searched for in the tree of durations down to one class, and then in the rows of that class.
CREATE OR REPLACE FUNCTION discovery_percentiles_between(
    edges TIMESTAMPTZ[], kinds INTEGER[], duration_min NUMERIC, duration_max NUMERIC, wallet TEXT,
    with_removed BOOLEAN)
RETURNS TABLE (period INTEGER, median DOUBLE PRECISION, p90 DOUBLE PRECISION, p99 DOUBLE PRECISION)
LANGUAGE plpgsql STABLE ROWS 50 SET search_path FROM CURRENT SET jit = off SET enable_seqscan = off
SET enable_bitmapscan = off SET enable_sort = off SET enable_nestloop = off
SET plan_cache_mode = force_generic_plan AS $percentiles$
#variable_conflict use_column
DECLARE
    last_edge INTEGER := cardinality(edges);
    any_duration BOOLEAN := duration_min IS NULL AND duration_max IS NULL;
    kind_list INTEGER[] := coalesce(kinds, ARRAY[0]);
    min_class INTEGER := discovery_duration_class(duration_min);
    max_class INTEGER := discovery_duration_class(duration_max);
    -- The classes that lie wholly within the limits, and the parents that do.
    c1 INTEGER := CASE WHEN duration_min IS NULL THEN 100
                  ELSE min_class + (duration_min > discovery_duration_from(min_class))::integer END;
    c2 INTEGER := coalesce(max_class - 1, 9999);
    p1 INTEGER := CASE WHEN any_duration THEN 0 ELSE discovery_duration_parent(c1) + 1 END;
    p2 INTEGER := CASE WHEN any_duration THEN 10000 ELSE discovery_duration_parent(c2) - 1 END;
BEGIN
    IF wallet <> '' THEN
        RETURN QUERY
        SELECT width_bucket(r.started_at, edges),
               percentile_cont(0.5) WITHIN GROUP (ORDER BY r.duration_seconds),
               percentile_cont(0.9) WITHIN GROUP (ORDER BY r.duration_seconds),
               percentile_cont(0.99) WITHIN GROUP (ORDER BY r.duration_seconds)
        FROM discovery_runs r
        WHERE r.id = ANY (ARRAY(SELECT w.run_id FROM discovery_run_wallets w
                                WHERE w.wallet_address = wallet))
          AND r.status <> 'running' AND (kinds IS NULL OR r.kind = ANY (kinds))
          AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
          AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
        GROUP BY 1;
        RETURN;
    END IF;
    RETURN QUERY
    WITH piece AS MATERIALIZED (
        SELECT * FROM discovery_pieces(edges)
    ), near AS MATERIALIZED (
        SELECT p.edge, p.sign, discovery_duration_parent(r.class) AS parent, r.class, r.runs
        FROM piece p
        CROSS JOIN LATERAL (
            SELECT d.duration_class AS class, count(*) AS runs
            FROM discovery_known_runs d
            WHERE d.status <> 'running' AND d.started_at >= p.since AND d.started_at < p.until
              AND (with_removed OR NOT d.removed)
              AND (kinds IS NULL OR d.kind = ANY (kinds))
              AND d.duration_class + 0 BETWEEN c1 AND c2 -- not by that index
            GROUP BY 1) r
        WHERE p.edge IS NOT NULL
    ),
    -- How many runs each row of the tree has; `place` orders rows of both levels.
    item AS (
        SELECT period, parent, class, sum(runs)::bigint AS runs,
               CASE WHEN parent <> 0 THEN class WHEN class < 20 THEN 100 + class % 10
                    ELSE class / 10 * 100 + class % 10 * 10 END AS place
        FROM (
            SELECT p.period, b.parent, f.class, f.runs
            FROM piece p
            CROSS JOIN (SELECT 0, 0, 10000 WHERE any_duration
                        UNION ALL SELECT * FROM discovery_bands(c1, c2) WHERE NOT any_duration)
                       AS b (parent, low, high)
            CROSS JOIN LATERAL (
                SELECT f.class, f.runs FROM discovery_figures f
                WHERE f.span = p.span AND f.parent = b.parent AND f.kind = ANY (kind_list)
                  AND f.start >= p.first AND f.start < p.beyond
                  AND f.class BETWEEN b.low AND b.high AND (with_removed OR NOT f.removed)
                OFFSET 0) f
            WHERE p.span IS NOT NULL
            UNION ALL
            SELECT t.period, n.parent, n.class, t.sign * n.runs
            FROM (SELECT edge, sign, CASE WHEN parent BETWEEN p1 AND p2 THEN 0 ELSE parent END AS parent,
                         CASE WHEN parent BETWEEN p1 AND p2 THEN parent ELSE class END AS class,
                         sum(runs)::bigint AS runs
                  FROM near
                  GROUP BY 1, 2, 3, 4) n
            CROSS JOIN LATERAL (VALUES (n.edge - 1, n.sign), (n.edge, -n.sign)) t (period, sign)
            WHERE t.period BETWEEN 1 AND last_edge - 1
            UNION ALL
            SELECT r.period, discovery_duration_parent(v.class), v.class, r.runs
            FROM discovery_durations_beside(duration_min, duration_max) v
            CROSS JOIN LATERAL (
                SELECT width_bucket(d.started_at, edges) AS period, count(*) AS runs
                FROM discovery_known_runs d
                WHERE d.status <> 'running'
                  AND d.duration_seconds >= v.low AND d.duration_seconds < v.beyond
                  AND d.duration_seconds <= v.high
                  AND width_bucket(d.started_at, edges) BETWEEN 1 AND last_edge - 1
                  AND (with_removed OR NOT d.removed)
                  AND (kinds IS NULL OR d.kind = ANY (kinds))
                GROUP BY 1) r
            WHERE NOT any_duration) u
        GROUP BY period, parent, class
        HAVING sum(runs) > 0
    ), placed AS MATERIALIZED (
        SELECT *, (sum(runs) OVER (PARTITION BY period ORDER BY place))::bigint - runs AS before
        FROM item
    ), wanted AS MATERIALIZED (
        SELECT t.period, q.q, q.q * (t.runs - 1)::double precision AS rank
        FROM (SELECT period, sum(runs) AS runs FROM placed GROUP BY period) t
        CROSS JOIN (VALUES (0.5::double precision), (0.9), (0.99)) q (q)
    ), hit AS MATERIALIZED (
        SELECT w.period, w.q, w.position, i.parent, i.class, w.position - i.before AS k, i.runs
        FROM (SELECT DISTINCT period, q, x::bigint AS position FROM wanted
              CROSS JOIN LATERAL (VALUES (floor(rank)), (ceil(rank))) v (x)) w
        JOIN placed i
            ON i.period = w.period AND w.position >= i.before AND w.position < i.before + i.runs
    ), child AS MATERIALIZED (
        SELECT period, parent, class, sum(runs)::bigint AS runs,
               (sum(sum(runs)) OVER (PARTITION BY period, parent ORDER BY class) - sum(runs))::bigint
                   AS before
        FROM (
            SELECT h.period, h.class AS parent, f.class, f.runs
            FROM (SELECT DISTINCT period, class FROM hit WHERE parent = 0) h
            JOIN piece p ON p.period = h.period
            CROSS JOIN LATERAL (
                SELECT f.class, f.runs FROM discovery_figures f
                WHERE f.span = p.span AND f.parent = h.class AND f.kind = ANY (kind_list)
                  AND f.start >= p.first AND f.start < p.beyond AND (with_removed OR NOT f.removed)
                OFFSET 0) f
            UNION ALL
            SELECT h.period, n.parent, n.class, h.sign * n.sign * n.runs
            FROM (SELECT DISTINCT period, class, edge, sign FROM hit
                  CROSS JOIN LATERAL (VALUES (period, -1), (period + 1, 1)) t (edge, sign)
                  WHERE parent = 0) h
            JOIN near n ON n.edge = h.edge AND n.parent = h.class) u
        GROUP BY period, parent, class
        HAVING sum(runs) > 0
    ), leaf AS MATERIALIZED (
        SELECT u.*, edges[period] AS since, edges[period + 1] AS until
        FROM (
            SELECT period, q, position, class, k, runs FROM hit WHERE parent <> 0
            UNION ALL
            SELECT h.period, h.q, h.position, c.class, h.k - c.before, c.runs
            FROM hit h
            JOIN child c
                ON c.period = h.period AND c.parent = h.class
                   AND h.k >= c.before AND h.k < c.before + c.runs
            WHERE h.parent = 0) u
    ), value AS MATERIALIZED (
        -- A class of few rows is read once for all its places, of many up to each place from the end
        -- that is nearer.
        SELECT l.period, l.qs[u] AS q, l.positions[u] AS position,
               r.sorted[l.ks[u] + 1]::double precision AS value
        FROM (SELECT period, class, since, until, array_agg(q) AS qs,
                     array_agg(position) AS positions, array_agg(k) AS ks
              FROM leaf WHERE runs <= 2000 GROUP BY period, class, since, until) l
        CROSS JOIN LATERAL (
            SELECT array_agg(seconds ORDER BY seconds) AS sorted
            FROM (SELECT d.duration_seconds AS seconds
                  FROM discovery_known_runs d
                  WHERE kinds IS NULL AND d.status <> 'running' AND d.duration_class = l.class
                    AND d.started_at >= l.since AND d.started_at < l.until
                    AND (with_removed OR NOT d.removed)
                  UNION ALL
                  SELECT d.seconds
                  FROM unnest(kinds) k (kind)
                  CROSS JOIN LATERAL (
                      SELECT d.duration_seconds AS seconds
                      FROM discovery_known_runs d
                      WHERE d.status <> 'running' AND d.kind = k.kind
                        AND d.duration_class = l.class
                        AND d.started_at >= l.since AND d.started_at < l.until
                        AND (with_removed OR NOT d.removed)
                      OFFSET 0) d) d
            WHERE (duration_min IS NULL OR seconds >= duration_min)
              AND (duration_max IS NULL OR seconds <= duration_max)) r
        CROSS JOIN LATERAL generate_subscripts(l.ks, 1) u
        UNION ALL
        SELECT l.period, l.q, l.position + (r.i - 1), r.value
        FROM (SELECT period, q, class, since, until, min(k) AS skip,
                     min(position) AS position, count(*) AS n, greatest(discovery_duration_from(class), duration_min) AS low,
                     discovery_duration_to(class) AS beyond
              FROM leaf WHERE runs > 2000 AND k < runs / 2
              GROUP BY period, q, class, since, until) l
        CROSS JOIN LATERAL (
            SELECT row_number() OVER () AS i, d.seconds::double precision AS value
            FROM (SELECT d.duration_seconds AS seconds
                  FROM discovery_known_runs d
                  WHERE d.status <> 'running'
                    AND d.duration_seconds >= l.low AND d.duration_seconds < l.beyond
                    AND (duration_max IS NULL OR d.duration_seconds <= duration_max)
                    AND d.started_at >= l.since AND d.started_at < l.until
                    AND (with_removed OR NOT d.removed)
                    AND (kinds IS NULL OR d.kind = ANY (kinds))
                  ORDER BY d.duration_seconds
                  OFFSET l.skip LIMIT l.n) d) r
        UNION ALL
        SELECT l.period, l.q, l.position - (r.i - 1), r.value
        FROM (SELECT period, q, class, since, until, max(runs) - 1 - max(k) AS skip,
                     max(position) AS position, count(*) AS n, greatest(discovery_duration_from(class), duration_min) AS low,
                     discovery_duration_to(class) AS beyond
              FROM leaf WHERE runs > 2000 AND k >= runs / 2
              GROUP BY period, q, class, since, until) l
        CROSS JOIN LATERAL (
            SELECT row_number() OVER () AS i, d.seconds::double precision AS value
            FROM (SELECT d.duration_seconds AS seconds
                  FROM discovery_known_runs d
                  WHERE d.status <> 'running'
                    AND d.duration_seconds >= l.low AND d.duration_seconds < l.beyond
                    AND (duration_max IS NULL OR d.duration_seconds <= duration_max)
                    AND d.started_at >= l.since AND d.started_at < l.until
                    AND (with_removed OR NOT d.removed)
                    AND (kinds IS NULL OR d.kind = ANY (kinds))
                  ORDER BY d.duration_seconds DESC
                  OFFSET l.skip LIMIT l.n) d) r
    )
    SELECT w.period, max(v.value) FILTER (WHERE w.q = 0.5), max(v.value) FILTER (WHERE w.q = 0.9),
           max(v.value) FILTER (WHERE w.q = 0.99)
    FROM wanted w
    JOIN value a ON a.period = w.period AND a.q = w.q AND a.position = floor(w.rank)::bigint
    JOIN value b ON b.period = w.period AND b.q = w.q AND b.position = ceil(w.rank)::bigint
    CROSS JOIN LATERAL (
        SELECT a.value + (b.value - a.value) * (w.rank - floor(w.rank)) AS value) v
    GROUP BY w.period;
END
$percentiles$;

-- Both.
CREATE OR REPLACE FUNCTION discovery_figures_between(
    edges TIMESTAMPTZ[], kinds INTEGER[], duration_min NUMERIC, duration_max NUMERIC, wallet TEXT,
    with_removed BOOLEAN)
RETURNS TABLE (
    period INTEGER, total_runs BIGINT, successful_runs BIGINT, failed_runs BIGINT,
    cancelled_runs BIGINT, running_runs BIGINT, runs_with_errors BIGINT, partial_runs BIGINT,
    tokens BIGINT, new_wallets BIGINT, updated_wallets BIGINT, errors BIGINT,
    finished_wallets BIGINT, timed BIGINT, seconds NUMERIC, median DOUBLE PRECISION,
    p90 DOUBLE PRECISION, p99 DOUBLE PRECISION)
LANGUAGE sql STABLE ROWS 50 SET search_path FROM CURRENT AS $figures$
    SELECT s.*, p.median, p.p90, p.p99
    FROM discovery_sums_between(edges, kinds, duration_min, duration_max, wallet, with_removed) s
    LEFT JOIN discovery_percentiles_between(edges, kinds, duration_min, duration_max, wallet,
                                            with_removed) p ON p.period = s.period
$figures$;

-- How far to go for the run at place `skip` (0: the newest) of those that match: all runs before
-- `until` but for `skip` of them.  Year, week and day are found by the figures.
CREATE OR REPLACE FUNCTION discovery_skip(
    INOUT skip BIGINT, kinds INTEGER[], since TIMESTAMPTZ, INOUT until TIMESTAMPTZ,
    duration_min NUMERIC, duration_max NUMERIC)
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
SET plan_cache_mode = force_generic_plan AS $skip$
DECLARE
    span TEXT;
    edges TIMESTAMPTZ[];
    found RECORD;
BEGIN
    SELECT greatest(since, started_at) INTO since FROM discovery_runs ORDER BY started_at, id LIMIT 1;
    SELECT least(until, started_at + interval '1 microsecond') INTO until
    FROM discovery_runs ORDER BY started_at DESC, id DESC LIMIT 1;
    FOREACH span IN ARRAY ARRAY['year', 'week', 'day'] LOOP
        edges := ARRAY(
            SELECT since WHERE since < until
            UNION
            SELECT g AT TIME ZONE 'UTC'
            FROM generate_series(date_trunc(span, since AT TIME ZONE 'UTC'),
                                 until AT TIME ZONE 'UTC', ('1 ' || span)::interval) g
            WHERE g AT TIME ZONE 'UTC' > since AND g AT TIME ZONE 'UTC' < until
            UNION
            SELECT until WHERE since < until
            ORDER BY 1);
        EXIT WHEN cardinality(edges) < 2;
        SELECT f.period, f.newer INTO found
        FROM (SELECT period, total_runs,
                     sum(total_runs) OVER (ORDER BY period DESC) - total_runs AS newer
              FROM discovery_sums_between(edges, kinds, duration_min, duration_max, '', false)) f
        WHERE f.newer + f.total_runs > skip
        ORDER BY f.period DESC
        LIMIT 1;
        IF found.period IS NULL THEN -- beyond the last
            until := since;
            EXIT;
        END IF;
        since := edges[found.period];
        until := edges[found.period + 1];
        skip := skip - found.newer;
    END LOOP;
END
$skip$;

-- The runs that match and began before a place (before_at, before_id: null for none), newest first,
-- without the first `skip`.
CREATE OR REPLACE FUNCTION discovery_page(
    kinds INTEGER[], since TIMESTAMPTZ, until TIMESTAMPTZ, duration_min NUMERIC, duration_max NUMERIC,
    wallet TEXT, before_at TIMESTAMPTZ, before_id UUID, skip BIGINT, size BIGINT)
RETURNS TABLE (place BIGINT, id UUID, started_at TIMESTAMPTZ)
LANGUAGE plpgsql STABLE ROWS 20 SET search_path FROM CURRENT SET jit = off SET enable_seqscan = off
SET enable_bitmapscan = off SET plan_cache_mode = force_generic_plan AS $page$
#variable_conflict use_column
DECLARE
    any_duration BOOLEAN := duration_min IS NULL AND duration_max IS NULL;
    few BOOLEAN := false;   -- runs of these kinds
    dense BOOLEAN := false; -- matching runs in the days before the place
BEGIN
    IF skip > 500 AND wallet = '' THEN
        SELECT s.skip, s.until INTO skip, until
        FROM discovery_skip(skip, kinds, since, until, duration_min, duration_max) s;
    END IF;
    -- One limit, not two: of two the index would use only one.
    IF before_at IS NULL OR before_at >= until THEN
        before_at := until;
        before_id := '00000000-0000-0000-0000-000000000000';
    END IF;
    IF kinds IS NOT NULL AND NOT any_duration THEN
        few := coalesce((SELECT sum(f.runs) FROM discovery_figures f
                         WHERE f.span = 'year' AND f.parent = -1 AND f.kind = ANY (kinds)), 0) < 5000;
    END IF;
    IF NOT any_duration THEN
        dense := (
            SELECT sum(f.runs) >= skip + size
            FROM (SELECT (least(before_at, max(r.started_at)) AT TIME ZONE 'UTC')::date AS day
                  FROM discovery_runs r) d
            CROSS JOIN discovery_figures f
            WHERE f.span = 'day' AND f.parent = 0 AND f.kind = ANY (coalesce(kinds, ARRAY[0]))
              AND f.start >= d.day - 2 AND f.start < d.day AND NOT f.removed
              AND f.class > coalesce(discovery_duration_parent(
                                         discovery_duration_class(duration_min)), 0)
              AND f.class < coalesce(discovery_duration_parent(
                                         discovery_duration_class(duration_max)), 10000));
    END IF;
    IF wallet <> '' THEN
        RETURN QUERY
        SELECT row_number() OVER (ORDER BY r.started_at DESC, r.id DESC), r.id, r.started_at
        FROM (SELECT r.id, r.started_at FROM discovery_runs r
              WHERE r.id = ANY (ARRAY(SELECT w.run_id FROM discovery_run_wallets w
                                      WHERE w.wallet_address = wallet))
                AND r.started_at >= since
                AND (r.started_at, r.id) < (before_at, before_id)
                AND (kinds IS NULL OR r.kind = ANY (kinds))
                AND (any_duration OR r.status <> 'running')
                AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
                AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
              ORDER BY r.started_at DESC, r.id DESC OFFSET skip LIMIT size) r;
    ELSIF dense OR kinds IS NULL AND any_duration THEN
        RETURN QUERY
        SELECT row_number() OVER (), r.id, r.started_at
        FROM (SELECT r.id, r.started_at FROM discovery_runs r
              WHERE r.started_at >= since
                AND (r.started_at, r.id) < (before_at, before_id)
                AND (kinds IS NULL OR r.kind = ANY (kinds))
                AND (any_duration OR r.status <> 'running')
                AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
                AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
              ORDER BY r.started_at DESC, r.id DESC OFFSET skip LIMIT size) r;
    ELSIF any_duration OR few THEN
        RETURN QUERY
        SELECT row_number() OVER (), r.id, r.started_at
        FROM (SELECT r.id, r.started_at
              FROM unnest(kinds) k (kind)
              CROSS JOIN LATERAL (
                  SELECT r.id, r.started_at FROM discovery_runs r
                  WHERE r.kind = k.kind AND r.started_at >= since
                    AND (r.started_at, r.id) < (before_at, before_id)
                    AND (any_duration OR r.status <> 'running')
                    AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
                    AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
                  ORDER BY r.started_at DESC, r.id DESC LIMIT skip + size) r
              ORDER BY r.started_at DESC, r.id DESC OFFSET skip LIMIT size) r;
    ELSE
        RETURN QUERY
        SELECT row_number() OVER (), r.id, r.started_at
        FROM (SELECT r.id, r.started_at
              FROM (SELECT DISTINCT f.class FROM discovery_figures f
                    WHERE f.span = 'year' AND f.kind = 0
                      AND f.parent BETWEEN 1 AND 10000
                      AND f.class BETWEEN coalesce(discovery_duration_class(duration_min), 0)
                                  AND coalesce(discovery_duration_class(duration_max), 10000)) c
              CROSS JOIN LATERAL (
                  SELECT r.id, r.started_at FROM discovery_runs r
                  WHERE r.duration_class = c.class AND r.status <> 'running'
                    AND r.started_at >= since
                    AND (r.started_at, r.id) < (before_at, before_id)
                    AND (kinds IS NULL OR r.kind = ANY (kinds))
                    AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
                    AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
                  ORDER BY r.started_at DESC, r.id DESC LIMIT skip + size) r
              ORDER BY r.started_at DESC, r.id DESC OFFSET skip LIMIT size) r;
    END IF;
END
$page$;

-- When the newest of the runs that match began, of those that retention removed, too; or null.
CREATE OR REPLACE FUNCTION discovery_last_run(
    kinds INTEGER[], since TIMESTAMPTZ, until TIMESTAMPTZ, duration_min NUMERIC, duration_max NUMERIC,
    wallet TEXT)
RETURNS TIMESTAMPTZ
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $last$
DECLARE
    last TIMESTAMPTZ;
BEGIN
    SELECT started_at INTO last
    FROM discovery_page(kinds, since, until, duration_min, duration_max, wallet, NULL, NULL, 0, 1);
    IF wallet = '' THEN
        RETURN greatest(last, (
            SELECT r.started_at FROM discovery_removed_runs r
            WHERE r.started_at >= greatest(since, last) AND r.started_at < until
              AND (kinds IS NULL OR r.kind = ANY (kinds))
              AND (duration_min IS NULL OR r.duration_seconds >= duration_min)
              AND (duration_max IS NULL OR r.duration_seconds <= duration_max)
            ORDER BY r.started_at DESC LIMIT 1));
    END IF;
    RETURN last;
END
$last$;

-- The wallets of such runs, in the order of the runs and then of discovery, after a place.
CREATE OR REPLACE FUNCTION discovery_wallets_page(
    kinds INTEGER[], since TIMESTAMPTZ, until TIMESTAMPTZ, duration_min NUMERIC, duration_max NUMERIC,
    wallet TEXT, after_at TIMESTAMPTZ, after_run UUID, after_id UUID, size BIGINT)
RETURNS TABLE (place BIGINT, started_at TIMESTAMPTZ, id UUID)
LANGUAGE plpgsql STABLE ROWS 100 SET search_path FROM CURRENT SET jit = off
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $wallets$
#variable_conflict use_column
DECLARE
    run RECORD;
    found RECORD;
    runs INTEGER;
BEGIN
    place := 0;
    -- What is left of the run that the last page ended in.
    IF after_id IS NOT NULL THEN
        FOR found IN SELECT w.id FROM discovery_run_wallets w
                     WHERE w.run_id = after_run AND w.id > after_id ORDER BY w.id LIMIT size LOOP
            place := place + 1;
            started_at := after_at;
            id := found.id;
            RETURN NEXT;
        END LOOP;
    END IF;
    LOOP
        runs := 0;
        FOR run IN SELECT * FROM discovery_page(kinds, since, until, duration_min, duration_max, wallet,
                                                after_at, after_run, 0, 100) p ORDER BY p.place LOOP
            EXIT WHEN place >= size;
            FOR found IN SELECT w.id FROM discovery_run_wallets w
                         WHERE w.run_id = run.id ORDER BY w.id LIMIT size - place LOOP
                place := place + 1;
                started_at := run.started_at;
                id := found.id;
                RETURN NEXT;
            END LOOP;
            runs := runs + 1;
            after_at := run.started_at;
            after_run := run.id;
        END LOOP;
        EXIT WHEN runs < 100 OR place >= size;
    END LOOP;
END
$wallets$;

-- ---- finding runs, and counting those that are there ----

CREATE INDEX IF NOT EXISTS discovery_runs_kind
    ON discovery_runs (kind, started_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS discovery_runs_class
    ON discovery_runs (duration_class, started_at DESC, id DESC) INCLUDE (duration_seconds, kind)
    WHERE status <> 'running';
CREATE INDEX IF NOT EXISTS discovery_runs_kind_class
    ON discovery_runs (kind, duration_class, started_at) INCLUDE (duration_seconds)
    WHERE status <> 'running';
CREATE INDEX IF NOT EXISTS discovery_runs_duration
    ON discovery_runs (duration_seconds)
    INCLUDE (started_at, kind, status, tokens_analyzed, new_wallets, updated_wallets, error_count,
             duration_class)
    WHERE status <> 'running';
CREATE INDEX IF NOT EXISTS discovery_runs_running
    ON discovery_runs (started_at) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS discovery_removed_runs_newest ON discovery_removed_runs (started_at);
CREATE INDEX IF NOT EXISTS discovery_removed_runs_kind
    ON discovery_removed_runs (kind, duration_class, started_at) INCLUDE (duration_seconds);
CREATE INDEX IF NOT EXISTS discovery_removed_runs_class
    ON discovery_removed_runs (duration_class, started_at) INCLUDE (duration_seconds, kind);
CREATE INDEX IF NOT EXISTS discovery_removed_runs_duration
    ON discovery_removed_runs (duration_seconds) INCLUDE (started_at, kind);

DO $count$
BEGIN
    PERFORM discovery_figures_recount();
END
$count$;

-- ---- from now on ----

DROP TRIGGER IF EXISTS discovery_runs_describe ON discovery_runs;
CREATE TRIGGER discovery_runs_describe
    BEFORE INSERT OR UPDATE OF status, trigger_type, schedule, triggered_by, min_price_change_pct,
        min_volume_usd, max_token_age_hours, early_window_minutes, min_profit_pct, max_tokens,
        error_count, errors, duration_seconds, kind, duration_class
    ON discovery_runs
    FOR EACH ROW EXECUTE FUNCTION discovery_runs_describe();

DROP TRIGGER IF EXISTS discovery_runs_count_new ON discovery_runs;
CREATE TRIGGER discovery_runs_count_new AFTER INSERT ON discovery_runs
    REFERENCING NEW TABLE AS new_runs
    FOR EACH STATEMENT EXECUTE FUNCTION discovery_runs_count();
DROP TRIGGER IF EXISTS discovery_runs_count_changed ON discovery_runs;
CREATE TRIGGER discovery_runs_count_changed AFTER UPDATE ON discovery_runs
    REFERENCING OLD TABLE AS old_runs NEW TABLE AS new_runs
    FOR EACH STATEMENT EXECUTE FUNCTION discovery_runs_count();
DROP TRIGGER IF EXISTS discovery_runs_count_gone ON discovery_runs;
CREATE TRIGGER discovery_runs_count_gone AFTER DELETE ON discovery_runs
    REFERENCING OLD TABLE AS old_runs
    FOR EACH STATEMENT EXECUTE FUNCTION discovery_runs_count();
DROP TRIGGER IF EXISTS discovery_runs_count_all_gone ON discovery_runs;
CREATE TRIGGER discovery_runs_count_all_gone AFTER TRUNCATE ON discovery_runs
    FOR EACH STATEMENT EXECUTE FUNCTION discovery_runs_count();

INSERT INTO schema_migrations (version, name, oldest_writer) VALUES (3, 'figures', 1)
    ON CONFLICT (version) DO NOTHING;
