/* Happy path of a sweep: connect → the next group of runs (target) → pick some of its oldest →
 * empty them → remove them and commit → rest → pick … until a group has none left → the next group
 * … until there is none → disconnect and wait for the time of the next sweep.
 *
 * A place in the order of runs goes along with the picking, so that neither runs that are passed
 * over nor the dead entries of those removed are looked at again.
 *
 * Failure: whatever it is, the connection is dropped, and what was not committed is undone. */
#include "retention.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pg_conn.h"
#include "sql.h"

enum {
    TARGET_MS = 65000,
    STEP_MS = 15000,
    REST_FACTOR = 9,
    REST_LEAST_MS = 10,
    REST_MOST_MS = 5000
};
enum { EMPTY_MOST = 20000 }; /* as sql/retention_empty.sql has it */
enum { MINUTE_MS = 60000 };

static const char begin_read[] = "BEGIN READ ONLY; SET LOCAL statement_timeout = '60s';"
                                 " SET LOCAL jit = off;";

/* Losing a removal in a crash of the server harms nobody: its disk need not be waited for. */
static const char begin_write[] =
    "BEGIN; SET LOCAL walltrack.removing = 'on'; SET LOCAL synchronous_commit = off;"
    " SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '1s';"
    " SET LOCAL idle_in_transaction_session_timeout = '30s'; SET LOCAL jit = off;"
    " SET LOCAL enable_seqscan = off;";

enum state {
    OFF, /* there is no rule */
    WAITING,
    CONNECTING,
    TARGETING,
    PICKING,
    EMPTYING,
    REMOVING,
    RESTING,
    CLOSED,
    STATE_COUNT
};

#define TO(state) (1u << (state))
static const unsigned next_states[STATE_COUNT] = {
    [OFF] = TO(WAITING) | TO(CLOSED),
    [WAITING] = TO(CONNECTING) | TO(CLOSED),
    [CONNECTING] = TO(TARGETING) | TO(WAITING) | TO(CLOSED),
    [TARGETING] = TO(TARGETING) | TO(PICKING) | TO(WAITING) | TO(CLOSED),
    [PICKING] = TO(PICKING) | TO(TARGETING) | TO(EMPTYING) | TO(WAITING) | TO(CLOSED),
    [EMPTYING] = TO(REMOVING) | TO(RESTING) | TO(WAITING) | TO(CLOSED),
    [REMOVING] = TO(RESTING) | TO(WAITING) | TO(CLOSED),
    [RESTING] = TO(PICKING) | TO(EMPTYING) | TO(WAITING) | TO(CLOSED),
    [CLOSED] = 0,
};

/* Of a run in the order by started_at and id, as the server writes it. */
struct place {
    char at[64], id[37];
};

struct retention {
    struct instance *instance;
    enum state state;
    wt_timer *timer; /* WAITING: the sweep; RESTING: the next step */
    struct pg_conn *conn;
    char *target;               /* the group; NULL before the first and after the last */
    struct place before, after; /* what is removed lies between                        */
    char *ids;                  /* of the runs of this transaction, NULL: none         */
    bool alone;                 /* no other host sweeps                                */
    bool passed;                /* the last step looked at a run                       */
    bool emptied;               /* they have no wallets, tokens and errors any more    */
    bool committed;
    uint64_t wallets, runs;         /* removed by this transaction                         */
    uint64_t all_wallets, all_runs; /* by this sweep                                       */
    uint64_t sweep_ns, step_ns;     /* when it began                                       */
    unsigned failures;              /* sweeps in a row                                     */
    bool failed;                    /* the server has refused something; why says what     */
    char why[WHY_SIZE];
    struct sweep_end last;
    char last_why[WHY_SIZE];
    unsigned closing; /* connections that are not gone */
    void (*gone)(void *arg);
    void *gone_arg;
};

static void untime(struct retention *r)
{
    if (r->timer != NULL)
        r->instance->api->untimer(r->instance->host, r->timer);
    r->timer = NULL;
}

/* The only writer of r->state. */
static void move(struct retention *r, enum state to)
{
    assert(next_states[r->state] & TO(to));
    untime(r);
    r->state = to;
}

