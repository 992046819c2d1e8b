/* recorder.c: the entry symbol and the life of an instance.
 *
 * Happy path:
 *   opening ──▶ prepared ──▶ claiming ──▶ live ──▶ draining ──▶ closing ──▶ closed
 *   connect     waits for    claim.c      writer.c  commits      connections
 *   inspect.c   the host                            what is sent go
 * Failure: any state but the last two goes to `failed`: the connection is dropped at once, so that
 * what it had not committed is gone before anybody else looks; the host's close() follows. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim.h"
#include "history.h"
#include "inspect.h"
#include "instance.h"
#include "pg_conn.h"
#include "retention.h"
#include "retention_args.h"
#include "schema.h"
#include "sql.h"
#include "writer.h"

enum state { OPENING, PREPARED, CLAIMING, LIVE, DRAINING, FAILED, CLOSING, CLOSED, STATE_COUNT };

#define TO(state) (1u << (state))
static const struct {
    const char *name;
    unsigned next;
} states[STATE_COUNT] = {
    [OPENING] = {"opening", TO(PREPARED) | TO(FAILED) | TO(CLOSING)},
    [PREPARED] = {"prepared", TO(CLAIMING) | TO(FAILED) | TO(CLOSING)},
    [CLAIMING] = {"claiming", TO(LIVE) | TO(FAILED) | TO(CLOSING)},
    [LIVE] = {"live", TO(DRAINING) | TO(FAILED) | TO(CLOSING)},
    [DRAINING] = {"draining", TO(CLOSING)},
    [FAILED] = {"failed", TO(CLOSING)},
    [CLOSING] = {"closing", TO(CLOSED)},
    [CLOSED] = {"closed", 0},
};

struct recorder {
    struct instance instance;
    enum state state;
    uint32_t mode;
    wt_timer *begin; /* open() only arms it: reports come in a later turn */
    bool fit;        /* the settings are; otherwise why says what is not  */
    char why[WHY_SIZE];
    struct pg_conn *conn;
    struct inspect inspect;
    struct claim claim;
    wt_claim_args claimed;
    struct writer *writer;
    struct history *history;
    struct retention *retention; /* while it is live, and till it is freed */
    unsigned parts;              /* that are not gone yet */
};

/* ---- states ---- */

static void on_part_gone(void *arg);

static void drop_connection(struct recorder *r)
{
    struct pg_conn *conn = r->conn;
    r->conn = NULL;
    if (conn != NULL)
        pg_conn_close(conn, on_part_gone, r);
}

/* Old runs are a matter of whoever is live. */
static void stop_retention(struct recorder *r)
{
    if (r->retention != NULL)
        retention_close(r->retention, on_part_gone, r);
}

static void stop_begin(struct recorder *r)
{
    if (r->begin != NULL)
        r->instance.api->untimer(r->instance.host, r->begin);
    r->begin = NULL;
}

/* The only writer of r->state. */
static void move(struct recorder *r, enum state to)
{
    assert(states[r->state].next & TO(to));
    r->state = to;
    switch (to) {
    case DRAINING:
        stop_retention(r);
        break;
    case FAILED:
        stop_begin(r);
        stop_retention(r);
        drop_connection(r);
        break;
    case CLOSING:
        stop_begin(r);
        r->parts++; /* this call itself */
        if (r->history != NULL)
            history_close(r->history, on_part_gone, r);
        stop_retention(r);
        drop_connection(r);
        on_part_gone(r);
        break;
    case CLOSED:
        r->instance.api->closed(r->instance.host);
        break;
    default:
        break;
    }
}

static void on_part_gone(void *arg)
{
    struct recorder *r = arg;
    if (--r->parts == 0 && r->state == CLOSING)
        move(r, CLOSED);
}

static void fail(struct recorder *r, wt_status status, const char *message)
{
    char words[WHY_SIZE]; /* the message may live in what is dropped */
    snprintf(words, sizeof words, "%s", message);
    if (r->state >= FAILED)
        return;
    move(r, FAILED);
    r->instance.api->fail(r->instance.host, status, words);
}

/* ---- opening ---- */

static void report_prepared(struct recorder *r)
{
    const struct inspect *s = &r->inspect;
    move(r, PREPARED);
    r->instance.api->prepared(r->instance.host, &(wt_prepared){
                                                    .struct_size = sizeof(wt_prepared),
                                                    .schema_found = s->schema_found,
                                                    .server_version = s->server_version,
                                                    .backend_pid = s->backend_pid,
                                                    .server = s->place,
                                                });
}

