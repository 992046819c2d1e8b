/* Happy path of a batch, all in one message when no run ends in it:
 *
 *   idle → writing (begin, cursor, COPY …, commit) → idle
 *   idle → asking (which wallets are known) → writing (… no commit) → ending (totals) → committing → idle
 *
 * The server answers the cursor's update before it takes the first COPY byte, so a fenced writer
 * stops before it has completed a COPY, and nothing of the message after it ever runs.
 *
 * A warning in that message may be one of a trigger's, or the commit's own (a standby was not waited
 * for): then a second transaction writes the cursor as it should stand now, and its commit, in a
 * message of its own, speaks for both: what is durable of a later commit is so of an earlier one.
 *
 * A refusal: rolling_back, then by its reaction: retry the range, halve it, quarantine what is
 * alone, or end.  [from, to) is the range that is being tried; everything before `from` is committed;
 * `bad_to` is the end of the smallest range that is known to be refused. */
#include "writer.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"
#include "undecided.h"

enum {
    BATCH_BYTES = 8 * 1024 * 1024,
    BATCH_MOST = 20000,
    GROWTH = 4,                   /* a backlog makes batches this much larger */
    SLICE = 64 * 1024,            /* of COPY data, at a time                  */
    KEEP_BYTES = 1024 * 1024,     /* memory that an idle writer keeps         */
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

struct writer {
    struct instance *instance;
    struct pg_conn *conn;
    stage_done ended;
    void *arg;
    char journal_id[37];
    enum state state;
    uint64_t cursor; /* the last committed event */
    char *end_runs, *known_wallets;

    struct batch gathering;
    uint64_t gathering_since_ns;
    bool urgent;   /* do not wait for more          */
    bool refused;  /* a hook answered WT_ENOUGH     */
    bool draining;
    wt_timer *timer; /* IDLE: batch_ms is over; PAUSING: try again */

    struct batch sending;
    size_t from, to, bad_to; /* bad_to 0: no range is known to be refused */
    bool quarantine;         /* the range goes to the quarantine          */
    struct rows raw;         /* its rows                                  */
    unsigned tries;
    uint64_t started_ns;

    int table;      /* whose COPY the server takes; TABLE_COUNT: the quarantine's */
    size_t offset;  /* of its rows, how much was handed over */
    bool header, trailer;
    bool commit_sent;
    bool committed, warned; /* what came with COMMIT */

    bool failed; /* of the current attempt, the first error: */
    char sqlstate[6];
    char message[WHY_SIZE];
};

static void start(struct writer *w);
static void attempt(struct writer *w);

/* ---- states ---- */

static void untime(struct writer *w)
{
    if (w->timer != NULL)
        w->instance->api->untimer(w->instance->host, w->timer);
    w->timer = NULL;
}

/* The only writer of w->state. */
static void move(struct writer *w, enum state to)
{
    assert(states[w->state].next & TO(to));
    w->state = to;
    untime(w);
}

/* The owner closes the connection in `ended` and frees `w` in a later turn. */
static void end(struct writer *w, wt_status status, const char *message)
{
    if (w->state == ENDED)
        return;
    move(w, ENDED);
    w->ended(w->arg, status, message);
}

static uint64_t now_ns(const struct writer *w)
{
    return w->instance->api->now_ns();
}

static uint64_t commit_ms(const struct writer *w)
{
    return (uint64_t)w->instance->settings.commit_seconds * 1000;
}

static void send_sql(struct writer *w, const char *sql)
{
    pg_conn_query(w->conn, sql, commit_ms(w));
}

/* ---- what a transaction is made of ---- */

struct text {
    char *bytes;
    size_t size, room;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->bytes + t->size, t->room - t->size, format, args);
    va_end(args);
    assert(n >= 0 && (size_t)n < t->room - t->size);
    t->size += (size_t)n;
}

static bool has_rows(const struct writer *w, int table)
{
    size_t size;
    batch_rows(&w->sending, (enum table)table, w->from, w->to, &size);
    return size > 0;
}

