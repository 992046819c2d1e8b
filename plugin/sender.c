/* Happy path of a batch, all in one message when no run ends in it:
 *
 *   idle → writing (begin, cursor, COPY …, commit) → idle
 *   idle → asking (which wallets are known) → writing (… no commit)
 *        → ending (totals) → committing → idle
 *
 * The server answers the cursor's update before it takes the first COPY byte, so a fenced
 * sender stops before it has completed a COPY, and nothing of the message after it ever runs.
 *
 * A warning in that message may be one of a trigger's, or the commit's own (a standby was not
 * waited for): then a second transaction writes the cursor as it should stand now, and its commit,
 * in a message of its own, speaks for both: what is durable of a later commit is so of an earlier
 * one.
 *
 * A refusal: rolling_back, then by its reaction: retry the range, halve it, quarantine what is
 * alone, or end.  [from, to) is the range that is being tried; everything before `from` is
 * committed; `bad_to` is the end of the smallest range that is known to be refused. */
#include "sender.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault_point.h"
#include "run_builds.h"
#include "sql.h"
#include "transaction.h"
#include "undecided.h"

enum {
    RETRIES = 3,
    RETRY_MS = 50,
};

enum state {
    IDLE,
    ASKING,
    WRITING,
    ENDING,
    CONFIRMING,
    COMMITTING,
    ROLLING_BACK,
    PAUSING,
    ENDED,
    STATE_COUNT
};

#define TO(state) (1u << (state))
static const struct {
    const char *name;
    unsigned next;
} states[STATE_COUNT] = {
    [IDLE] = {"idle", TO(ASKING) | TO(WRITING) | TO(ENDED)},
    [ASKING] = {"asking", TO(WRITING) | TO(IDLE) | TO(PAUSING) | TO(ENDED)},
    [WRITING] = {"writing", TO(ENDING) | TO(CONFIRMING) | TO(ROLLING_BACK) | TO(IDLE) |
                                TO(PAUSING) | TO(ENDED)},
    [ENDING] = {"ending", TO(COMMITTING) | TO(ROLLING_BACK) | TO(ENDED)},
    [CONFIRMING] = {"confirming", TO(COMMITTING) | TO(ENDED)},
    [COMMITTING] = {"committing", TO(IDLE) | TO(ROLLING_BACK) | TO(PAUSING) | TO(ENDED)},
    [ROLLING_BACK] = {"rolling back", TO(IDLE) | TO(PAUSING) | TO(ENDED)},
    [PAUSING] = {"pausing", TO(IDLE) | TO(ENDED)},
    [ENDED] = {"ended", 0},
};

struct sender {
    struct instance *instance;
    struct pg_conn *conn;
    const struct sender_events *on;
    void *arg;
    enum state state;
    struct cursor cursor; /* its seq: the last committed event */
    char *end_runs, *known_wallets;
    char *build; /* as a quoted literal */
    struct run_builds builds;

    wt_timer *timer; /* PAUSING: try again */

    struct batch sending;
    size_t from, to, bad_to; /* bad_to 0: no range is known to be refused */
    bool draining;           /* no other transaction is begun             */
    bool quarantine;         /* the range goes to the quarantine          */
    struct rows raw;         /* its rows                                  */
    unsigned tries;
    uint64_t started_ns;

    struct copy_feed feed;
    bool commit_sent;
    bool moved;             /* the cursor's update has been answered */
    bool committed, warned; /* what came with COMMIT */

    bool failed; /* of the current attempt, the first error: */
    char sqlstate[6];
    char message[WHY_SIZE];
};

static void attempt(struct sender *s);

/* ---- states ---- */

static void untime(struct sender *s)
{
    if (s->timer != NULL)
        s->instance->api->untimer(s->instance->host, s->timer);
    s->timer = NULL;
}

/* The only writer of s->state. */
static void move(struct sender *s, enum state to)
{
    assert(states[s->state].next & TO(to));
    s->state = to;
    untime(s);
}

static void end(struct sender *s, wt_status status, const char *message)
{
    if (s->state == ENDED)
        return;
    move(s, ENDED);
    s->on->ended(s->arg, status, message);
}

static uint64_t now_ns(const struct sender *s)
{
    return s->instance->api->now_ns();
}

static uint64_t commit_ms(const struct sender *s)
{
    return (uint64_t)s->instance->settings.commit_seconds * 1000;
}

static void send_sql(struct sender *s, const char *sql)
{
    pg_conn_query(s->conn, sql, commit_ms(s));
}