static uint64_t now_ns(const struct retention *r)
{
    return r->instance->api->now_ns();
}

/* ---- between sweeps ---- */

static void on_sweep_time(void *user);

static void wait_for_next(struct retention *r, uint64_t ms)
{
    const struct instance *i = r->instance;
    move(r, WAITING);
    r->timer = i->api->timer(i->host, ms, on_sweep_time, r);
    if (r->timer == NULL)
        instance_log(i, WT_LOG_ERROR, "retention: out of memory, no more sweeps");
}

static uint64_t next_ms(const struct retention *r)
{
    uint64_t usual = (uint64_t)r->instance->settings.sweep_minutes * MINUTE_MS;
    uint64_t soon = MINUTE_MS;
    for (unsigned i = 1; i < r->failures && soon < usual; i++)
        soon *= 2;
    return r->failures > 0 && soon < usual ? soon : usual;
}

static void on_gone(void *arg)
{
    struct retention *r = arg;
    r->closing--;
    if (r->closing == 0 && r->state == CLOSED && r->gone != NULL)
        r->gone(r->gone_arg);
}

static void disconnect(struct retention *r)
{
    struct pg_conn *conn = r->conn;
    r->conn = NULL;
    free(r->target);
    free(r->ids);
    r->target = r->ids = NULL;
    if (conn != NULL) {
        r->closing++;
        pg_conn_close(conn, on_gone, r);
    }
}

static void note_end(struct retention *r, const char *why)
{
    struct figures *f = &r->instance->figures;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    r->last = (struct sweep_end){.at = (double)now.tv_sec + (double)now.tv_nsec / 1e9,
                                 .seconds = (double)(now_ns(r) - r->sweep_ns) / 1e9};
    snprintf(r->last_why, sizeof r->last_why, "%s", why != NULL ? why : "");
    r->failures = why != NULL ? r->failures + 1 : 0;
    f->sweeps++;
    f->sweeps_failed += why != NULL;
}

/* `why` is NULL when all went well. */
static void end_sweep(struct retention *r, const char *why)
{
    note_end(r, why);
    if (why != NULL)
        instance_log(r->instance, WT_LOG_WARNING, "retention: %s", r->last_why);
    if (r->all_runs > 0)
        instance_log(r->instance, WT_LOG_INFO,
                     "retention: removed %" PRIu64 " runs with %" PRIu64 " wallets in %.1f s",
                     r->all_runs, r->all_wallets, r->last.seconds);
    disconnect(r);
    wait_for_next(r, next_ms(r));
}

/* ---- what is sent ---- */

/* `head`, the file with the values in it, `tail`; NULL: out of memory. */
static char *message(struct retention *r, const char *head, const char *name, int n,
                     const char *const *values, const char *tail)
{
    char *literals[8] = {NULL}, *body = NULL, *text = NULL;
    bool ok = true;
    assert(n <= 8);
    for (int i = 0; i < n; i++)
        ok = (literals[i] = pg_conn_literal(r->conn, values[i])) != NULL && ok;
    if (ok)
        body = sql_fill(sql_find(name)->text, r->instance->schema, (const char *const *)literals);
    for (int i = 0; i < n; i++)
        free(literals[i]);
    if (body != NULL && asprintf(&text, "%s %s%s", head, body, tail) < 0)
        text = NULL;
    free(body);
    return text;
}

static void send_message(struct retention *r, enum state state, char *text)
{
    if (text == NULL) {
        end_sweep(r, "out of memory");
        return;
    }
    move(r, state);
    pg_conn_query(r->conn, text, state == TARGETING ? TARGET_MS : STEP_MS);
    free(text);
}

static void number_text(int64_t number, char out[24])
{
    snprintf(out, 24, "%" PRId64, number);
    if (number == 0)
        out[0] = '\0';
}