static size_t end_count(const struct writer *w)
{
    return w->quarantine ? 0
                         : batch_first_end(&w->sending, w->to) -
                               batch_first_end(&w->sending, w->from);
}

static int next_table(const struct writer *w, int table)
{
    if (w->quarantine)
        return TABLE_COUNT;
    while (table < TABLE_COUNT && !has_rows(w, table))
        table++;
    return table;
}

static bool any_copy(const struct writer *w)
{
    return w->quarantine || next_table(w, 0) < TABLE_COUNT;
}

static void add_copies(struct writer *w, struct text *t)
{
    const char *schema = w->instance->schema;
    if (w->quarantine)
        add(t, "; COPY %s.%s FROM STDIN (FORMAT BINARY)", schema, quarantine_columns);
    else
        for (int table = 0; table < TABLE_COUNT; table++)
            if (has_rows(w, table))
                add(t, "; COPY %s.%s FROM STDIN (FORMAT BINARY)", schema, table_columns[table]);
}

static void send_transaction(struct writer *w)
{
    char bytes[4096];
    struct text t = {.bytes = bytes, .room = sizeof bytes};
    int64_t seconds = w->instance->settings.commit_seconds;
    add(&t,
        "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '5s';"
        " SET LOCAL statement_timeout = '%" PRId64 "s';"
        " SET LOCAL idle_in_transaction_session_timeout = '%" PRId64 "s';"
        " UPDATE %s.recorder_cursor SET seq = %" PRIu64 " WHERE journal_id = '%s'"
        " AND token = %" PRIu64 " AND seq = %" PRIu64,
        seconds, seconds, w->instance->schema, w->sending.entries[w->to - 1].seq, w->journal_id,
        w->instance->token, w->cursor);
    add_copies(w, &t);
    w->commit_sent = any_copy(w) && end_count(w) == 0;
    if (w->commit_sent)
        add(&t, "; COMMIT");
    w->table = next_table(w, 0);
    w->offset = 0;
    w->header = w->trailer = false;
    move(w, WRITING);
    send_sql(w, t.bytes);
}

/* ---- COPY ---- */

static const unsigned char *copy_source(const struct writer *w, size_t *size)
{
    if (!w->quarantine)
        return batch_rows(&w->sending, (enum table)w->table, w->from, w->to, size);
    *size = w->raw.size;
    return w->raw.data;
}

static void on_copy_more(void *user)
{
    struct writer *w = user;
    size_t size;
    const unsigned char *rows = copy_source(w, &size);
    if (!w->header) {
        w->header = true;
        pg_conn_put(w->conn, copy_header, sizeof copy_header);
    } else if (w->offset < size) {
        size_t slice = size - w->offset < SLICE ? size - w->offset : SLICE;
        w->offset += slice;
        pg_conn_put(w->conn, rows + w->offset - slice, slice);
    } else if (!w->trailer) {
        w->trailer = true;
        pg_conn_put(w->conn, copy_trailer, sizeof copy_trailer);
    } else {
        w->table = w->quarantine ? TABLE_COUNT : next_table(w, w->table + 1);
        w->offset = 0;
        w->header = w->trailer = false;
        pg_conn_put_end(w->conn);
    }
}

/* ---- runs that end ---- */

static json_t *end_json(const struct writer *w, const struct ended *e)
{
    static const char *const names[] = WT_RUN_STATUS_NAMES;
    const struct entry *entry = &w->sending.entries[e->entry];
    const char *reason =
        e->reason == NO_TEXT ? NULL : (const char *)w->sending.bodies.data + e->reason;
    char run[37];
    wt_uuid_text(&entry->run_id, run);
    return json_pack("{s:s, s:s, s:I, s:o, s:I, s:o}", "run_id", run, "status",
                     e->status < sizeof names / sizeof names[0] ? names[e->status] : "unknown",
                     "at_us", (json_int_t)entry->time_us, "duration_us",
                     e->duration_us < 0 ? json_null() : json_integer(e->duration_us), "dropped",
                     (json_int_t)e->errors_dropped, "reason",
                     reason == NULL ? json_null() : json_string(reason));
}

