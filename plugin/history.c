/* Happy path of a question: begin (read-only, with its time limit) → select → the answer is passed
 * on → commit → next.  Failure of the server's: the question ends with it, rollback, next.  Failure
 * of the connection: all end with WT_E_AGAIN; a new connection is made for a question that comes
 * after the back-off.  A cancelled question that runs takes the connection with it: nothing blocks,
 * and the server notices. */
#include "history.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg_conn.h"
#include "question.h"
#include "sql.h"

enum { WAITING_MOST = 64, BACK_OFF_FIRST_MS = 100, BACK_OFF_MOST_MS = 5000 };
enum { TEXT_TYPE = 25 };

enum state { AWAY, CONNECTING, IDLE, BEGINNING, SELECTING, FINISHING, CLOSED, STATE_COUNT };

#define TO(state) (1u << (state))
static const unsigned next_states[STATE_COUNT] = {
    [AWAY] = TO(CONNECTING) | TO(CLOSED),
    [CONNECTING] = TO(IDLE) | TO(AWAY) | TO(CLOSED),
    [IDLE] = TO(BEGINNING) | TO(AWAY) | TO(CLOSED),
    [BEGINNING] = TO(SELECTING) | TO(FINISHING) | TO(AWAY) | TO(CLOSED),
    [SELECTING] = TO(FINISHING) | TO(AWAY) | TO(CLOSED),
    [FINISHING] = TO(IDLE) | TO(AWAY) | TO(CLOSED),
    [CLOSED] = 0,
};

struct asked {
    wt_query *query;
    uint64_t deadline_ns;
    struct question question;
    struct asked *next;
};

struct history {
    struct instance *instance;
    enum state state;
    struct pg_conn *conn;
    struct asked *first, **last; /* the first is the one that runs */
    size_t waiting;
    bool answered; /* the first has its reply_end()  */
    uint64_t back_off_ms, not_before_ns;
    char why[WHY_SIZE]; /* why the connection broke       */
    unsigned closing;   /* connections that are not gone  */
    void (*gone)(void *arg);
    void *gone_arg;
};

static void go_on(struct history *h);

/* The only writer of h->state. */
static void move(struct history *h, enum state to)
{
    assert(next_states[h->state] & TO(to));
    h->state = to;
}

static uint64_t now_ns(const struct history *h)
{
    return h->instance->api->now_ns();
}

/* ---- the queue ---- */

static void end(struct history *h, wt_query *query, wt_status status, const char *message)
{
    h->instance->figures.questions_failed += status != WT_OK;
    h->instance->api->reply_end(h->instance->host, query, status, message);
}

static void drop_first(struct history *h)
{
    struct asked *first = h->first;
    h->first = first->next;
    if (h->first == NULL)
        h->last = &h->first;
    h->waiting--;
    h->answered = false;
    question_free(&first->question);
    free(first);
}

static void end_all(struct history *h, wt_status status, const char *message)
{
    while (h->first != NULL) {
        if (!h->answered)
            end(h, h->first->query, status, message);
        drop_first(h);
    }
}

static void answer_first(struct history *h, wt_status status, const char *message)
{
    if (!h->answered)
        end(h, h->first->query, status, message);
    h->answered = true;
}

/* ---- the connection ---- */

static void on_gone(void *arg)
{
    struct history *h = arg;
    h->closing--;
    if (h->closing == 0 && h->state == CLOSED && h->gone != NULL)
        h->gone(h->gone_arg);
}

static void disconnect(struct history *h, enum state to)
{
    struct pg_conn *conn = h->conn;
    move(h, to);
    h->conn = NULL;
    if (conn != NULL) {
        h->closing++;
        pg_conn_close(conn, on_gone, h);
    }
}

static void on_broken(void *user, const char *why)
{
    struct history *h = user;
    snprintf(h->why, sizeof h->why, "the database cannot be asked: %.400s", why);
    h->back_off_ms = h->back_off_ms == 0 ? BACK_OFF_FIRST_MS : h->back_off_ms * 2;
    if (h->back_off_ms > BACK_OFF_MOST_MS)
        h->back_off_ms = BACK_OFF_MOST_MS;
    h->not_before_ns = now_ns(h) + h->back_off_ms * 1000000;
    disconnect(h, AWAY);
    end_all(h, WT_E_AGAIN, h->why);
}

static void on_ready(void *user)
{
    struct history *h = user;
    move(h, IDLE);
    if (h->instance->schema == NULL)
        h->instance->schema = pg_conn_identifier(h->conn, h->instance->settings.schema);
    if (h->instance->schema == NULL)
        on_broken(h, "out of memory");
    else
        go_on(h);
}

/* ---- one question ---- */

static uint64_t time_left_ms(const struct history *h)
{
    uint64_t now = now_ns(h), deadline = h->first->deadline_ns;
    return deadline > now ? (deadline - now) / 1000000 + 1 : 0;
}

static void begin(struct history *h)
{
    char sql[192];
    uint64_t ms = time_left_ms(h);
    snprintf(sql, sizeof sql,
             "BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL statement_timeout = %" PRIu64, ms);
    move(h, BEGINNING);
    pg_conn_query(h->conn, sql, ms + 1000);
}

static void finish(struct history *h)
{
    move(h, FINISHING);
    pg_conn_query(h->conn, "ROLLBACK", 5000);
}

static void ask(struct history *h)
{
    static const Oid types[QUESTION_PARAMS] = {[0 ... QUESTION_PARAMS - 1] = TEXT_TYPE};
    const struct question *q = &h->first->question;
    char *sql = sql_prepare(q->text, h->instance->schema);
    if (sql == NULL) {
        answer_first(h, WT_E_AGAIN, "out of memory");
        finish(h);
        return;
    }
    move(h, SELECTING);
    pg_conn_query_params(
        h->conn, sql,
        &(struct pg_params){.n = q->n, .values = (const char *const *)q->values, .types = types},
        time_left_ms(h) + 1000);
    free(sql);
}

