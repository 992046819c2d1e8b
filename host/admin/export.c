/* Runs and wallets as files.  A page is asked of the plugin when the one before has been sent, so
 * that a client who reads slowly slows down the questions, and no more than a page is in memory.
 *
 * Happy path: the first page is asked → its answer begins the stream → rows, next page, rows … →
 * end.  Without the first page the request is answered with why; later the stream just stops. */
#include <stdlib.h>

#include "admin/core.h"
#include "admin/question.h"
#include "admin/rows.h"
#include "log.h"

enum { EXPORTS_MAX = 4 };

/* A page is looked through within one turn of the loop: of both kinds about 100 KiB. */
struct content {
    const char *question;
    const char *list; /* where the items are in an answer */
    int page_size;
    const struct column *columns;
    size_t count;
};

struct format {
    const char *type;
    void (*header)(GString *out, const struct content *c); /* or NULL */
    void (*row)(GString *out, const struct content *c, struct slice item);
};

struct transfer {
    struct request *request;
    const struct content *content;
    const struct format *format;
    json_t *args;
    struct plugins_question *asked; /* the next page, or NULL */
    GString *page;                  /* the answer that rows are made of */
    struct slice items;             /* in it, those that are left       */
    bool begun, more, failed;       /* the stream; a page after this one; it cannot be had */
};

/* ---- what is exported ---- */

#define PARAM_COLUMN(SYMBOL, name, type, min, max, def, unit, text) {#name, "params"},
static const struct column run_columns[] = {
    {"id", NULL},
    {"started_at", NULL},
    {"completed_at", NULL},
    {"status", NULL},
    {"trigger_type", NULL},
    {"triggered_by", NULL},
    {"schedule", NULL},
    {"slot_at", NULL},
    WT_PARAMS(PARAM_COLUMN) /* … */
    {"profile_immediately", NULL},
    {"tokens_analyzed", NULL},
    {"new_wallets", NULL},
    {"updated_wallets", NULL},
    {"profiled_wallets", NULL},
    {"duration_seconds", NULL},
    {"error_count", NULL},
    {"errors", NULL},
    {"host", NULL},
    {"build", NULL},
    {"builds", NULL},
    {"reason", NULL},
};

