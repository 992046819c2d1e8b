#include "judge_table.h"

#include <endian.h>
#include <libpq-fe.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge_report.h"

enum { HEADER_SIZE = 19, SUSPECTS_MAX = 100000, WHAT_SIZE = 160, SHOWN = 40 };

#define TO_2000_US INT64_C(946684800000000)

/* Columns in the order in which a row is expected; the first is always the id. */
static const struct {
    const char *name;
    int content;       /* the columns from here on tell one event from another */
    const char *types; /* of each column: u an id, n a number or a time, t a text */
    const char *columns[COLUMNS_MAX];
} tables[TABLES] = {
    [TABLE_WALLETS] = {"discovery_run_wallets",
                       2,
                       "unuttntt",
                       {"id", "created_at", "run_id", "wallet_address", "source_token", "is_new",
                        "initial_score::text", "profile::text"}},
    [TABLE_TOKENS] = {"discovery_run_tokens",
                      2,
                      "unuttnn",
                      {"id", "created_at", "run_id", "token", "symbol", "price_change_pct",
                       "volume_usd"}},
    [TABLE_ERRORS] = {"discovery_run_errors",
                      2,
                      "unutttn",
                      {"id", "created_at", "run_id", "message", "token", "code", "line"}},
    [TABLE_SLOTS] = {"discovery_slots",
                     2,
                     "unutntt",
                     {"id", "created_at", "run_id", "schedule", "due", "outcome", "reason"}},
    [TABLE_RUNS] = {"discovery_runs",
                    1,
                    "untntntnnnnnn",
                    {"id", "started_at", "schedule", "slot_at", "status", "completed_at", "reason",
                     "tokens_analyzed", "new_wallets", "updated_wallets", "profiled_wallets",
                     "error_count", "jsonb_array_length(errors)"}},
};

/* A row that nobody expected, or content that was not. */
struct suspect {
    uint64_t digest;
    bool extra;    /* the row; otherwise its content                        */
    bool is_known; /* it is what some event should have led to              */
    char what[WHAT_SIZE];
};

struct walk {
    PGconn *conn;
    char *piece;                     /* the row that is next, as libpq gave it */
    struct value value[COLUMNS_MAX]; /* … in pieces                            */
    bool at_end;
    bool past_header;
    unsigned char last_id[ID_BYTES];
};

struct database {
    struct walk walks[TABLES];
    PGresult *answer;
    struct suspect *suspects;
    size_t n_suspects, room;
};

/* ---- what is expected ---- */

static void add(struct expected *e, const void *bytes, int size)
{
    e->value[e->columns++] = (struct value){bytes, size};
}

static void add_number(struct expected *e, uint64_t value, int size)
{
    uint64_t big = htobe64(value);
    unsigned char *at = e->numbers + e->used;
    memcpy(at, (unsigned char *)&big + 8 - size, (size_t)size);
    e->used += 8;
    add(e, at, size);
}

void expect_begin(struct expected *e, const unsigned char id[ID_BYTES])
{
    e->columns = 0;
    e->used = 0;
    e->what[0] = '\0';
    expect_id(e, id);
}

void expect_id(struct expected *e, const unsigned char id[ID_BYTES])
{
    add(e, id, ID_BYTES);
}

void expect_text(struct expected *e, const char *text, size_t size)
{
    add(e, text, (int)size);
}

void expect_word(struct expected *e, const char *word)
{
    add(e, word, word != NULL ? (int)strlen(word) : VALUE_NULL);
}

void expect_bool(struct expected *e, bool value)
{
    add_number(e, value, 1);
}

void expect_int4(struct expected *e, uint64_t value)
{
    add_number(e, value, 4);
}

void expect_int8(struct expected *e, uint64_t value)
{
    add_number(e, value, 8);
}

void expect_double(struct expected *e, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        expect_null(e);
    else
        add_number(e, bits, 8);
}

void expect_time(struct expected *e, int64_t us)
{
    if (us == INT64_MIN)
        expect_null(e);
    else
        add_number(e, (uint64_t)(us - TO_2000_US), 8);
}

