/* Happy path: resolve names → connect → idle ⇄ busy (⇄ copying) → closed.
 *
 * libpq may close its socket and open another one, often with the same number, inside
 * PQconnectPoll(): so the watch is given back before each call and taken anew after it.
 * Failure: `spoil` notes the reason and lets a timer report it, so that an owner is never called
 * back from inside its own call.  A server that closes an idle connection is noticed at once,
 * because an idle connection is watched for reading. */
#include "pg_conn.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_target.h"

/* How much COPY data one turn of the loop may hand to libpq. */
enum { COPY_BYTES_A_TURN = 512 * 1024 };

enum state { RESOLVING, CONNECTING, IDLE, BUSY, COPYING, SPOILT, CLOSED, STATE_COUNT };

#define TO(state) (1u << (state))
static const struct {
    const char *name;
    unsigned next;
} states[STATE_COUNT] = {
    [RESOLVING] = {"resolving", TO(CONNECTING) | TO(SPOILT) | TO(CLOSED)},
    [CONNECTING] = {"connecting", TO(IDLE) | TO(SPOILT) | TO(CLOSED)},
    [IDLE] = {"idle", TO(BUSY) | TO(SPOILT) | TO(CLOSED)},
    [BUSY] = {"busy", TO(IDLE) | TO(COPYING) | TO(SPOILT) | TO(CLOSED)},
    [COPYING] = {"copying", TO(BUSY) | TO(SPOILT) | TO(CLOSED)},
    [SPOILT] = {"broken", TO(CLOSED)},
    [CLOSED] = {"closed", 0},
};

struct pg_conn {
    const struct instance *instance;
    const struct pg_events *on;
    void *user;
    enum state state;
    struct pg_target target;
    PGconn *pq;
    wt_watch *watch;
    uint32_t interest;    /* what `watch` waits for                         */
    wt_timer *deadline;   /* of the state; in SPOILT it reports the reason  */
    uint64_t deadline_ms; /* for words                                      */
    unsigned warnings;    /* since the command was sent                     */
    size_t put;           /* COPY bytes handed over in this turn               */
    bool look_up;         /* the host has yet to answer a resolve()            */
    unsigned depth;       /* calls of ours on the stack that still need `c`    */
    void (*gone)(void *arg);
    void *gone_arg;
    char why[WHY_SIZE];
};

/* ---- states ---- */

static void untime(struct pg_conn *c)
{
    if (c->deadline != NULL)
        c->instance->api->untimer(c->instance->host, c->deadline);
    c->deadline = NULL;
}

static void unwatch(struct pg_conn *c)
{
    c->instance->api->unwatch(c->instance->host, c->watch);
    c->watch = NULL;
    c->interest = 0;
}

/* The only writer of c->state. */
static void move(struct pg_conn *c, enum state to)
{
    assert(states[c->state].next & TO(to));
    c->state = to;
    switch (to) {
    case IDLE:
        untime(c);
        break;
    case SPOILT:
    case CLOSED:
        untime(c);
        unwatch(c);
        break;
    default:
        break;
    }
}

static void enter(struct pg_conn *c)
{
    c->depth++;
}

/* The last thing that a callback does: afterwards `c` may be gone. */
static void leave(struct pg_conn *c)
{
    if (--c->depth > 0 || c->state != CLOSED || c->look_up)
        return;
    void (*gone)(void *) = c->gone;
    void *arg = c->gone_arg;
    free(c);
    if (gone != NULL)
        gone(arg);
}

static void on_spoilt(void *user)
{
    struct pg_conn *c = user;
    c->deadline = NULL;
    enter(c);
    c->on->broken(c->user, c->why);
    leave(c);
}

static void spoil(struct pg_conn *c, const char *why)
{
    if (c->state >= SPOILT)
        return;
    move(c, SPOILT);
    snprintf(c->why, sizeof c->why, "%.*s", (int)strcspn(why, "\n"), why);
    c->deadline = c->instance->api->timer(c->instance->host, 0, on_spoilt, c);
}

static void spoil_by_libpq(struct pg_conn *c)
{
    const char *text = PQerrorMessage(c->pq);
    spoil(c, text[0] != '\0' ? text : "connection lost");
}

static void on_deadline(void *user)
{
    struct pg_conn *c = user;
    char why[128];
    c->deadline = NULL;
    snprintf(why, sizeof why, "no answer from the server within %llu ms (%s)",
             (unsigned long long)c->deadline_ms, states[c->state].name);
    spoil(c, why);
}

static void set_deadline(struct pg_conn *c, uint64_t ms)
{
    untime(c);
    c->deadline_ms = ms;
    c->deadline = c->instance->api->timer(c->instance->host, ms, on_deadline, c);
    if (c->deadline == NULL)
        spoil(c, "out of memory");
}