static char *ends_text(const struct writer *w)
{
    json_t *list = json_array();
    size_t first = batch_first_end(&w->sending, w->from), n = end_count(w);
    bool ok = list != NULL;
    for (size_t i = first; ok && i < first + n; i++)
        ok = json_array_append_new(list, end_json(w, &w->sending.ends[i])) == 0;
    char *text = ok ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

static void send_ends(struct writer *w)
{
    char *text = ends_text(w);
    if (text == NULL) {
        end(w, WT_E_AGAIN, "out of memory");
        return;
    }
    const char *values[] = {text};
    move(w, ENDING);
    pg_conn_query_params(w->conn, w->end_runs, &(struct pg_params){.n = 1, .values = values},
                         commit_ms(w));
    free(text);
}

/* ---- who is new ---- */

static void ask(struct writer *w)
{
    struct rows wallets = {0}, runs = {0};
    if (!undecided_arrays(&w->sending, w->from, w->to, &wallets, &runs)) {
        rows_free(&wallets);
        rows_free(&runs);
        end(w, WT_E_AGAIN, "out of memory");
        return;
    }
    const char *values[] = {(char *)wallets.data, (char *)runs.data};
    const int sizes[] = {(int)wallets.size, (int)runs.size}, formats[] = {1, 1};
    move(w, ASKING);
    pg_conn_query_params(
        w->conn, w->known_wallets,
        &(struct pg_params){
            .n = 2, .values = values, .sizes = sizes, .formats = formats, .result_format = 1},
        commit_ms(w));
    rows_free(&wallets);
    rows_free(&runs);
}

/* ---- refusals ---- */

static void note_failure(struct writer *w, const char *sqlstate, const char *message)
{
    if (w->failed)
        return;
    w->failed = true;
    snprintf(w->sqlstate, sizeof w->sqlstate, "%s", sqlstate != NULL ? sqlstate : "");
    snprintf(w->message, sizeof w->message, "%s", message != NULL ? message : "(no message)");
}

static void on_pause_over(void *user)
{
    struct writer *w = user;
    w->timer = NULL;
    move(w, IDLE);
    attempt(w);
}

static void end_refused(struct writer *w, wt_status status)
{
    char why[WHY_SIZE + 128];
    snprintf(why, sizeof why, "events %" PRIu64 "..%" PRIu64 ": %.400s (SQLSTATE %s)",
             w->sending.entries[w->from].seq, w->sending.entries[w->to - 1].seq, w->message,
             w->sqlstate[0] != '\0' ? w->sqlstate : "none");
    end(w, status, why);
}

static void retry(struct writer *w)
{
    if (w->tries++ == RETRIES) {
        end_refused(w, WT_E_AGAIN);
        return;
    }
    w->instance->figures.retries++;
    move(w, PAUSING);
    w->timer = w->instance->api->timer(w->instance->host, (uint64_t)RETRY_MS << w->tries,
                                       on_pause_over, w);
    if (w->timer == NULL)
        end(w, WT_E_AGAIN, "out of memory");
}

/* A run that is not there refuses every event of it: those that follow each other go together. */
static size_t quarantine_end(const struct writer *w)
{
    size_t to = w->from + 1;
    bool of_run = strcmp(w->sqlstate, "23503") == 0;
    while (of_run && to < w->sending.count && w->sending.entries[to].kind != WT_RUN_START &&
           memcmp(&w->sending.entries[to].run_id, &w->sending.entries[w->from].run_id,
                  sizeof(wt_uuid)) == 0)
        to++;
    return to;
}

static void start_quarantine(struct writer *w)
{
    w->quarantine = true;
    w->to = quarantine_end(w);
    rows_cut(&w->raw, 0);
    for (size_t i = w->from; i < w->to; i++)
        batch_quarantine_row(&w->sending, i, w->instance->settings.stream, w->sqlstate, w->message,
                             &w->raw);
    instance_log(w->instance, WT_LOG_ERROR,
                 "events %" PRIu64 "..%" PRIu64 " go to the quarantine: %s (SQLSTATE %s)",
                 w->sending.entries[w->from].seq, w->sending.entries[w->to - 1].seq, w->message,
                 w->sqlstate);
    if (w->raw.failed)
        end(w, WT_E_AGAIN, "out of memory");
    else
        attempt(w);
}

static void halve(struct writer *w)
{
    if (w->quarantine) {
        end_refused(w, WT_E_POISON);
    } else if (w->to - w->from == 1) {
        start_quarantine(w);
    } else {
        w->bad_to = w->to;
        w->to = w->from + (w->to - w->from) / 2;
        attempt(w);
    }
}

static void react(struct writer *w)
{
    enum reaction reaction = pg_conn_good(w->conn) ? reaction_to(w->sqlstate) : REACT_AGAIN;
    w->instance->figures.errors[reaction]++;
    if (reaction == REACT_RETRY) {
        retry(w);
        return;
    }
    if (reaction != REACT_DATA) {
        end_refused(w, reaction_status(reaction));
        return;
    }
    if (w->state != IDLE)
        move(w, IDLE);
    halve(w);
}

/* ---- progress ---- */

static void count_recorded(struct writer *w)
{
    struct figures *f = &w->instance->figures;
    size_t bytes = w->quarantine ? w->raw.size : 0, size;
    for (int table = 0; table < TABLE_COUNT && !w->quarantine; table++) {
        batch_rows(&w->sending, (enum table)table, w->from, w->to, &size);
        bytes += size;
    }
    for (size_t i = w->from; i < w->to; i++)
        if (w->quarantine)
            f->quarantined++;
        else if (w->sending.entries[i].kind < KIND_COUNT)
            f->recorded[w->sending.entries[i].kind]++;
    f->acked += w->to - w->from;
    figures_batch(f, w->to - w->from, bytes, (double)(now_ns(w) - w->started_ns) / 1e9);
}

/* After a success within a range that is known to be bad, the fault is in what is left of it. */
static void choose_rest(struct writer *w)
{
    bool was_quarantine = w->quarantine;
    w->quarantine = false;
    w->from = w->to;
    w->tries = 0;
    if (was_quarantine || w->bad_to <= w->from) {
        w->bad_to = 0;
        w->to = w->sending.count;
    } else if (w->bad_to - w->from == 1) {
        w->to = w->bad_to;
    } else {
        w->to = w->from + (w->bad_to - w->from) / 2;
    }
}

static void release(struct writer *w)
{
    batch_clear(&w->sending);
    rows_cut(&w->raw, 0);
    if (w->gathering.count > 0 || batch_room(&w->sending) + batch_room(&w->gathering) < KEEP_BYTES)
        return;
    batch_free(&w->sending);
    batch_free(&w->gathering);
    rows_free(&w->raw);
}

static void on_committed(struct writer *w)
{
    const struct instance *i = w->instance;
    count_recorded(w);
    w->cursor = w->sending.entries[w->to - 1].seq;
    move(w, IDLE);
    i->api->ack(i->host, w->cursor);
    choose_rest(w);
    if (w->from < w->sending.count) {
        attempt(w);
        return;
    }
    release(w);
    start(w);
}

static void attempt(struct writer *w)
{
    w->failed = w->committed = false;
    w->started_ns = now_ns(w);
    if (!w->quarantine && undecided_any(&w->sending, w->from, w->to))
        ask(w);
    else
        send_transaction(w);
}

/* ---- answers ---- */

/* False when the cursor was not ours to move. */
static bool still_ours(struct writer *w, const PGresult *r)
{
    if (strcmp(PQcmdTuples((PGresult *)r), "1") == 0)
        return true;
    w->instance->figures.fenced++;
    end(w, WT_E_FENCED, "another instance has claimed the stream, or moved its cursor");
    return false;
}

static void take_command(struct writer *w, const PGresult *r)
{
    const char *tag = PQcmdStatus((PGresult *)r);
    if ((w->state == WRITING || w->state == CONFIRMING) && strncmp(tag, "UPDATE", 6) == 0) {
        (void)still_ours(w, r);
    } else if (w->state == ENDING && strtoull(PQcmdTuples((PGresult *)r), NULL, 10) != end_count(w)) {
        note_failure(w, "23503", "no run with this id is running");
    } else if (strcmp(tag, "COMMIT") == 0) {
        w->committed = true;
        w->warned = pg_conn_warnings(w->conn) > 0;
    }
}

static void on_result(void *user, const PGresult *r)
{
    struct writer *w = user;
    switch (PQresultStatus(r)) {
    case PGRES_COMMAND_OK:
        take_command(w, r);
        break;
    case PGRES_TUPLES_OK:
        if (w->state == ASKING && !undecided_decide(&w->sending, w->from, w->to, r))
            end(w, WT_E_AGAIN, "out of memory");
        break;
    case PGRES_COPY_IN:
        break;
    default:
        note_failure(w, PQresultErrorField(r, PG_DIAG_SQLSTATE),
                     PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY));
        break;
    }
}