/* Between open and claim, nothing is asked of the connection; it may still break. */
static void on_waiting_broken(void *user, const char *why)
{
    fail(user, WT_E_AGAIN, why);
}

static void on_inspected(void *arg, wt_status status, const char *message)
{
    static const struct pg_events waiting = {.broken = on_waiting_broken};
    struct recorder *r = arg;
    if (status != WT_OK) {
        fail(r, status, message);
        return;
    }
    pg_conn_own(r->conn, &waiting, r);
    report_prepared(r);
}

static void on_ready(void *user)
{
    struct recorder *r = user;
    inspect_start(&r->inspect, &r->instance, r->conn, on_inspected, r);
}

/* In a throw-away process there may be no server: the build looks at itself. */
static bool check_self(char why[WHY_SIZE])
{
    for (size_t i = 0; i < sql_file_count; i++) {
        char *sql = sql_prepare(sql_files[i].text, "walltrack");
        if (sql == NULL) {
            snprintf(why, WHY_SIZE, "the build's %s.sql is broken", sql_files[i].name);
            return false;
        }
        free(sql);
    }
    return true;
}

static void on_begin(void *user)
{
    static const struct pg_events events = {.ready = on_ready, .broken = on_waiting_broken};
    struct recorder *r = user;
    r->begin = NULL;
    if (!r->fit) {
        fail(r, WT_E_CONFIG, r->why);
    } else if (r->mode == WT_OPEN_PROBE) {
        if (check_self(r->why))
            report_prepared(r);
        else
            fail(r, WT_E_INTERNAL, r->why);
    } else if ((r->conn = pg_conn_open(&r->instance, "writer", &events, r)) != NULL) {
        r->parts++;
    } else {
        fail(r, WT_E_AGAIN, "out of memory");
    }
}

static void destroy(void *self)
{
    struct recorder *r = self;
    writer_free(r->writer);
    history_free(r->history);
    retention_free(r->retention);
    settings_free(&r->instance.settings);
    free(r->instance.build);
    free(r->instance.schema);
    free(r);
}

static wt_status open(const wt_host_api *api, wt_host *host, const wt_open_args *args, void **self)
{
    struct recorder *r = calloc(1, sizeof *r);
    if (r == NULL)
        return WT_E_AGAIN;
    r->instance = (struct instance){.api = api, .host = host, .token = args->token & INT64_MAX};
    r->mode = args->mode;
    r->fit = settings_parse(args->config, &r->instance.settings, r->why) == 0;
    r->instance.build = strdup(args->build != NULL ? args->build : "recorder " RECORDER_VERSION);
    r->history = history_new(&r->instance);
    if (r->history != NULL)
        r->parts++;
    if (r->instance.build != NULL && r->history != NULL)
        r->begin = api->timer(host, 0, on_begin, r);
    if (r->begin == NULL) {
        destroy(r);
        return WT_E_AGAIN;
    }
    *self = r;
    return WT_OK;
}

/* ---- claiming ---- */

static void on_writer_ended(void *arg, wt_status status, const char *message)
{
    struct recorder *r = arg;
    if (r->state == DRAINING)
        move(r, CLOSING);
    else
        fail(r, status, message != NULL ? message : "ended");
}

static void on_claimed(void *arg, wt_status status, const char *message)
{
    struct recorder *r = arg;
    if (status != WT_OK) {
        fail(r, status, message);
        return;
    }
    r->writer = writer_new(&r->instance, r->conn, &r->claimed, r->claim.cursor, on_writer_ended, r);
    r->retention = retention_new(&r->instance);
    if (r->retention != NULL)
        r->parts++;
    if (r->writer == NULL || r->retention == NULL) {
        fail(r, WT_E_AGAIN, "out of memory");
        return;
    }
    move(r, LIVE);
    r->instance.api->claimed(r->instance.host, r->claim.cursor);
}

static void claim(void *self, const wt_claim_args *args)
{
    struct recorder *r = self;
    if (r->state != PREPARED || r->conn == NULL)
        return;
    move(r, CLAIMING);
    r->claimed = *args;
    claim_start(&r->claim, &r->instance, r->conn, r->inspect.complete, args, on_claimed, r);
}

/* ---- hooks ---- */