/* Takes a text over, which is NULL when memory is out. */
static void send_text(struct sender *s, enum state to, char *sql)
{
    if (sql == NULL) {
        end(s, WT_E_AGAIN, "out of memory");
        return;
    }
    s->moved = false;
    move(s, to);
    send_sql(s, sql);
    free(sql);
}

/* ---- storing the range ---- */

static struct range range(const struct sender *s)
{
    return (struct range){
        .batch = &s->sending, .from = s->from, .to = s->to, .raw = s->quarantine ? &s->raw : NULL};
}

static void send_transaction(struct sender *s)
{
    struct range r = range(s);
    char *note = NULL, *sql = NULL;
    if (run_builds_statement(&s->builds, &r, s->instance->schema, s->build, &note))
        sql = transaction_text(&r, s->instance, &s->cursor, note, &s->commit_sent);
    free(note);
    copy_feed_start(&s->feed, &r);
    FAULT_POINT("recorder-send");
    send_text(s, WRITING, sql);
}

static void on_copy_more(void *user)
{
    struct sender *s = user;
    struct range r = range(s);
    copy_feed_more(&s->feed, &r, s->conn);
    FAULT_POINT("recorder-copying");
}

static void send_ends(struct sender *s)
{
    struct range r = range(s);
    char *text = transaction_ends(&r);
    if (text == NULL) {
        end(s, WT_E_AGAIN, "out of memory");
        return;
    }
    const char *values[] = {text};
    move(s, ENDING);
    pg_conn_query_params(s->conn, s->end_runs, &(struct pg_params){.n = 1, .values = values},
                         commit_ms(s));
    FAULT_POINT("recorder-ends-sent");
    free(text);
}

/* ---- who is new ---- */

static void ask(struct sender *s)
{
    struct rows wallets = {0}, runs = {0};
    if (!undecided_arrays(&s->sending, s->from, s->to, &wallets, &runs)) {
        rows_free(&wallets);
        rows_free(&runs);
        end(s, WT_E_AGAIN, "out of memory");
        return;
    }
    const char *values[] = {(char *)wallets.data, (char *)runs.data};
    const int sizes[] = {(int)wallets.size, (int)runs.size}, formats[] = {1, 1};
    move(s, ASKING);
    pg_conn_query_params(
        s->conn, s->known_wallets,
        &(struct pg_params){
            .n = 2, .values = values, .sizes = sizes, .formats = formats, .result_format = 1},
        commit_ms(s));
    rows_free(&wallets);
    rows_free(&runs);
}

/* ---- refusals ---- */