static void send_target(struct retention *r)
{
    const struct settings *s = &r->instance->settings;
    char days[24], runs[24], head[128];
    number_text(s->retain_days, days);
    number_text(s->retain_runs, runs);
    const char *values[] = {days, runs, r->target != NULL ? r->target : ""};
    snprintf(head, sizeof head, "%s%s", r->state == PICKING ? "ROLLBACK; " : "", begin_read);
    send_message(r, TARGETING, message(r, head, "retention_target", 3, values, "; COMMIT"));
}

static void send_pick(struct retention *r)
{
    char head[512];
    const char *values[] = {r->instance->settings.schema,
                            r->target,
                            r->before.at,
                            r->before.id,
                            r->after.at,
                            r->after.id};
    snprintf(head, sizeof head, "%s%s", r->state == PICKING ? "ROLLBACK; " : "", begin_write);
    r->step_ns = now_ns(r);
    r->wallets = r->runs = 0;
    r->committed = false;
    send_message(r, PICKING, message(r, head, "retention_pick", 6, values, ""));
}

static void send_empty(struct retention *r)
{
    const char *values[] = {r->ids};
    send_message(r, EMPTYING, message(r, "", "retention_empty", 1, values, ""));
}

static void send_remove(struct retention *r)
{
    const char *values[] = {r->ids};
    send_message(r, REMOVING, message(r, "", "retention_remove", 1, values, "; COMMIT"));
}

static void on_rested(void *user)
{
    struct retention *r = user;
    r->timer = NULL;
    if (r->ids != NULL) {
        r->step_ns = now_ns(r);
        send_empty(r);
    } else {
        send_pick(r);
    }
}

static void rest(struct retention *r)
{
    const struct instance *i = r->instance;
    uint64_t ms = (now_ns(r) - r->step_ns) / 1000000 * REST_FACTOR;
    ms = ms < REST_LEAST_MS ? REST_LEAST_MS : ms > REST_MOST_MS ? REST_MOST_MS : ms;
    move(r, RESTING);
    r->timer = i->api->timer(i->host, ms, on_rested, r);
    if (r->timer == NULL)
        end_sweep(r, "out of memory");
}

/* ---- what came back ---- */

static void refuse(struct retention *r, const char *why)
{
    if (!r->failed)
        snprintf(r->why, sizeof r->why, "%s", why);
    r->failed = true;
}

static void refuse_result(struct retention *r, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    char why[WHY_SIZE];
    snprintf(why, sizeof why, "%.400s (SQLSTATE %s)",
             text != NULL ? text : PQresultErrorMessage(result),
             sqlstate != NULL ? sqlstate : "none");
    refuse(r, why);
}

static void take_text(struct retention *r, char **out, const PGresult *result, int column)
{
    free(*out);
    *out = PQgetisnull(result, 0, column) ? NULL : strdup(PQgetvalue(result, 0, column));
    if (*out == NULL && !PQgetisnull(result, 0, column))
        refuse(r, "out of memory");
}

/* Returns whether there is one. */
static bool take_place(struct place *p, const PGresult *result, int column)
{
    if (PQgetisnull(result, 0, column))
        return false;
    snprintf(p->at, sizeof p->at, "%s", PQgetvalue(result, 0, column));
    snprintf(p->id, sizeof p->id, "%s", PQgetvalue(result, 0, column + 1));
    return true;
}

static void take_target(struct retention *r, const PGresult *result)
{
    static const struct place start = {"-infinity", "00000000-0000-0000-0000-000000000000"};
    r->passed = false;
    r->after = start;
    if (PQntuples(result) == 1) {
        take_text(r, &r->target, result, 0);
        r->passed = take_place(&r->before, result, 1);
    } else {
        free(r->target);
        r->target = NULL;
    }
}

static void take_pick(struct retention *r, const PGresult *result)
{
    r->alone = PQgetvalue(result, 0, 0)[0] == 't';
    take_text(r, &r->ids, result, 1);
    r->passed = take_place(&r->after, result, 2);
}

static void take_emptied(struct retention *r, const PGresult *result)
{
    r->emptied = true;
    for (int table = 0; table < 3; table++)
        if (strtoull(PQgetvalue(result, 0, table), NULL, 10) >= EMPTY_MOST)
            r->emptied = false;
    r->wallets += strtoull(PQgetvalue(result, 0, 0), NULL, 10);
}