static void on_io(void *user, uint32_t events);

static void want(struct pg_conn *c, uint32_t interest)
{
    const struct instance *i = c->instance;
    if (c->watch == NULL)
        c->watch = i->api->watch(i->host, PQsocket(c->pq), interest, on_io, c);
    else if (interest != c->interest)
        i->api->rewatch(i->host, c->watch, interest);
    c->interest = interest;
    if (c->watch == NULL)
        spoil(c, "the connection's socket cannot be watched");
}

/* ---- connecting ---- */

static void on_notice(void *user, const PGresult *notice)
{
    struct pg_conn *c = user;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    bool warning = severity != NULL && strcmp(severity, "WARNING") == 0;
    c->warnings += warning;
    instance_log(c->instance, warning ? WT_LOG_WARNING : WT_LOG_DEBUG, "server: %s",
                 text != NULL ? text : "(no text)");
}

static void on_connected(struct pg_conn *c)
{
    if (PQsetnonblocking(c->pq, 1) != 0) {
        spoil_by_libpq(c);
        return;
    }
    move(c, IDLE);
    want(c, WT_IO_READ);
    if (c->state == IDLE)
        c->on->ready(c->user);
}

static void connect_step(struct pg_conn *c)
{
    unwatch(c);
    switch (PQconnectPoll(c->pq)) {
    case PGRES_POLLING_READING:
        want(c, WT_IO_READ);
        break;
    case PGRES_POLLING_WRITING:
        want(c, WT_IO_WRITE);
        break;
    case PGRES_POLLING_OK:
        on_connected(c);
        break;
    default:
        spoil_by_libpq(c);
        break;
    }
}

static void connect_start(struct pg_conn *c)
{
    move(c, CONNECTING);
    pg_target_finish(&c->target);
    c->pq = PQconnectStartParams(c->target.keys, c->target.values, 0);
    if (c->pq == NULL) {
        spoil(c, "out of memory");
        return;
    }
    PQsetNoticeReceiver(c->pq, on_notice, c);
    if (PQstatus(c->pq) == CONNECTION_BAD)
        spoil_by_libpq(c);
    else
        want(c, WT_IO_WRITE); /* as if PQconnectPoll() had said so: the manual's rule */
}

static void resolve_next(struct pg_conn *c);

static void on_resolved(void *user, const char *address, const char *error)
{
    struct pg_conn *c = user;
    c->look_up = false;
    enter(c);
    if (c->state == RESOLVING) {
        char why[WHY_SIZE];
        const char *name = pg_target_name(&c->target);
        if (address == NULL) {
            snprintf(why, sizeof why, "cannot look up \"%.200s\": %.200s", name,
                     error != NULL ? error : "no address");
            spoil(c, why);
        } else if (pg_target_answer(&c->target, address) != 0) {
            spoil(c, "out of memory");
        } else {
            resolve_next(c);
        }
    }
    leave(c);
}

static void resolve_next(struct pg_conn *c)
{
    const struct instance *i = c->instance;
    const char *name = pg_target_name(&c->target);
    if (name == NULL) {
        connect_start(c);
        return;
    }
    c->look_up = true; /* first: nothing says that the answer comes later */
    if (i->api->resolve(i->host, name, on_resolved, c) != 0) {
        c->look_up = false;
        spoil(c, "the host cannot look names up");
    }
}

struct pg_conn *pg_conn_open(const struct instance *instance, const char *role,
                             const struct pg_events *events, void *user)
{
    struct pg_conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    *c = (struct pg_conn){.instance = instance, .on = events, .user = user};
    char name[64];
    snprintf(name, sizeof name, APPLICATION_PREFIX " %s %.*s", role, (int)(40 - strlen(role)),
             instance->settings.stream);
    if (pg_target_parse(&c->target, instance->settings.conninfo, name) != 0) {
        pg_target_free(&c->target);
        free(c);
        return NULL;
    }
    set_deadline(c, (uint64_t)instance->settings.connect_seconds * 1000);
    if (c->state == RESOLVING)
        resolve_next(c);
    return c;
}

/* ---- traffic ---- */

static void take_result(struct pg_conn *c, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
        spoil(c, "the server answered with a COPY that nobody asked for");
    } else {
        if (status == PGRES_COPY_IN)
            move(c, COPYING);
        c->on->result(c->user, result);
    }
    PQclear(result);
}

static void take_results(struct pg_conn *c)
{
    while (c->state == BUSY && !PQisBusy(c->pq)) {
        PGresult *result = PQgetResult(c->pq);
        if (result != NULL) {
            take_result(c, result);
        } else if (PQstatus(c->pq) == CONNECTION_BAD) {
            spoil_by_libpq(c);
        } else {
            move(c, IDLE);
            c->on->idle(c->user);
        }
    }
}

