/* Happy path: the usual claim (sql/claim_usual.sql), when the schema was complete before.  Where
 * that finds something unusual, or its commit is in doubt, and whenever the schema was not
 * complete, the long way, step by step and with a commit that waits for the disk:
 *
 *   begin and lock → wait for the holder before → read the migrations → apply and note each missing
 *   one → make the cursor row if there is none → lock it → take it → note a gap if there is one →
 *   commit
 *
 * The holder's last transaction has the cursor's row first and comes to other tables later: a
 * migration that locked those tables before the row would end in a deadlock.
 *
 * Failure: the first error counts; the transaction ends with the connection.  If it was the wait
 * for the row's lock that failed, the backend that claimed the row last is ended, when it is one of
 * ours and holds the row still; the next instance then gets through. */
#include "claim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_point.h"

enum { STEP_MS = 5000, MIGRATION_MS = 600000 };

enum step {
    USUAL,
    BEGIN,
    WAIT,
    APPLIED,
    MIGRATE,
    NOTE_MIGRATION,
    MAKE_ROW,
    LOCK_ROW,
    TAKE_ROW,
    NOTE_GAP,
    COMMIT,
    ROLLBACK,
    UNBLOCK,
    STEP_COUNT
};

static void refuse(struct claim *c, wt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct claim *c, wt_status status, const char *format, ...)
{
    if (c->status != WT_OK)
        return;
    va_list args;
    va_start(args, format);
    c->status = status;
    vsnprintf(c->why, sizeof c->why, format, args);
    va_end(args);
}

static void refuse_result(struct claim *c, const PGresult *r)
{
    const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    enum reaction reaction = reaction_to(sqlstate);
    c->locked_out = sqlstate != NULL && strcmp(sqlstate, "55P03") == 0;
    c->instance->figures.errors[reaction]++;
    refuse(c, reaction == REACT_DATA ? WT_E_INTERNAL : reaction_status(reaction),
           "claim: %s (SQLSTATE %s)", text != NULL ? text : PQresultErrorMessage(r),
           sqlstate != NULL ? sqlstate : "none");
}

/* ---- sending ---- */

static void send_sql(struct claim *c, enum step step, const char *sql, uint64_t ms)
{
    c->step = (int)step;
    pg_conn_query(c->conn, sql, ms);
}

static void send_params(struct claim *c, enum step step, const char *name, int n,
                        const char *const *values)
{
    char *sql = sql_named(name, c->instance->schema);
    c->step = (int)step;
    if (sql != NULL)
        pg_conn_query_params(c->conn, sql, &(struct pg_params){.n = n, .values = values}, STEP_MS);
    else
        c->done(c->arg, WT_E_AGAIN, "out of memory");
    free(sql);
}

/* Two recorders that make the same schema wait for each other; other schemas are none of theirs. */
static uint32_t schema_number(const char *schema)
{
    uint32_t hash = 2166136261u;
    for (const char *p = schema; *p != '\0'; p++)
        hash = (hash ^ (unsigned char)*p) * 16777619u;
    return hash >> 1;
}

static void send_begin(struct claim *c)
{
    char sql[1024], table[160];
    snprintf(table, sizeof table, "%s.schema_migrations", c->instance->schema);
    char *literal = pg_conn_literal(c->conn, table);
    if (literal == NULL) {
        c->done(c->arg, WT_E_AGAIN, "out of memory");
        return;
    }
    snprintf(sql, sizeof sql,
             "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '2s';"
             " SET LOCAL idle_in_transaction_session_timeout = '30s';"
             " SET LOCAL client_min_messages = warning;"
             " SELECT pg_advisory_xact_lock(1463898960, %u);"
             " SELECT to_regclass(%s) IS NOT NULL",
             schema_number(c->instance->settings.schema), literal);
    free(literal);
    send_sql(c, BEGIN, sql, STEP_MS);
    FAULT_POINT("recorder-claim-begun");
}

/* The same parameters as its file names, in that order. */
static char *usual_text(struct claim *c)
{
    const struct instance *i = c->instance;
    char token[32], oldest[32], head[32], version[16];
    snprintf(token, sizeof token, "%" PRIu64, i->token);
    snprintf(oldest, sizeof oldest, "%" PRIu64, c->oldest);
    snprintf(head, sizeof head, "%" PRIu64, c->head);
    snprintf(version, sizeof version, "%u", schema_latest());
    const char *values[] = {
        i->settings.stream, c->journal_id, token, i->build, oldest, head, version};
    enum { VALUES = sizeof values / sizeof values[0] };
    char *literals[VALUES], *sql = NULL;
    bool ok = true;
    for (size_t v = 0; v < VALUES; v++)
        ok = (literals[v] = pg_conn_literal(c->conn, values[v])) != NULL && ok;
    if (ok)
        sql = sql_fill(sql_find("claim_usual")->text, i->schema, (const char *const *)literals);
    for (size_t v = 0; v < VALUES; v++)
        free(literals[v]);
    return sql;
}