void expect_null(struct expected *e)
{
    add(e, NULL, VALUE_NULL);
}

void expect_any(struct expected *e)
{
    add(e, NULL, VALUE_ANY);
}

/* ---- the database ---- */

static PGresult *run(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_COPY_OUT)
        cannot_judge("%s\n%s", sql, PQerrorMessage(c));
    return r;
}

static PGconn *connect_to(const char *conninfo, const char *schema)
{
    char sql[512];
    PGconn *c = PQconnectdb(conninfo);
    if (PQstatus(c) != CONNECTION_OK)
        cannot_judge("the database: %s", PQerrorMessage(c));
    char *name = PQescapeIdentifier(c, schema, strlen(schema));
    (void)snprintf(sql, sizeof sql,
                   "SET search_path TO %s; SET timezone = 'UTC';"
                   " BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                   name != NULL ? name : "");
    PQfreemem(name);
    PQclear(run(c, sql));
    return c;
}

/* A connection for each table, since each is being read out; all see what the first one sees. */
struct database *database_open(const char *conninfo, const char *schema)
{
    struct database *d = calloc(1, sizeof *d);
    if (d == NULL)
        cannot_judge("out of memory");
    d->walks[0].conn = connect_to(conninfo, schema);
    PGresult *moment = run(d->walks[0].conn, "SELECT pg_export_snapshot()");
    char sql[128];
    (void)snprintf(sql, sizeof sql, "SET TRANSACTION SNAPSHOT '%s'", PQgetvalue(moment, 0, 0));
    PQclear(moment);
    for (int i = 1; i < TABLES; i++) {
        d->walks[i].conn = connect_to(conninfo, schema);
        PQclear(run(d->walks[i].conn, sql));
    }
    return d;
}

void database_close(struct database *d)
{
    for (int i = 0; i < TABLES; i++)
        PQfinish(d->walks[i].conn);
    PQclear(d->answer);
    free(d->suspects);
    free(d);
}

const char *database_value(struct database *d, const char *sql)
{
    PQclear(d->answer);
    d->answer = run(d->walks[0].conn, sql);
    if (PQntuples(d->answer) != 1)
        cannot_judge("%s\ngave %d rows", sql, PQntuples(d->answer));
    return PQgetvalue(d->answer, 0, 0);
}

void database_rows(struct database *d, const char *sql, int columns,
                   void (*row)(void *arg, const struct value *values), void *arg)
{
    struct value values[COLUMNS_MAX];
    PGresult *r = PQexecParams(d->walks[0].conn, sql, 0, NULL, NULL, NULL, NULL, 1);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQnfields(r) != columns)
        cannot_judge("%s\n%s", sql, PQerrorMessage(d->walks[0].conn));
    for (int i = 0; i < PQntuples(r); i++) {
        for (int k = 0; k < columns; k++)
            values[k] = (struct value){PQgetvalue(r, i, k), PQgetlength(r, i, k)};
        row(arg, values);
    }
    PQclear(r);
}

/* ---- walking ---- */

static uint32_t big_32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return be32toh(value);
}

static void split(struct walk *w, const char *at)
{
    uint16_t columns;
    memcpy(&columns, at, sizeof columns);
    columns = be16toh(columns);
    at += sizeof columns;
    for (int i = 0; i < columns && i < COLUMNS_MAX; i++) {
        int size = (int)big_32(at);
        at += 4;
        w->value[i] = (struct value){at, size};
        at += size > 0 ? size : 0;
    }
}

static void finish(struct walk *w, enum table_name table)
{
    PGresult *r;
    while ((r = PQgetResult(w->conn)) != NULL) {
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            cannot_judge("%s: %s", tables[table].name, PQerrorMessage(w->conn));
        PQclear(r);
    }
    w->at_end = true;
}