/* Hands COPY data over as long as the kernel takes it, within the turn's share. */
static void feed_copy(struct pg_conn *c)
{
    for (c->put = 0; c->state == COPYING && c->put < COPY_BYTES_A_TURN;) {
        int pending = PQflush(c->pq);
        if (pending < 0)
            spoil_by_libpq(c);
        if (pending != 0)
            return;
        c->on->copy_more(c->user);
    }
}

/* Waits for writing only while there is something to write, or every turn would be busy. */
static void settle(struct pg_conn *c)
{
    if (c->state < IDLE || c->state >= SPOILT)
        return;
    int pending = PQflush(c->pq);
    if (pending < 0)
        spoil_by_libpq(c);
    else
        want(c, WT_IO_READ | (pending > 0 || c->state == COPYING ? WT_IO_WRITE : 0));
}

static void traffic(struct pg_conn *c, uint32_t events)
{
    /* Reading comes first: a server that blocks on its own output would never take ours. */
    bool lost = (events & ~(uint32_t)WT_IO_WRITE) != 0 && !PQconsumeInput(c->pq);
    if (c->state == IDLE && !lost && PQisBusy(c->pq) == 0) {
        PGnotify *notify = PQnotifies(c->pq); /* parses what came unasked, such as a farewell */
        PQfreemem(notify);
        lost = PQstatus(c->pq) == CONNECTION_BAD;
    }
    take_results(c);
    if (lost && c->state < SPOILT)
        spoil_by_libpq(c);
    feed_copy(c);
    take_results(c);
    settle(c);
}

static void on_io(void *user, uint32_t events)
{
    struct pg_conn *c = user;
    enter(c);
    if (c->state == CONNECTING)
        connect_step(c);
    else if (c->state < SPOILT)
        traffic(c, events);
    leave(c);
}

static void sent(struct pg_conn *c, int ok, uint64_t ms)
{
    if (!ok) {
        spoil_by_libpq(c);
        return;
    }
    move(c, BUSY);
    c->warnings = 0;
    set_deadline(c, ms);
    settle(c);
}

void pg_conn_query(struct pg_conn *c, const char *sql, uint64_t ms)
{
    if (c->state == IDLE)
        sent(c, PQsendQuery(c->pq, sql), ms);
}

void pg_conn_query_params(struct pg_conn *c, const char *sql, const struct pg_params *params,
                          uint64_t ms)
{
    if (c->state == IDLE)
        sent(c,
             PQsendQueryParams(c->pq, sql, params->n, params->types, params->values, params->sizes,
                               params->formats, params->result_format),
             ms);
}

void pg_conn_put(struct pg_conn *c, const void *bytes, size_t size)
{
    assert(c->state == COPYING);
    c->put += size;
    if (PQputCopyData(c->pq, bytes, (int)size) != 1)
        spoil_by_libpq(c);
}

void pg_conn_put_end(struct pg_conn *c)
{
    assert(c->state == COPYING);
    if (PQputCopyEnd(c->pq, NULL) != 1)
        spoil_by_libpq(c);
    else
        move(c, BUSY);
}

/* ---- the rest ---- */

void pg_conn_own(struct pg_conn *c, const struct pg_events *events, void *user)
{
    c->on = events;
    c->user = user;
}

unsigned pg_conn_warnings(const struct pg_conn *c)
{
    return c->warnings;
}

bool pg_conn_in_transaction(const struct pg_conn *c)
{
    return PQtransactionStatus(c->pq) != PQTRANS_IDLE;
}

bool pg_conn_good(const struct pg_conn *c)
{
    return c->pq != NULL && PQstatus(c->pq) == CONNECTION_OK;
}

void pg_conn_place(const struct pg_conn *c, char *out, size_t size)
{
    snprintf(out, size, "%s:%s/%s", PQhost(c->pq), PQport(c->pq), PQdb(c->pq));
}

static char *owned(char *quoted)
{
    char *copy = quoted != NULL ? strdup(quoted) : NULL;
    PQfreemem(quoted);
    return copy;
}

char *pg_conn_identifier(struct pg_conn *c, const char *name)
{
    return owned(PQescapeIdentifier(c->pq, name, strlen(name)));
}

char *pg_conn_literal(struct pg_conn *c, const char *text)
{
    return owned(PQescapeLiteral(c->pq, text, strlen(text)));
}

void pg_conn_close(struct pg_conn *c, void (*gone)(void *arg), void *arg)
{
    enter(c);
    c->gone = gone;
    c->gone_arg = arg;
    move(c, CLOSED);
    PQfinish(c->pq);
    c->pq = NULL;
    pg_target_free(&c->target);
    leave(c);
}