/* The next question whose time is not over, or a connection for it. */
static void go_on(struct history *h)
{
    while (h->first != NULL && time_left_ms(h) == 0) {
        end(h, h->first->query, WT_E_CANCELLED, "not answered in time");
        drop_first(h);
    }
    if (h->first != NULL && h->state == IDLE)
        begin(h);
}

static void reply(struct history *h, const PGresult *r)
{
    const struct instance *i = h->instance;
    if (PQntuples(r) == 1 && !PQgetisnull(r, 0, 0))
        i->api->reply(i->host, h->first->query, PQgetvalue(r, 0, 0), (size_t)PQgetlength(r, 0, 0));
    else
        i->api->reply(i->host, h->first->query, "null", 4);
    answer_first(h, WT_OK, NULL);
}

static void refuse(struct history *h, const PGresult *r)
{
    const char *sqlstate = PQresultErrorField(r, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    char why[WHY_SIZE];
    wt_status status = WT_E_AGAIN;
    if (sqlstate != NULL && strncmp(sqlstate, "22", 2) == 0)
        status = WT_E_ARGUMENT;
    if (sqlstate != NULL && strcmp(sqlstate, "57014") == 0)
        status = WT_E_CANCELLED;
    snprintf(why, sizeof why, "%s: %.400s", status == WT_E_ARGUMENT ? "arguments" : "database",
             text != NULL ? text : "no message");
    answer_first(h, status, why);
}

static void on_result(void *user, const PGresult *r)
{
    struct history *h = user;
    ExecStatusType status = PQresultStatus(r);
    if (h->state == FINISHING || h->answered)
        return;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        refuse(h, r);
    else if (h->state == SELECTING)
        reply(h, r);
}

static void on_idle(void *user)
{
    struct history *h = user;
    switch (h->state) {
    case BEGINNING:
        if (h->answered)
            finish(h);
        else
            ask(h);
        break;
    case SELECTING:
        h->back_off_ms = 0;
        finish(h);
        break;
    default:
        move(h, IDLE);
        drop_first(h);
        go_on(h);
        break;
    }
}

static void connect(struct history *h)
{
    static const struct pg_events events = {
        .ready = on_ready, .result = on_result, .idle = on_idle, .broken = on_broken};
    move(h, CONNECTING);
    h->conn = pg_conn_open(h->instance, "reader", &events, h);
    if (h->conn == NULL)
        on_broken(h, "out of memory");
}

/* ---- from outside ---- */

static void queue(struct history *h, wt_query *query, const wt_query_args *args,
                  struct question question)
{
    struct asked *asked = calloc(1, sizeof *asked);
    if (asked == NULL) {
        question_free(&question);
        end(h, query, WT_E_AGAIN, "out of memory");
        return;
    }
    *asked = (struct asked){.query = query, .deadline_ns = args->deadline_ns, .question = question};
    *h->last = asked;
    h->last = &asked->next;
    h->waiting++;
    if (h->state == AWAY)
        connect(h);
    else
        go_on(h);
}

void history_ask(struct history *h, wt_query *query, const wt_query_args *args)
{
    struct question question;
    char why[WHY_SIZE];
    h->instance->figures.questions++;
    if (h->state == CLOSED) {
        end(h, query, WT_E_CANCELLED, "closing");
        return;
    }
    wt_status status = question_parse(args->name, args->args, &question, why);
    if (status != WT_OK) {
        end(h, query, status, why);
    } else if (h->waiting >= WAITING_MOST) {
        question_free(&question);
        end(h, query, WT_E_AGAIN, "too many questions are waiting");
    } else if (h->state == AWAY && now_ns(h) < h->not_before_ns) {
        question_free(&question);
        end(h, query, WT_E_AGAIN, h->why);
    } else {
        queue(h, query, args, question);
    }
}

/* The one that runs: the others start again on a new connection. */
static void cancel_first(struct history *h)
{
    answer_first(h, WT_E_CANCELLED, "cancelled");
    if (h->state == CONNECTING) {
        drop_first(h);
        return;
    }
    disconnect(h, AWAY);
    drop_first(h);
    if (h->first != NULL)
        connect(h);
}

void history_cancel(struct history *h, wt_query *query)
{
    if (h->first != NULL && h->first->query == query) {
        if (!h->answered)
            cancel_first(h);
        return;
    }
    for (struct asked **p = &h->first; *p != NULL; p = &(*p)->next) {
        struct asked *asked = *p;
        if (asked->query != query)
            continue;
        *p = asked->next;
        if (*p == NULL)
            h->last = p;
        h->waiting--;
        end(h, query, WT_E_CANCELLED, "cancelled");
        question_free(&asked->question);
        free(asked);
        return;
    }
}

size_t history_waiting(const struct history *h)
{
    return h->waiting;
}

struct history *history_new(struct instance *instance)
{
    struct history *h = calloc(1, sizeof *h);
    if (h == NULL)
        return NULL;
    h->instance = instance;
    h->last = &h->first;
    return h;
}

void history_close(struct history *h, void (*gone)(void *arg), void *arg)
{
    if (h->state == CLOSED)
        return;
    end_all(h, WT_E_CANCELLED, "closing");
    h->closing++; /* ours, so that gone() comes once, at the end */
    disconnect(h, CLOSED);
    h->gone = gone;
    h->gone_arg = arg;
    on_gone(h);
}

void history_free(struct history *h)
{
    free(h);
}