static void send_usual(struct claim *c)
{
    char *sql = usual_text(c);
    if (sql != NULL)
        send_sql(c, USUAL, sql, STEP_MS);
    else
        c->done(c->arg, WT_E_AGAIN, "out of memory");
    free(sql);
}

static void send_applied(struct claim *c)
{
    send_params(c, APPLIED, "schema_applied", 0, NULL);
}

static void send_migration(struct claim *c)
{
    const struct sql_file *migration = &sql_migrations[c->migration];
    char *sql = sql_prepare(migration->text, c->instance->schema);
    instance_log(c->instance, WT_LOG_INFO, "applying migration %s", migration->name);
    if (sql != NULL)
        send_sql(c, MIGRATE, sql, MIGRATION_MS);
    else
        c->done(c->arg, WT_E_AGAIN, "out of memory");
    free(sql);
}

static void send_note_migration(struct claim *c)
{
    const struct sql_file *migration = &sql_migrations[c->migration];
    char version[16];
    snprintf(version, sizeof version, "%u", schema_version(migration));
    const char *values[] = {version, migration->sha256, c->instance->build};
    send_params(c, NOTE_MIGRATION, "claim_note_migration", 3, values);
}

static void send_row(struct claim *c, enum step step, const char *name)
{
    const char *values[] = {c->instance->settings.stream, c->journal_id};
    send_params(c, step, name, 2, values);
}

static void send_take_row(struct claim *c)
{
    char token[32], seq[32];
    snprintf(token, sizeof token, "%" PRIu64, c->instance->token);
    snprintf(seq, sizeof seq, "%" PRIu64, c->cursor);
    const char *values[] = {c->instance->settings.stream, token, c->instance->build, seq};
    send_params(c, TAKE_ROW, "claim_take_row", 4, values);
}

static void send_note_gap(struct claim *c)
{
    char first[32], last[32];
    snprintf(first, sizeof first, "%" PRIu64, c->gap_first);
    snprintf(last, sizeof last, "%" PRIu64, c->cursor);
    const char *values[] = {c->instance->settings.stream, first, last};
    send_params(c, NOTE_GAP, "claim_note_gap", 3, values);
}

static void send_unblock(struct claim *c)
{
    const char *values[] = {c->instance->settings.stream};
    send_params(c, UNBLOCK, "claim_unblock", 1, values);
}

/* ---- what came back ---- */

static void take_applied(struct claim *c, const PGresult *r)
{
    char why[WHY_SIZE];
    wt_status status = schema_compare(r, &c->schema, why);
    if (status != WT_OK)
        refuse(c, status, "%s", why);
}

/* Of the message's results, the update's row and the commit count. */
static void take_usual(struct claim *c, const PGresult *r)
{
    const char *tag = PQcmdStatus((PGresult *)r);
    if (PQresultStatus(r) == PGRES_TUPLES_OK && strcmp(tag, "UPDATE 1") == 0) {
        c->taken = true;
        c->cursor = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
    } else if (strcmp(tag, "COMMIT") == 0) {
        c->committed = pg_conn_warnings(c->conn) == 0;
    }
}

static void take_row(struct claim *c, const PGresult *r)
{
    const struct settings *s = &c->instance->settings;
    c->found = PQntuples(r) == 1;
    if (!c->found) {
        refuse(c, WT_E_CONFIG,
               "stream \"%s\": this journal (%s) is already recorded in schema \"%s\" under"
               " another stream name; use that name",
               s->stream, c->journal_id, s->schema);
        return;
    }
    c->cursor = strtoull(PQgetvalue(r, 0, 0), NULL, 10);
    if (PQgetvalue(r, 0, 2)[0] != 't')
        refuse(c, WT_E_CONFIG,
               "stream \"%s\" in schema \"%s\" belongs to another journal (%s, ours is %s):"
               " restore that state directory, or choose another \"stream\" or \"schema\"",
               s->stream, s->schema, PQgetvalue(r, 0, 1), c->journal_id);
    else if (c->cursor > c->head)
        refuse(c, WT_E_CONFIG,
               "stream \"%s\" is recorded up to event %" PRIu64 ", but the journal ends at %" PRIu64
               ": it is an older copy; restore the newer one, or choose another \"stream\"",
               s->stream, c->cursor, c->head);
}

/* Events cursor + 1 … oldest - 1 are gone: the cursor goes on behind them. */
static void find_gap(struct claim *c)
{
    if (c->cursor + 1 >= c->oldest)
        return;
    c->gap_first = c->cursor + 1;
    c->cursor = c->oldest - 1;
}

static void report_gap(struct claim *c)
{
    struct figures *f = &c->instance->figures;
    if (c->gap_first == 0)
        return;
    f->gaps++;
    f->gap_events += c->cursor - c->gap_first + 1;
    instance_log(c->instance, WT_LOG_ERROR,
                 "events %" PRIu64 "..%" PRIu64
                 " were gone from the journal before they were recorded here (noted in"
                 " recorder_gaps)",
                 c->gap_first, c->cursor);
}