static void confirm(struct writer *w)
{
    char sql[512];
    uint64_t last = w->sending.entries[w->to - 1].seq;
    snprintf(sql, sizeof sql,
             "BEGIN; SET LOCAL synchronous_commit = on; UPDATE %s.recorder_cursor SET seq = %" PRIu64
             " WHERE journal_id = '%s' AND token = %" PRIu64 " AND seq = %" PRIu64,
             w->instance->schema, last, w->journal_id, w->instance->token, last);
    w->committed = false;
    move(w, CONFIRMING);
    send_sql(w, sql);
}

static void finish_commit(struct writer *w)
{
    if (w->committed && !w->warned)
        on_committed(w);
    else if (w->committed && w->state == WRITING)
        confirm(w);
    else
        end(w, WT_E_AGAIN, "the commit was not confirmed: the cursor will tell");
}

static void on_failed(struct writer *w)
{
    if (w->state == CONFIRMING) { /* the batch may be in: only the cursor can tell */
        end_refused(w, WT_E_AGAIN);
        return;
    }
    if (w->state != ROLLING_BACK && pg_conn_good(w->conn) && pg_conn_in_transaction(w->conn)) {
        move(w, ROLLING_BACK);
        send_sql(w, "ROLLBACK");
        return;
    }
    react(w);
}