static void take_removed(struct retention *r, const PGresult *result)
{
    const char *tag = PQcmdStatus((PGresult *)result);
    if (strncmp(tag, "DELETE ", 7) == 0)
        r->runs = strtoull(tag + 7, NULL, 10);
    else if (strcmp(tag, "COMMIT") == 0)
        r->committed = true;
}

static void on_result(void *user, const PGresult *result)
{
    struct retention *r = user;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        refuse_result(r, result);
    else if (r->state == REMOVING)
        take_removed(r, result);
    else if (status == PGRES_COMMAND_OK)
        return; /* BEGIN, SET and so on */
    else if (r->state == TARGETING)
        take_target(r, result);
    else if (r->state == PICKING)
        take_pick(r, result);
    else if (r->state == EMPTYING)
        take_emptied(r, result);
}

/* ---- the way through ---- */

static void go_on_from_target(struct retention *r)
{
    if (r->target == NULL)
        end_sweep(r, NULL);
    else if (r->passed)
        send_pick(r);
    else
        send_target(r);
}

static void go_on_from_pick(struct retention *r)
{
    if (!r->alone) {
        instance_log(r->instance, WT_LOG_DEBUG, "retention: left to another host");
        end_sweep(r, NULL);
    } else if (r->ids != NULL) {
        send_empty(r);
    } else if (r->passed) { /* somebody else held them all */
        send_pick(r);
    } else {
        send_target(r);
    }
}

static void go_on_from_removal(struct retention *r)
{
    struct figures *f = &r->instance->figures;
    if (!r->committed) {
        end_sweep(r, "the commit was not confirmed");
        return;
    }
    f->removed_runs += r->runs;
    f->removed_wallets += r->wallets;
    r->all_runs += r->runs;
    r->all_wallets += r->wallets;
    free(r->ids);
    r->ids = NULL;
    rest(r);
}

static void on_idle(void *user)
{
    struct retention *r = user;
    if (r->failed)
        end_sweep(r, r->why);
    else if (r->state == TARGETING)
        go_on_from_target(r);
    else if (r->state == PICKING)
        go_on_from_pick(r);
    else if (r->state == REMOVING)
        go_on_from_removal(r);
    else if (r->emptied)
        send_remove(r);
    else
        rest(r);
}

static void on_broken(void *user, const char *why)
{
    char words[WHY_SIZE]; /* the reason lives in what is dropped */
    snprintf(words, sizeof words, "%.400s", why);
    end_sweep(user, words);
}

static void on_ready(void *user)
{
    send_target(user);
}

static void on_sweep_time(void *user)
{
    static const struct pg_events events = {
        .ready = on_ready, .result = on_result, .idle = on_idle, .broken = on_broken};
    struct retention *r = user;
    r->timer = NULL;
    move(r, CONNECTING);
    r->sweep_ns = now_ns(r);
    r->all_wallets = r->all_runs = 0;
    r->failed = false;
    r->conn = pg_conn_open(r->instance, "retention", &events, r);
    if (r->conn == NULL)
        end_sweep(r, "out of memory");
}

/* ---- from outside ---- */

struct retention *retention_new(struct instance *instance)
{
    const struct settings *s = &instance->settings;
    struct retention *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->instance = instance;
    if (s->retain_days > 0 || s->retain_runs > 0)
        wait_for_next(r, (uint64_t)s->sweep_delay * 1000);
    return r;
}

void retention_close(struct retention *r, void (*gone)(void *arg), void *arg)
{
    if (r->state == CLOSED)
        return;
    move(r, CLOSED);
    r->closing++; /* ours, so that gone() comes once, at the end */
    disconnect(r);
    r->gone = gone;
    r->gone_arg = arg;
    on_gone(r);
}

void retention_free(struct retention *r)
{
    free(r);
}

void retention_levels(const struct retention *r, struct levels *out)
{
    bool off = r->state == OFF || r->state == CLOSED;
    out->retention = off ? "off" : r->state == WAITING ? "waiting" : "sweeping";
    out->sweep = r->last;
    out->sweep.why = r->last_why;
}