/* Moves to the next row.  The header comes with the first piece, the trailer is one by itself. */
static void advance(struct database *d, enum table_name table)
{
    struct walk *w = &d->walks[table];
    if (w->piece != NULL) {
        memcpy(w->last_id, w->value[0].bytes, ID_BYTES);
        PQfreemem(w->piece);
        w->piece = NULL;
    }
    int size = PQgetCopyData(w->conn, &w->piece, 0);
    int skip = w->past_header ? 0 : HEADER_SIZE;
    w->past_header = true;
    if (size < 0) {
        finish(w, table);
        return;
    }
    if (size == skip + 2) { /* the trailer */
        PQfreemem(w->piece);
        w->piece = NULL;
        advance(d, table);
        return;
    }
    split(w, w->piece + skip);
}

static void skip_below(struct database *d, enum table_name table, const unsigned char *first)
{
    const struct walk *w = &d->walks[table];
    while (!w->at_end && memcmp(w->value[0].bytes, first, ID_BYTES) < 0)
        advance(d, table);
}

void tables_begin(struct database *d, const unsigned char *first)
{
    for (int t = 0; t < TABLES; t++) {
        char sql[1024];
        int used = snprintf(sql, sizeof sql, "COPY (SELECT %s", tables[t].columns[0]);
        for (int i = 1; i < COLUMNS_MAX && tables[t].columns[i] != NULL; i++)
            used += snprintf(sql + used, sizeof sql - (size_t)used, ", %s", tables[t].columns[i]);
        (void)snprintf(sql + used, sizeof sql - (size_t)used,
                       " FROM %s ORDER BY id) TO STDOUT (FORMAT binary)", tables[t].name);
        PQclear(run(d->walks[t].conn, sql));
        advance(d, (enum table_name)t);
        if (first != NULL)
            skip_below(d, (enum table_name)t, first);
    }
}

/* ---- findings ---- */

/* Only for suspects: of all that tells one event's row from another's. */
static uint64_t digest_of(enum table_name table, const struct value *value)
{
    uint64_t hash = 14695981039346656037u + (uint64_t)table;
    for (int i = tables[table].content; i < COLUMNS_MAX && tables[table].columns[i] != NULL; i++) {
        hash = (hash ^ (uint64_t)(value[i].size + 1)) * 1099511628211u;
        for (int k = 0; k < value[i].size; k++)
            hash = (hash ^ ((const unsigned char *)value[i].bytes)[k]) * 1099511628211u;
    }
    return hash;
}

static struct suspect *add_suspect(struct database *d)
{
    if (d->n_suspects == SUSPECTS_MAX)
        return NULL;
    if (d->n_suspects == d->room) {
        d->room = d->room > 0 ? d->room * 2 : 64;
        d->suspects = reallocarray(d->suspects, d->room, sizeof *d->suspects);
        if (d->suspects == NULL)
            cannot_judge("out of memory");
    }
    struct suspect *s = &d->suspects[d->n_suspects++];
    *s = (struct suspect){0};
    return s;
}