static void on_idle(void *user)
{
    struct writer *w = user;
    if (w->state == ENDED)
        return;
    if (w->failed) {
        on_failed(w);
        return;
    }
    switch (w->state) {
    case ASKING:
        send_transaction(w);
        break;
    case WRITING:
        if (w->commit_sent) {
            finish_commit(w);
        } else {
            send_ends(w);
        }
        break;
    case ENDING:
    case CONFIRMING:
        move(w, COMMITTING);
        send_sql(w, "COMMIT");
        break;
    case COMMITTING:
        finish_commit(w);
        break;
    default:
        break;
    }
}

static void on_broken(void *user, const char *why)
{
    end(user, WT_E_AGAIN, why);
}

/* ---- gathering ---- */

static size_t most_events(const struct writer *w)
{
    size_t most = (size_t)w->instance->settings.batch_rows * GROWTH;
    return most < BATCH_MOST ? most : BATCH_MOST;
}

static bool is_full(const struct writer *w)
{
    return w->gathering.count >= most_events(w) || batch_bytes(&w->gathering) >= BATCH_BYTES;
}

static void on_batch_time(void *user)
{
    struct writer *w = user;
    w->timer = NULL;
    w->urgent = true;
    start(w);
}

static bool worth_sending(const struct writer *w)
{
    uint64_t waited_ms = (now_ns(w) - w->gathering_since_ns) / 1000000;
    return w->urgent || w->draining || is_full(w) ||
           w->gathering.count >= (size_t)w->instance->settings.batch_rows ||
           waited_ms >= (uint64_t)w->instance->settings.batch_ms;
}

