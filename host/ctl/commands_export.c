/* export: all that matches, as it comes. */
#include <errno.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/export_file.h"
#include "ctl/filters.h"
#include "ctl/progress.h"
#include "ctl/waiting.h"

#define DRAW_SECONDS 0.2

/* What has come so far. */
struct transfer {
    struct session *s;
    const char *what, *format; /* "runs", "csv" */
    struct export_file *file;
    int64_t bytes, lines;
    bool quoted;   /* in the middle of a CSV cell that may have line ends */
    int64_t total; /* rows that are expected; -1: not known */
    double start, drawn;
    bool draws;
    bool unwritten; /* the output failed, not the host */
};

/* ---- what is asked for ---- */

static bool ends_in(const char *text, const char *end)
{
    size_t size = text != NULL ? strlen(text) : 0;
    return size >= strlen(end) && strcmp(text + size - strlen(end), end) == 0;
}

static enum status choose_format(const struct session *s, const char **out, struct error *err)
{
    const char *given = arguments_option(s->arguments, "format");
    bool lines = s->json || ends_in(arguments_option(s->arguments, "output"), ".ndjson");
    *out = given != NULL ? given : lines ? "ndjson" : "csv";
    if (strcmp(*out, "csv") == 0 || strcmp(*out, "ndjson") == 0)
        return STATUS_OK;
    error_set(err, EINVAL, "--format: '%.40s' is neither csv nor ndjson", *out);
    return STATUS_USAGE;
}

/* How many rows there will be, so that the progress can tell; the export does not depend on it. */
static int64_t expected_rows(const struct transfer *e, const char *query)
{
    char path[PATH_ROOM];
    struct reply reply;
    struct error ignored;
    int64_t total = -1;
    int size = snprintf(path, sizeof path, "/api/discovery/runs%s%cpage_size=1", query,
                        query[0] == '\0' ? '?' : '&');
    if (!e->draws || strcmp(e->what, "runs") != 0 || size >= PATH_ROOM)
        return -1;
    if (client_call(e->s->client, "GET", path, NULL, &reply, &ignored) == STATUS_OK)
        total = field_count(reply.json, "total");
    reply_free(&reply);
    return total;
}

/* ---- what comes ---- */

static int64_t rows_of(const struct transfer *e)
{
    bool headed = strcmp(e->format, "csv") == 0 && e->lines > 0;
    return headed ? e->lines - 1 : e->lines;
}

static void count(struct transfer *e, const char *data, size_t size)
{
    bool csv = strcmp(e->format, "csv") == 0;
    e->bytes += (int64_t)size;
    for (size_t i = 0; i < size; i++) {
        if (csv && data[i] == '"')
            e->quoted = !e->quoted;
        e->lines += data[i] == '\n' && !e->quoted;
    }
}

static void draw(struct transfer *e)
{
    char bytes[SHOWN_SIZE];
    double now = waiting_now_seconds(), seconds = now - e->start;
    if (!e->draws || now - e->drawn < DRAW_SECONDS)
        return;
    int64_t rows = rows_of(e);
    double rate = seconds > 1 ? (double)rows / seconds : -1;
    bool ends = rate > 0 && e->total > rows;
    const struct progress p = {
        .done = rows,
        .total = e->total,
        .stage = shown_bytes(e->bytes, bytes),
        .wallets = -1,
        .rate = rate,
        .left = ends ? (double)(e->total - rows) / rate : -1,
        .seconds = seconds,
    };
    e->drawn = now;
    progress_show(&p, stderr, e->s->notes_width, NULL);
}

static bool take(void *arg, const char *data, size_t size)
{
    struct transfer *e = arg;
    count(e, data, size);
    draw(e);
    e->unwritten = !export_file_write(e->file, data, size);
    return !e->unwritten;
}

/* ---- the end ---- */

static void say_done(const struct transfer *e, const char *output)
{
    char rows[SHOWN_SIZE], bytes[SHOWN_SIZE], time[SHOWN_SIZE];
    if (output == NULL || strcmp(output, "-") == 0)
        return;
    fprintf(e->s->out, "%s: %s %s, %s, in %s\n", output, shown_count(rows_of(e), rows), e->what,
            shown_bytes(e->bytes, bytes), shown_duration(waiting_now_seconds() - e->start, time));
}

/* What has become of the output, put behind the first line of `err`. */
static void say_cut(const struct transfer *e, const char *output, struct error *err)
{
    char rows[SHOWN_SIZE], first[sizeof err->msg];
    snprintf(first, sizeof first, "%.*s", (int)strcspn(err->msg, "\n"), err->msg);
    if (output != NULL && strcmp(output, "-") != 0)
        error_set(err, err->code, "%s\n%s is as it was before", first, output);
    else if (e->bytes > 0)
        error_set(err, err->code, "%s\nwhat was printed is not whole: %s %s", first,
                  shown_count(rows_of(e), rows), e->what);
}

static enum status end(struct transfer *e, enum status status, const char *output,
                       struct error *err)
{
    bool interrupted = waiting_is_interrupted();
    progress_clear(stderr, e->draws ? e->s->notes_width : 0);
    if (status == STATUS_OK || (e->unwritten && !interrupted)) {
        if (export_file_keep(e->file, err) == 0) {
            say_done(e, output);
            return STATUS_OK;
        }
        status = STATUS_AWAY;
    } else {
        export_file_drop(e->file);
        if (interrupted)
            error_set(err, EINTR, "interrupted");
        status = interrupted ? STATUS_INTERRUPTED : status;
    }
    if (e->bytes > 0 || interrupted)
        say_cut(e, output, err);
    return status;
}

/* ---- the commands ---- */

static enum status ask(struct transfer *e, const char *path, struct error *err)
{
    struct reply reply;
    const struct call call = {.method = "GET",
                              .path = path,
                              .sink = take,
                              .sink_arg = e,
                              .give_up = waiting_is_interrupted};
    enum status status = client_perform(e->s->client, &call, &reply, err);
    if (status != STATUS_OK && e->s->json)
        answer_print(e->s, &reply);
    reply_free(&reply);
    return status;
}

static enum status export_as(struct session *s, const char *what, struct error *err)
{
    const char *output = arguments_option(s->arguments, "output");
    bool to_terminal = s->width > 0 && (output == NULL || strcmp(output, "-") == 0);
    struct transfer e = {.s = s, .what = what, .draws = s->notes_width > 0 && !to_terminal};
    char query[PATH_ROOM] = "", path[PATH_ROOM + 64];
    enum status status = choose_format(s, &e.format, err);
    if (status == STATUS_OK)
        status = filters_add(s->arguments, query, err);
    if (status != STATUS_OK)
        return status;
    if (export_file_open(output, s->out, &e.file, err) != 0)
        return STATUS_USAGE;
    waiting_catch_interrupts();
    e.total = expected_rows(&e, query);
    e.start = waiting_now_seconds();
    snprintf(path, sizeof path, "/api/discovery/%s.%s%s", what, e.format, query);
    return end(&e, ask(&e, path, err), output, err);
}

enum status export_runs_command(struct session *s, struct error *err)
{
    return export_as(s, "runs", err);
}

enum status export_wallets_command(struct session *s, struct error *err)
{
    return export_as(s, "wallets", err);
}