static const struct column wallet_columns[] = {
    {"id", NULL},     {"run_id", NULL},        {"wallet_address", NULL}, {"source_token", NULL},
    {"is_new", NULL}, {"initial_score", NULL}, {"profile", NULL},        {"created_at", NULL},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
static const struct content runs = {"runs_only", "runs", 100, run_columns, COUNT(run_columns)};
static const struct content wallets = {"wallets_only", "wallets", 200, wallet_columns,
                                       COUNT(wallet_columns)};

static void write_header(GString *out, const struct content *c)
{
    rows_header(out, c->columns, c->count);
}

static void write_csv(GString *out, const struct content *c, struct slice item)
{
    rows_csv(out, c->columns, c->count, item);
}

static void write_json(GString *out, const struct content *c, struct slice item)
{
    (void)c;
    rows_json(out, item);
}

static const struct format csv = {"text/csv; charset=utf-8; header=present", write_header,
                                  write_csv};
static const struct format ndjson = {"application/x-ndjson", NULL, write_json};

/* ---- pages ---- */

static void transfer_free(void *kept)
{
    struct transfer *t = kept;
    t->request->admin->stats.exports_open--;
    if (t->asked != NULL)
        plugins_cancel(t->asked);
    json_decref(t->args);
    g_string_free(t->page, TRUE);
    free(t);
}

static void give_up(void *arg)
{
    struct transfer *t = arg;
    if (t->asked != NULL)
        plugins_cancel(t->asked);
    t->asked = NULL;
}

/* Looks into a page that has come: its items, and where the next one begins. */
static bool open_page(struct transfer *t)
{
    const struct slice page = {t->page->str, t->page->len};
    struct slice list, next, cursor;
    if (!slice_member(page, t->content->list, &list) || !slice_items(list, &t->items) ||
        !slice_member(page, "next_cursor", &next))
        return false;
    t->more = slice_plain_string(next, &cursor);
    if (t->more)
        json_object_set_new(t->args, "cursor", json_stringn(cursor.text, cursor.size));
    return t->more || slice_is(next, "null");
}

static void log_failure(const struct transfer *t, const char *why)
{
    log_line(LOG_WARNING, "admin", "an export of %s ends early: %s", t->content->list, why);
}

static void on_page(void *arg, wt_status status, const char *message, const char *body, size_t size)
{
    struct transfer *t = arg;
    t->asked = NULL;
    g_string_truncate(t->page, 0);
    if (status == WT_OK)
        g_string_append_len(t->page, body, (gssize)size);
    t->failed = status != WT_OK || !open_page(t);
    if (t->failed)
        log_failure(t, message != NULL ? message : "the plugin's answer is no page");
    stream_wake(t->request);
}

static void ask_page(struct transfer *t)
{
    char *args = json_dumps(t->args, JSON_COMPACT);
    if (args != NULL)
        t->asked = plugins_ask(request_ports(t->request)->plugins, t->content->question, args,
                               QUESTION_MS, on_page, t);
    free(args);
    t->failed = t->asked == NULL;
    if (t->failed)
        log_failure(t, "no plugin can be asked now");
}

/* ---- the stream ---- */

static enum stream_state fill(void *arg, GString *out)
{
    struct transfer *t = arg;
    struct slice item;
    if (!t->begun && t->format->header != NULL)
        t->format->header(out, t->content);
    t->begun = true;
    while (!t->failed && out->len < STREAM_PIECE && slice_next(&t->items, &item))
        t->format->row(out, t->content, item);
    if (out->len > 0)
        return STREAM_MORE;
    if (!t->failed && !t->more)
        return STREAM_END;
    if (!t->failed)
        ask_page(t);
    return t->failed ? STREAM_FAILED : STREAM_LATER;
}

static void on_first_page(struct request *r, const char *body, size_t size)
{
    static const struct stream_source source = {fill, give_up};
    struct transfer *t = r->kept;
    g_string_append_len(t->page, body, (gssize)size);
    if (open_page(t))
        request_stream(r, t->format->type, &source, t, QUESTION_MS + QUESTION_MARGIN_MS);
    else
        request_problem(r, 500, "the plugin's answer is no page of %s", t->content->list);
}

/* ---- requests ---- */

/* Takes `args`. */
static void begin(struct request *r, const struct content *content, const struct format *format,
                  json_t *args)
{
    static const struct question_answers answers = {on_first_page, NULL};
    struct transfer *t = calloc(1, sizeof *t);
    if (t == NULL) {
        json_decref(args);
        request_problem(r, 500, "out of memory");
        return;
    }
    json_object_set_new(args, "page_size", json_integer(content->page_size));
    *t = (struct transfer){.request = r,
                           .content = content,
                           .format = format,
                           .args = args,
                           .page = g_string_new(NULL)};
    r->admin->stats.exports_open++;
    request_keep(r, t, transfer_free);
    question_ask(r, content->question, json_deep_copy(args), &answers);
}

static void start(struct request *r, const struct content *content, const struct format *format)
{
    if (r->admin->stats.exports_open >= EXPORTS_MAX) {
        request_problem(r, 503, "%d exports are under way; try again when one has ended",
                        EXPORTS_MAX);
        return;
    }
    json_t *args = question_args(r);
    if (args != NULL)
        begin(r, content, format, args);
}

void export_runs_csv_get(struct request *r)
{
    start(r, &runs, &csv);
}

void export_runs_ndjson_get(struct request *r)
{
    start(r, &runs, &ndjson);
}

void export_wallets_csv_get(struct request *r)
{
    start(r, &wallets, &csv);
}

void export_wallets_ndjson_get(struct request *r)
{
    start(r, &wallets, &ndjson);
}