static void print_id(const unsigned char *id, char out[37])
{
    char *at = out;
    for (int i = 0; i < ID_BYTES; i++)
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

/* A row that nobody expected. */
static void take_extra(struct database *d, enum table_name table)
{
    const struct walk *w = &d->walks[table];
    char id[37];
    print_id(w->value[0].bytes, id);
    if (memcmp(w->last_id, w->value[0].bytes, ID_BYTES) == 0) {
        report_damage(DUPLICATED, "%s has row %s twice", tables[table].name, id);
        return;
    }
    struct suspect *s = add_suspect(d);
    if (s == NULL) {
        report_damage(FOREIGN, "%s: row %s", tables[table].name, id);
        return;
    }
    s->extra = true;
    s->digest = digest_of(table, w->value);
    (void)snprintf(s->what, sizeof s->what, "%s has row %s", tables[table].name, id);
}

static bool same(const struct value *found, const struct value *wanted)
{
    if (wanted->size == VALUE_ANY)
        return true;
    return found->size == wanted->size &&
           (found->size <= 0 || memcmp(found->bytes, wanted->bytes, (size_t)found->size) == 0);
}

/* As far as it fits. */
static void show(const struct value *v, char type, char out[SHOWN])
{
    uint64_t number = 0;
    for (int i = 0; i < v->size && i < 8; i++)
        number = number << 8 | ((const unsigned char *)v->bytes)[i];
    if (v->size < 0)
        (void)snprintf(out, SHOWN, "null");
    else if (type == 'u')
        print_id(v->bytes, out);
    else if (type == 't')
        (void)snprintf(out, SHOWN, "\"%.*s\"", v->size, (const char *)v->bytes);
    else
        (void)snprintf(out, SHOWN, "%lld", (long long)number);
}

/* The first column from `i` on that is not as it should be. */
static int first_wrong(const struct walk *w, const struct expected *e, int i)
{
    while (i < e->columns && same(&w->value[i], &e->value[i]))
        i++;
    return i;
}

static void compare(struct database *d, enum table_name table, const struct expected *e)
{
    const struct walk *w = &d->walks[table];
    int wrong = first_wrong(w, e, 0);
    if (wrong == e->columns)
        return;
    char found[SHOWN], wanted[SHOWN], what[WHAT_SIZE * 2];
    show(&w->value[wrong], tables[table].types[wrong], found);
    show(&e->value[wrong], tables[table].types[wrong], wanted);
    (void)snprintf(what, sizeof what, "%.90s: %s is %s, not %s", e->what,
                   tables[table].columns[wrong], found, wanted);
    bool is_own = first_wrong(w, e, tables[table].content) == e->columns;
    struct suspect *s = table == TABLE_RUNS || is_own ? NULL : add_suspect(d);
    if (s == NULL) {
        report_damage(table == TABLE_RUNS ? RUN_WRONG : ALTERED, "%s", what);
        return;
    }
    s->digest = digest_of(table, w->value);
    (void)snprintf(s->what, sizeof s->what, "%.*s", WHAT_SIZE - 1, what);
}

void table_expect(struct database *d, enum table_name table, const struct expected *e)
{
    struct walk *w = &d->walks[table];
    int order = -1;
    while (!w->at_end && (order = memcmp(w->value[0].bytes, e->value[0].bytes, ID_BYTES)) < 0) {
        take_extra(d, table);
        advance(d, table);
    }
    if (w->at_end || order > 0) {
        report_damage(LOST, "%s is not in %s", e->what, tables[table].name);
        return;
    }
    compare(d, table, e);
    advance(d, table);
}

void tables_end(struct database *d)
{
    for (int t = 0; t < TABLES; t++)
        while (!d->walks[t].at_end) {
            take_extra(d, (enum table_name)t);
            advance(d, (enum table_name)t);
        }
}

/* ---- suspects ---- */

bool tables_are_suspect(const struct database *d)
{
    return d->n_suspects > 0;
}

static int by_digest(const void *a, const void *b)
{
    uint64_t x = ((const struct suspect *)a)->digest, y = ((const struct suspect *)b)->digest;
    return (x > y) - (x < y);
}

void suspects_begin(struct database *d)
{
    qsort(d->suspects, d->n_suspects, sizeof *d->suspects, by_digest);
}

void suspect_expect(struct database *d, enum table_name table, const struct expected *e)
{
    if (table == TABLE_RUNS)
        return;
    struct suspect key = {.digest = digest_of(table, e->value)};
    struct suspect *s = bsearch(&key, d->suspects, d->n_suspects, sizeof *d->suspects, by_digest);
    if (s == NULL)
        return;
    while (s > d->suspects && s[-1].digest == key.digest)
        s--;
    for (; s < d->suspects + d->n_suspects && s->digest == key.digest; s++)
        s->is_known = true;
}

void suspects_end(struct database *d)
{
    for (size_t i = 0; i < d->n_suspects; i++) {
        const struct suspect *s = &d->suspects[i];
        if (s->extra)
            report_damage(s->is_known ? DUPLICATED : FOREIGN, "%s, %s", s->what,
                          s->is_known ? "a copy of another one" : "which is of no event");
        else
            report_damage(s->is_known ? REORDERED : ALTERED, "%s", s->what);
    }
    d->n_suspects = 0;
}