static void note_failure(struct sender *s, const char *sqlstate, const char *message)
{
    if (s->failed)
        return;
    s->failed = true;
    snprintf(s->sqlstate, sizeof s->sqlstate, "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(s->message, sizeof s->message, "%s", message != NULL ? message : "(no message)");
}

static void on_pause_over(void *user)
{
    struct sender *s = user;
    s->timer = NULL;
    move(s, IDLE);
    attempt(s);
}

static void end_refused(struct sender *s, wt_status status)
{
    char why[WHY_SIZE + 128];
    snprintf(why, sizeof why, "events %" PRIu64 "..%" PRIu64 ": %.400s (SQLSTATE %s)",
             s->sending.entries[s->from].seq, s->sending.entries[s->to - 1].seq, s->message,
             s->sqlstate[0] != '\0' ? s->sqlstate : "none");
    end(s, status, why);
}

static void retry(struct sender *s)
{
    if (s->tries++ == RETRIES) {
        end_refused(s, WT_E_AGAIN);
        return;
    }
    s->instance->figures.retries++;
    move(s, PAUSING);
    s->timer = s->instance->api->timer(s->instance->host, (uint64_t)RETRY_MS << s->tries,
                                       on_pause_over, s);
    if (s->timer == NULL)
        end(s, WT_E_AGAIN, "out of memory");
}

/* A run that is not there refuses every event of it: those that follow each other go together. */
static size_t quarantine_end(const struct sender *s)
{
    size_t to = s->from + 1;
    bool of_run = strcmp(s->sqlstate, "23503") == 0;
    while (of_run && to < s->sending.count && s->sending.entries[to].kind != WT_RUN_START &&
           memcmp(&s->sending.entries[to].run_id, &s->sending.entries[s->from].run_id,
                  sizeof(wt_uuid)) == 0)
        to++;
    return to;
}

static void start_quarantine(struct sender *s)
{
    s->quarantine = true;
    s->to = quarantine_end(s);
    rows_cut(&s->raw, 0);
    for (size_t i = s->from; i < s->to; i++)
        batch_quarantine_row(&s->sending, i, s->instance->settings.stream, s->sqlstate, s->message,
                             &s->raw);
    instance_log(s->instance, WT_LOG_ERROR,
                 "events %" PRIu64 "..%" PRIu64 " go to the quarantine: %s (SQLSTATE %s)",
                 s->sending.entries[s->from].seq, s->sending.entries[s->to - 1].seq, s->message,
                 s->sqlstate);
    if (s->raw.failed)
        end(s, WT_E_AGAIN, "out of memory");
    else
        attempt(s);
}

static void halve(struct sender *s)
{
    if (s->quarantine) {
        end_refused(s, WT_E_POISON);
    } else if (s->to - s->from == 1) {
        start_quarantine(s);
    } else {
        s->bad_to = s->to;
        s->to = s->from + (s->to - s->from) / 2;
        attempt(s);
    }
}

static void react(struct sender *s)
{
    enum reaction reaction = pg_conn_good(s->conn) ? reaction_to(s->sqlstate) : REACT_AGAIN;
    s->instance->figures.errors[reaction]++;
    if (s->draining) { /* the range comes again */
        end(s, WT_OK, NULL);
        return;
    }
    if (reaction == REACT_RETRY) {
        retry(s);
        return;
    }
    if (reaction != REACT_DATA) {
        end_refused(s, reaction_status(reaction));
        return;
    }
    if (s->state != IDLE)
        move(s, IDLE);
    halve(s);
}

/* ---- progress ---- */

static void count_recorded(struct sender *s)
{
    struct figures *f = &s->instance->figures;
    struct range r = range(s);
    for (size_t i = s->from; i < s->to; i++)
        if (s->quarantine)
            f->quarantined++;
        else if (s->sending.entries[i].kind < KIND_COUNT)
            f->recorded[s->sending.entries[i].kind]++;
    f->acked += s->to - s->from;
    figures_batch(f, s->to - s->from, range_bytes(&r), (double)(now_ns(s) - s->started_ns) / 1e9);
}

/* After a success within a range that is known to be bad, the fault is in what is left of it. */
static void choose_rest(struct sender *s)
{
    bool was_quarantine = s->quarantine;
    s->quarantine = false;
    s->from = s->to;
    s->tries = 0;
    if (was_quarantine || s->bad_to <= s->from) {
        s->bad_to = 0;
        s->to = s->sending.count;
    } else if (s->bad_to - s->from == 1) {
        s->to = s->bad_to;
    } else {
        s->to = s->from + (s->bad_to - s->from) / 2;
    }
}

static void on_committed(struct sender *s)
{
    const struct instance *i = s->instance;
    struct range r = range(s);
    count_recorded(s);
    run_builds_recorded(&s->builds, &r);
    s->cursor.seq = s->sending.entries[s->to - 1].seq;
    move(s, IDLE);
    FAULT_POINT("recorder-committed");
    i->api->ack(i->host, s->cursor.seq);
    FAULT_POINT("recorder-acked");
    choose_rest(s);
    if (s->draining) {
        end(s, WT_OK, NULL);
        return;
    }
    if (s->from < s->sending.count) {
        attempt(s);
        return;
    }
    batch_clear(&s->sending);
    rows_cut(&s->raw, 0);
    s->on->finished(s->arg);
}

static void attempt(struct sender *s)
{
    s->failed = s->committed = false;
    s->started_ns = now_ns(s);
    if (!s->quarantine && undecided_any(&s->sending, s->from, s->to))
        ask(s);
    else
        send_transaction(s);
}

/* ---- answers ---- */

/* False when the cursor was not ours to move. */
static bool still_ours(struct sender *s, const PGresult *r)
{
    if (strcmp(PQcmdTuples((PGresult *)r), "1") == 0)
        return true;
    s->instance->figures.fenced++;
    end(s, WT_E_FENCED, "another instance has claimed the stream, or moved its cursor");
    return false;
}

static void take_command(struct sender *s, const PGresult *r)
{
    const char *tag = PQcmdStatus((PGresult *)r);
    struct range sent = range(s);
    if (!s->moved && strncmp(tag, "UPDATE", 6) == 0) {
        s->moved = still_ours(s, r); /* the first of the message's updates */
    } else if (s->state == ENDING &&
               strtoull(PQcmdTuples((PGresult *)r), NULL, 10) != range_ends(&sent)) {
        note_failure(s, "23503", "no run with this id is running");
    } else if (strcmp(tag, "COMMIT") == 0) {
        s->committed = true;
        s->warned = pg_conn_warnings(s->conn) > 0;
    }
}

static void on_result(void *user, const PGresult *r)
{
    struct sender *s = user;
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
        take_command(s, r);
        break;
    case PGRES_TUPLES_OK:
        if (s->state == ASKING && !undecided_decide(&s->sending, s->from, s->to, r))
            end(s, WT_E_AGAIN, "out of memory");
        break;
    case PGRES_COPY_IN:
        break;
    default:
        note_failure(s, PQresultErrorField(r, PG_DIAG_SQLSTATE),
                     PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
        break;
    }
}

static void confirm(struct sender *s)
{
    struct range r = range(s);
    s->committed = false;
    send_text(s, CONFIRMING, transaction_touch(s->instance, &s->cursor, range_last(&r)));
}

static void finish_commit(struct sender *s)
{
    if (s->committed && !s->warned)
        on_committed(s);
    else if (s->committed && s->state == WRITING)
        confirm(s);
    else
        end(s, WT_E_AGAIN, "the commit was not confirmed: the cursor will tell");
}

static void on_failed(struct sender *s)
{
    if (s->state == CONFIRMING) { /* the batch may be in: only the cursor can tell */
        end_refused(s, WT_E_AGAIN);
        return;
    }
    if (s->state != ROLLING_BACK && pg_conn_good(s->conn) && pg_conn_in_transaction(s->conn)) {
        move(s, ROLLING_BACK);
        send_sql(s, "ROLLBACK");
        return;
    }
    react(s);
}

static void on_idle(void *user)
{
    struct sender *s = user;
    if (s->state == ENDED)
        return;
    if (s->failed) {
        on_failed(s);
        return;
    }
    switch (s->state) {
    case ASKING:
        send_transaction(s);
        break;
    case WRITING:
        if (s->commit_sent) {
            finish_commit(s);
        } else {
            send_ends(s);
        }
        break;
    case ENDING:
    case CONFIRMING:
        move(s, COMMITTING);
        send_sql(s, "COMMIT");
        FAULT_POINT("recorder-commit-sent");
        break;
    case COMMITTING:
        finish_commit(s);
        break;
    default:
        break;
    }
}

static void on_broken(void *user, const char *why)
{
    end(user, WT_E_AGAIN, why);
}

/* ---- from outside ---- */

bool sender_is_idle(const struct sender *s)
{
    return s->state == IDLE && s->sending.count == 0;
}

void sender_send(struct sender *s, struct batch *b)
{
    struct batch empty = s->sending;
    assert(sender_is_idle(s));
    s->sending = *b;
    *b = empty;
    s->from = 0;
    s->to = s->sending.count;
    s->bad_to = 0;
    s->tries = 0;
    s->quarantine = false;
    attempt(s);
}

void sender_drain(struct sender *s)
{
    s->draining = true;
    if (s->state == IDLE || s->state == ASKING || s->state == PAUSING)
        end(s, WT_OK, NULL);
}

void sender_release(struct sender *s, size_t keep)
{
    if (batch_room(&s->sending) + s->raw.room <= keep)
        return;
    batch_free(&s->sending);
    rows_free(&s->raw);
}

size_t sender_in_flight(const struct sender *s)
{
    return s->sending.count;
}

uint64_t sender_cursor(const struct sender *s)
{
    return s->cursor.seq;
}

const char *sender_state(const struct sender *s)
{
    return states[s->state].name;
}

struct sender *sender_new(struct instance *instance, struct pg_conn *conn,
                          const wt_claim_args *claimed, uint64_t cursor,
                          const struct sender_events *events, void *arg)
{
    static const struct pg_events on = {
        .result = on_result, .copy_more = on_copy_more, .idle = on_idle, .broken = on_broken};
    struct sender *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct sender){.instance = instance,
                         .conn = conn,
                         .on = events,
                         .arg = arg,
                         .cursor = {.token = instance->token, .seq = cursor}};
    wt_uuid_text(&claimed->journal_id, s->cursor.journal_id);
    s->end_runs = sql_named("end_runs", instance->schema);
    s->known_wallets = sql_named("known_wallets", instance->schema);
    s->build = pg_conn_literal(conn, instance->build);
    if (s->end_runs == NULL || s->known_wallets == NULL || s->build == NULL) {
        sender_free(s);
        return NULL;
    }
    pg_conn_own(conn, &on, s);
    return s;
}

void sender_free(struct sender *s)
{
    if (s == NULL)
        return;
    untime(s);
    batch_free(&s->sending);
    rows_free(&s->raw);
    free(s->end_runs);
    free(s->known_wallets);
    free(s->build);
    free(s);
}
