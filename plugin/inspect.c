/* Happy path: ask the server about itself, then, when there is a schema, for its migrations, then,
 * when none is missing, look at the tables once.
 *
 * Failure: what it says is unfit, or an error; the first one counts. */
#include "inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema.h"

enum { STEP_MS = 5000 };
enum step { STEP_SERVER, STEP_SCHEMA, STEP_TABLES };

static const char server_query[] =
    "SELECT current_setting('server_version_num'), current_setting('server_encoding'),"
    " pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',"
    " current_setting('fsync'), current_setting('full_page_writes'), pg_backend_pid(),"
    " to_regclass($1) IS NOT NULL";
enum { VERSION, ENCODING, READ_ONLY, FSYNC, FULL_PAGE_WRITES, PID, HAS_SCHEMA };

static void refuse(struct inspect *s, wt_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void refuse(struct inspect *s, wt_status status, const char *format, ...)
{
    if (s->status != WT_OK)
        return;
    va_list args;
    va_start(args, format);
    s->status = status;
    vsnprintf(s->why, sizeof s->why, format, args);
    va_end(args);
}

static void take_server(struct inspect *s, const PGresult *r)
{
    s->server_version = (uint32_t)strtoul(PQgetvalue(r, 0, VERSION), NULL, 10);
    s->backend_pid = (int32_t)strtol(PQgetvalue(r, 0, PID), NULL, 10);
    s->has_schema = PQgetvalue(r, 0, HAS_SCHEMA)[0] == 't';
    bool synced = strcmp(PQgetvalue(r, 0, FSYNC), "on") == 0 &&
                  strcmp(PQgetvalue(r, 0, FULL_PAGE_WRITES), "on") == 0;
    if (strcmp(PQgetvalue(r, 0, ENCODING), "UTF8") != 0)
        refuse(s, WT_E_CONFIG, "the database's encoding is %s, it must be UTF8",
               PQgetvalue(r, 0, ENCODING));
    if (PQgetvalue(r, 0, READ_ONLY)[0] == 't')
        refuse(s, WT_E_AGAIN, "the server at %s takes no writes (in recovery or read-only)",
               s->place);
    if (!synced && !s->instance->settings.allow_unsafe_server)
        refuse(s, WT_E_UNSAFE_DB,
               "fsync = %s, full_page_writes = %s: the server may lose what it has confirmed;"
               " set both to on, or allow_unsafe_server",
               PQgetvalue(r, 0, FSYNC), PQgetvalue(r, 0, FULL_PAGE_WRITES));
}

static void take_schema(struct inspect *s, const PGresult *r)
{
    struct schema_state state;
    char why[WHY_SIZE];
    wt_status status = schema_compare(r, &state, why);
    s->schema_found = state.found;
    s->complete = status == WT_OK && state.missing == 0;
    if (status != WT_OK)
        refuse(s, status, "%s", why);
}

static void on_result(void *user, const PGresult *r)
{
    struct inspect *s = user;
    const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        refuse(s, reaction_status(reaction_to(sqlstate)), "%s (SQLSTATE %s)",
               PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY), sqlstate);
    else if (s->step == STEP_SERVER)
        take_server(s, r);
    else if (s->step == STEP_SCHEMA)
        take_schema(s, r);
}

static void ask_schema(struct inspect *s)
{
    char *sql = sql_named("schema_applied", s->instance->schema);
    s->step = STEP_SCHEMA;
    if (sql != NULL)
        pg_conn_query(s->conn, sql, STEP_MS);
    else
        s->done(s->arg, WT_E_AGAIN, "out of memory");
    free(sql);
}

static void look_around(struct inspect *s)
{
    const char *values[] = {s->instance->settings.stream};
    char *sql = sql_named("look_around", s->instance->schema);
    s->step = STEP_TABLES;
    if (sql != NULL)
        pg_conn_query_params(s->conn, sql, &(struct pg_params){.n = 1, .values = values}, STEP_MS);
    else
        s->done(s->arg, WT_E_AGAIN, "out of memory");
    free(sql);
}

static void on_idle(void *user)
{
    struct inspect *s = user;
    if (s->status == WT_OK && s->step == STEP_SERVER && s->has_schema)
        ask_schema(s);
    else if (s->status == WT_OK && s->step == STEP_SCHEMA && s->complete)
        look_around(s);
    else
        s->done(s->arg, s->status, s->status == WT_OK ? NULL : s->why);
}

static void on_broken(void *user, const char *why)
{
    struct inspect *s = user;
    refuse(s, WT_E_AGAIN, "%s", why);
    s->done(s->arg, s->status, s->why);
}

void inspect_start(struct inspect *s, struct instance *instance, struct pg_conn *conn,
                   stage_done done, void *arg)
{
    static const struct pg_events events = {
        .result = on_result, .idle = on_idle, .broken = on_broken};
    *s = (struct inspect){.instance = instance, .conn = conn, .done = done, .arg = arg};
    char table[256];
    pg_conn_own(conn, &events, s);
    pg_conn_place(conn, s->place, sizeof s->place);
    free(instance->schema);
    instance->schema = pg_conn_identifier(conn, instance->settings.schema);
    if (instance->schema == NULL) {
        done(arg, WT_E_AGAIN, "out of memory");
        return;
    }
    snprintf(table, sizeof table, "%s.schema_migrations", instance->schema);
    const char *values[] = {table};
    pg_conn_query_params(conn, server_query, &(struct pg_params){.n = 1, .values = values},
                         STEP_MS);
}