static void on_result(void *user, const PGresult *r)
{
    struct claim *c = user;
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        refuse_result(c, r);
        return;
    }
    switch ((enum step)c->step) {
    case USUAL:
        take_usual(c, r);
        break;
    case BEGIN: /* the last of its results is the one that counts */
        if (PQntuples(r) == 1)
            c->has_schema = PQgetvalue(r, 0, 0)[0] == 't';
        break;
    case APPLIED:
        take_applied(c, r);
        break;
    case LOCK_ROW:
        take_row(c, r);
        break;
    case TAKE_ROW:
        if (strcmp(PQcmdTuples((PGresult *)r), "1") != 0)
            refuse(c, WT_E_INTERNAL, "claim: the cursor row is gone");
        break;
    case COMMIT:
        c->committed =
            strcmp(PQcmdStatus((PGresult *)r), "COMMIT") == 0 && pg_conn_warnings(c->conn) == 0;
        break;
    case UNBLOCK:
        if (PQntuples(r) == 1)
            instance_log(c->instance, WT_LOG_WARNING, "the stream is held by backend %s: %s",
                         PQgetvalue(r, 0, 0),
                         PQgetvalue(r, 0, 1)[0] == 't' ? "ended it" : "cannot end it");
        break;
    default:
        break;
    }
}

/* ---- the way through ---- */

static void migrate_or_go_on(struct claim *c)
{
    while (c->migration < sql_migration_count && c->schema.missing > 0 &&
           c->migration < c->schema.next)
        c->migration++;
    if (c->schema.missing == 0 || c->migration == sql_migration_count) {
        send_row(c, MAKE_ROW, "claim_make_row");
    } else if (c->instance->settings.migrate_by_hand) {
        refuse(c, WT_E_SCHEMA_OLD,
               "the schema lacks migration %s and \"migrate\" is \"manual\": apply it with"
               " psql -1 -v ON_ERROR_STOP=1 -v schema=%s -f %s.sql",
               sql_migrations[c->migration].name, c->instance->settings.schema,
               sql_migrations[c->migration].name);
        c->done(c->arg, c->status, c->why);
    } else {
        send_migration(c);
    }
}

static void end_badly(struct claim *c)
{
    if (c->locked_out && c->step != UNBLOCK && c->step != ROLLBACK)
        send_sql(c, ROLLBACK, "ROLLBACK", STEP_MS);
    else if (c->step == ROLLBACK)
        send_unblock(c);
    else
        c->done(c->arg, c->status, c->why);
}

static void on_idle(void *user)
{
    struct claim *c = user;
    if (c->status != WT_OK) {
        end_badly(c);
        return;
    }
    switch ((enum step)c->step) {
    case USUAL:
        FAULT_POINT("recorder-claimed");
        if (c->taken && c->committed) {
            c->done(c->arg, WT_OK, NULL);
        } else {
            c->committed = false;
            send_begin(c);
        }
        break;
    case BEGIN:
        if (c->has_schema) {
            send_row(c, WAIT, "claim_lock_row");
        } else {
            take_applied(c, NULL);
            migrate_or_go_on(c);
        }
        break;
    case WAIT:
        send_applied(c);
        break;
    case APPLIED:
        migrate_or_go_on(c);
        break;
    case MIGRATE:
        send_note_migration(c);
        break;
    case NOTE_MIGRATION:
        FAULT_POINT("recorder-migrated");
        c->migration++;
        c->schema.missing--;
        migrate_or_go_on(c);
        break;
    case MAKE_ROW:
        FAULT_POINT("recorder-row-made");
        send_row(c, LOCK_ROW, "claim_lock_row");
        break;
    case LOCK_ROW:
        find_gap(c);
        send_take_row(c);
        break;
    case TAKE_ROW:
        if (c->gap_first > 0)
            send_note_gap(c);
        else
            send_sql(c, COMMIT, "COMMIT", STEP_MS);
        break;
    case NOTE_GAP:
        send_sql(c, COMMIT, "COMMIT", STEP_MS);
        break;
    case COMMIT:
        FAULT_POINT("recorder-claim-committed");
        if (c->committed)
            report_gap(c);
        else
            refuse(c, WT_E_AGAIN, "claim: the commit was not confirmed");
        c->done(c->arg, c->status, c->status == WT_OK ? NULL : c->why);
        break;
    default:
        break;
    }
}

static void on_broken(void *user, const char *why)
{
    struct claim *c = user;
    refuse(c, WT_E_AGAIN, "claim: %s", why);
    c->done(c->arg, c->status, c->why);
}

void claim_start(struct claim *c, struct instance *instance, struct pg_conn *conn, bool complete,
                 const wt_claim_args *args, stage_done done, void *arg)
{
    static const struct pg_events events = {
        .result = on_result, .idle = on_idle, .broken = on_broken};
    *c = (struct claim){.instance = instance,
                        .conn = conn,
                        .done = done,
                        .arg = arg,
                        .oldest = args->oldest,
                        .head = args->head};
    wt_uuid_text(&args->journal_id, c->journal_id);
    pg_conn_own(conn, &events, c);
    if (complete)
        send_usual(c);
    else
        send_begin(c);
}