#define HOOK(name, type, call)                                                                     \
    static wt_answer on_##name(void *self, const wt_event *e, const type *fact)                    \
    {                                                                                              \
        struct recorder *r = self;                                                                 \
        struct batch *b = r->state == LIVE ? writer_room(r->writer) : NULL;                        \
        return b == NULL ? WT_ENOUGH : writer_taken(r->writer, e, call);                           \
    }

HOOK(run_start, wt_run_start, batch_run_start(b, e, fact, r->instance.build))
HOOK(token, wt_token, batch_token(b, e, fact))
HOOK(wallet, wt_wallet, batch_wallet(b, e, fact))
HOOK(run_error, wt_run_error, batch_run_error(b, e, fact))
HOOK(run_end, wt_run_end, batch_run_end(b, e, fact))
HOOK(slot, wt_slot, batch_slot(b, e, fact))

static void flush(void *self)
{
    struct recorder *r = self;
    if (r->state == LIVE)
        writer_flush(r->writer);
}

/* ---- closing, figures, questions ---- */

static void close_instance(void *self, uint32_t mode)
{
    struct recorder *r = self;
    if (mode == WT_CLOSE_DRAIN && r->state == LIVE) {
        move(r, DRAINING);
        writer_drain(r->writer);
    } else if (r->state < CLOSING && !(mode == WT_CLOSE_DRAIN && r->state == DRAINING)) {
        writer_free(r->writer);
        r->writer = NULL;
        move(r, CLOSING);
    }
}

static void stats(void *self, const wt_stats_sink *sink)
{
    const struct recorder *r = self;
    struct levels levels = {.connection = r->conn != NULL ? "connected" : "none",
                            .state = states[r->state].name,
                            .questions = history_waiting(r->history),
                            .retention = "off"};
    if (r->retention != NULL)
        retention_levels(r->retention, &levels);
    if (r->writer != NULL)
        writer_levels(r->writer, &levels);
    figures_report(&r->instance.figures, &levels, sink);
}

/* The rules that it does not name are ours. */
static void ask_retention(struct recorder *r, wt_query *query_, const wt_query_args *args)
{
    char *whole, why[WHY_SIZE];
    wt_status status = retention_args(args->args, &r->instance.settings, &whole, why);
    if (status != WT_OK) {
        r->instance.api->reply_end(r->instance.host, query_, status, why);
        return;
    }
    history_ask(r->history, query_,
                &(wt_query_args){.struct_size = sizeof(wt_query_args),
                                 .name = args->name,
                                 .args = whole,
                                 .deadline_ns = args->deadline_ns});
    free(whole);
}

static void query(void *self, wt_query *query_, const wt_query_args *args)
{
    struct recorder *r = self;
    if (strcmp(args->name, "retention") == 0)
        ask_retention(r, query_, args);
    else
        history_ask(r->history, query_, args);
}

/* An answer goes to the host in one piece: there is nothing to go on with. */
static void query_resume(void *self, wt_query *query_)
{
    (void)self;
    (void)query_;
}

static void query_cancel(void *self, wt_query *query_)
{
    struct recorder *r = self;
    history_cancel(r->history, query_);
}

static const uint32_t kinds[] = {
    WT_KIND(WT_RUN_START, 1), WT_KIND(WT_TOKEN, 1),   WT_KIND(WT_WALLET, 1),
    WT_KIND(WT_RUN_ERROR, 1), WT_KIND(WT_RUN_END, 1), WT_KIND(WT_SLOT, 1),
};

const wt_plugin *walltrack_plugin_v1(void)
{
    static const wt_plugin plugin = {
        .magic = WT_MAGIC,
        .struct_size = sizeof plugin,
        .abi_major = WT_ABI_MAJOR,
        .abi_minor = WT_ABI_MINOR,
        .schema_min = 1,
        .schema_max = RECORDER_SCHEMA,
        .kinds = kinds,
        .n_kinds = sizeof kinds / sizeof kinds[0],
        .name = "recorder",
        .version = RECORDER_VERSION,
        .open = open,
        .claim = claim,
        .on_run_start = on_run_start,
        .on_token = on_token,
        .on_wallet = on_wallet,
        .on_run_error = on_run_error,
        .on_run_end = on_run_end,
        .on_slot = on_slot,
        .flush = flush,
        .close = close_instance,
        .destroy = destroy,
        .stats = stats,
        .query = query,
        .query_resume = query_resume,
        .query_cancel = query_cancel,
    };
    return &plugin;
}