static void wait_for_more(struct writer *w)
{
    const struct instance *i = w->instance;
    if (w->timer == NULL)
        w->timer = i->api->timer(i->host, (uint64_t)i->settings.batch_ms, on_batch_time, w);
    if (w->timer == NULL)
        end(w, WT_E_AGAIN, "out of memory");
}

/* Hands what was gathered over, if nothing is in flight and it is worth it. */
static void start(struct writer *w)
{
    const struct instance *i = w->instance;
    if (w->state != IDLE)
        return;
    if (w->gathering.count == 0) {
        if (w->draining)
            end(w, WT_OK, NULL);
        return;
    }
    if (!worth_sending(w)) {
        wait_for_more(w);
        return;
    }
    struct batch empty = w->sending;
    w->sending = w->gathering;
    w->gathering = empty;
    w->urgent = false;
    w->from = 0;
    w->to = w->sending.count;
    w->bad_to = 0;
    w->tries = 0;
    w->quarantine = false;
    if (w->refused)
        i->api->resume(i->host);
    w->refused = false;
    attempt(w);
}

struct batch *writer_room(struct writer *w)
{
    if (w->state != ENDED && !w->draining && !is_full(w))
        return &w->gathering;
    w->refused = true;
    return NULL;
}

wt_answer writer_taken(struct writer *w, const wt_event *e, bool kept)
{
    if (!kept && w->gathering.count == 0 && w->state == IDLE) {
        end(w, WT_E_AGAIN, "out of memory");
        return WT_ENOUGH;
    }
    if (!kept) {
        w->refused = true;
        w->urgent = true;
        start(w);
        return WT_ENOUGH;
    }
    if (w->gathering.count == 1)
        w->gathering_since_ns = now_ns(w);
    if (e->kind < KIND_COUNT)
        w->instance->figures.taken[e->kind]++;
    w->urgent |= e->kind == WT_RUN_START || e->kind == WT_RUN_END;
    /* Few events need a look at the clock: the first arms the timer, a full batch goes. */
    if (w->state == IDLE && (w->urgent || w->gathering.count == 1 ||
                             w->gathering.count >= (size_t)w->instance->settings.batch_rows))
        start(w);
    return WT_TAKEN;
}

void writer_flush(struct writer *w)
{
    w->urgent = w->gathering.count > 0;
    start(w);
}

void writer_drain(struct writer *w)
{
    w->draining = true;
    start(w);
}

void writer_levels(const struct writer *w, struct levels *out)
{
    out->gathering = w->gathering.count;
    out->in_flight = w->sending.count;
    out->cursor = w->cursor;
    out->connection = states[w->state].name;
}

struct writer *writer_new(struct instance *instance, struct pg_conn *conn,
                          const wt_claim_args *claimed, uint64_t cursor, stage_done ended,
                          void *arg)
{
    static const struct pg_events events = {.result = on_result,
                                            .copy_more = on_copy_more,
                                            .idle = on_idle,
                                            .broken = on_broken};
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct writer){
        .instance = instance, .conn = conn, .ended = ended, .arg = arg, .cursor = cursor};
    wt_uuid_text(&claimed->journal_id, w->journal_id);
    w->end_runs = sql_named("end_runs", instance->schema);
    w->known_wallets = sql_named("known_wallets", instance->schema);
    if (w->end_runs == NULL || w->known_wallets == NULL) {
        writer_free(w);
        return NULL;
    }
    pg_conn_own(conn, &events, w);
    return w;
}

void writer_free(struct writer *w)
{
    if (w == NULL)
        return;
    untime(w);
    batch_free(&w->gathering);
    batch_free(&w->sending);
    rows_free(&w->raw);
    free(w->end_runs);
    free(w->known_wallets);
    free(w);
}
