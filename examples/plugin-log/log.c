/* log.c: the smallest useful plugin: every event becomes one line of JSON in a file.
 *
 * What it shows: one exported symbol, a constant table of functions, an instance that is
 * made by open() and freed by destroy(), and a cursor that the host keeps.
 *
 * Delivery is at least once.  An event is acknowledged when write() has taken its line, so a
 * host that crashes between the two writes that line again at its next start: who reads
 * the file drops what has a "seq" that was there before.  A plugin that must not repeat
 * itself keeps the number in one transaction with the data and gives it to claimed().
 * Nor does write() wait for the disk: these lines survive a crash of the host, not a power cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <walltrack/plugin.h>

/* One instance.  A second one may live beside it while a build is being swapped, so nothing
 * that changes is static. */
struct sink {
    const wt_host_api *api;
    wt_host *host;
    char *file; /* from the configuration; "-" is standard output */
    int fd;     /* -1: not claimed yet                            */
    bool closed;
    uint64_t lines;
};

/* ---- life ---- */

/* {"file": "/var/log/walltrack-events.jsonl"}, and nothing else.  NULL when it is not that. */
static char *read_config(const char *text)
{
    const char *file = NULL;
    json_t *config = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    char *copy = NULL;
    if (json_unpack(config, "{s:s!}", "file", &file) == 0)
        copy = strdup(file);
    json_decref(config);
    return copy;
}

static wt_status sink_open(const wt_host_api *api, wt_host *host, const wt_open_args *args,
                           void **self)
{
    struct sink *s = calloc(1, sizeof *s);
    if (s == NULL)
        return WT_E_AGAIN;
    *s = (struct sink){.api = api, .host = host, .fd = -1, .file = read_config(args->config)};
    *self = s;
    if (s->file == NULL)
        api->fail(host, WT_E_CONFIG, "config: must be {\"file\": \"a path, or -\"}");
    else
        api->prepared(host, &(wt_prepared){.struct_size = sizeof(wt_prepared), .server = s->file});
    return WT_OK;
}

/* The host asks for the stream to be taken over: from here on writing is allowed. */
static void sink_claim(void *self, const wt_claim_args *args)
{
    (void)args;
    struct sink *s = self;
    s->fd = strcmp(s->file, "-") == 0
                ? dup(STDOUT_FILENO)
                : open(s->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (s->fd >= 0) {
        s->api->claimed(s->host, WT_CURSOR_OF_HOST);
        return;
    }
    char why[512];
    (void)snprintf(why, sizeof why, "%s: %s", s->file, strerror(errno));
    s->api->fail(s->host, WT_E_CONFIG, why);
}

/* Everything taken has been written already, so draining and aborting are the same. */
static void sink_close(void *self, uint32_t mode)
{
    (void)mode;
    struct sink *s = self;
    if (s->closed)
        return;
    s->closed = true;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    s->api->closed(s->host);
}

static void sink_destroy(void *self)
{
    struct sink *s = self;
    free(s->file);
    free(s);
}

/* ---- values ---- */

static const char *const kinds_by_number[] = {
    [WT_RUN_START] = "run_start", [WT_TOKEN] = "token",     [WT_WALLET] = "wallet",
    [WT_RUN_ERROR] = "run_error", [WT_RUN_END] = "run_end", [WT_SLOT] = "slot",
};
static const char *const triggers[] = WT_TRIGGER_NAMES;
static const char *const statuses[] = WT_RUN_STATUS_NAMES;
static const char *const outcomes[] = WT_SLOT_OUTCOME_NAMES;

/* A number from a newer host than this file knows. */
#define NAME_OF(names, i) ((size_t)(i) < sizeof(names) / sizeof *(names) ? (names)[i] : "unknown")

/* "2026-06-30T12:00:00.123456Z"; NULL, which json_pack() leaves out at "o*", when absent. */
static json_t *time_json(int64_t us)
{
    if (us == WT_NO_TIME)
        return NULL;
    int64_t fraction = us % 1000000;
    time_t seconds = (time_t)(us / 1000000);
    if (fraction < 0) {
        fraction += 1000000;
        seconds--;
    }
    struct tm utc;
    char day[32];
    if (gmtime_r(&seconds, &utc) == NULL || strftime(day, sizeof day, "%FT%T", &utc) == 0)
        return NULL;
    return json_sprintf("%s.%06dZ", day, (int)fraction);
}

static json_t *number_json(double value)
{
    return isnan(value) ? NULL : json_real(value);
}

static json_t *score_json(int32_t score_e4)
{
    return score_e4 == WT_NO_SCORE ? NULL : json_real(score_e4 / 10000.0);
}

static json_t *is_new_json(int8_t is_new)
{
    return is_new < 0 ? NULL : json_boolean(is_new);
}

#define PARAM_JSON(SYMBOL, name, type, min, max, def, unit, text)                                  \
    (void)json_object_set_new(                                                                     \
        params, #name,                                                                             \
        WT_PARAM_##type == WT_PARAM_DECIMAL                                                        \
            ? json_real((double)p->value[WT_PARAM_##SYMBOL] / WT_PARAM_SCALE)                      \
            : json_integer((json_int_t)p->value[WT_PARAM_##SYMBOL]));

static json_t *params_json(const wt_params *p)
{
    json_t *params = json_object();
    WT_PARAMS(PARAM_JSON)
    return params;
}

/* ---- events ---- */

static bool write_whole(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes += n;
        size -= (size_t)n;
    }
    return true;
}

/* The head and the fields (taken over; NULL when out of memory) as one line. */
static char *line_of(const wt_event *e, json_t *fields)
{
    char run_id[37];
    wt_uuid_text(&e->run_id, run_id);
    json_t *line =
        json_pack("{s:I, s:o*, s:s, s:s}", "seq", (json_int_t)e->seq, "time", time_json(e->time_us),
                  "event", NAME_OF(kinds_by_number, e->kind), "run_id", run_id);
    char *text = NULL;
    if (fields != NULL && json_object_update(line, fields) == 0)
        text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(fields);
    json_decref(line);
    return text;
}

/* Once an instance has failed the host closes it; what it gives to this one in between comes
 * again to the next one, because it was not acknowledged. */
static wt_answer take(struct sink *s, const wt_event *e, json_t *fields)
{
    char *line = line_of(e, fields);
    size_t size = line != NULL ? strlen(line) : 0;
    if (line != NULL)
        line[size++] = '\n'; /* in the place of the NUL, so that one write() does */
    bool written = line != NULL && write_whole(s->fd, line, size);
    int why = line != NULL ? errno : ENOMEM;
    free(line);
    if (!written) {
        s->api->fail(s->host, WT_E_AGAIN, strerror(why));
        return WT_ENOUGH;
    }
    s->lines++;
    s->api->ack(s->host, e->seq);
    return WT_TAKEN;
}

static wt_answer on_run_start(void *self, const wt_event *e, const wt_run_start *r)
{
    return take(self, e,
                json_pack("{s:s, s:b, s:s*, s:s*, s:o*, s:s*, s:o}", "trigger_type",
                          NAME_OF(triggers, r->trigger), "profile_immediately",
                          (int)r->profile_immediately, "triggered_by", r->triggered_by, "schedule",
                          r->schedule, "slot_at", time_json(r->slot_at_us), "host", r->host_name,
                          "params", params_json(&r->params)));
}

static wt_answer on_token(void *self, const wt_event *e, const wt_token *t)
{
    return take(self, e,
                json_pack("{s:s, s:s*, s:o*, s:o*}", "token", t->token, "symbol", t->symbol,
                          "price_change_pct", number_json(t->price_change_pct), "volume_usd",
                          number_json(t->volume_usd)));
}

static wt_answer on_wallet(void *self, const wt_event *e, const wt_wallet *w)
{
    json_t *profile = w->profile != NULL ? json_loads(w->profile, 0, NULL) : NULL;
    return take(self, e,
                json_pack("{s:s, s:s, s:o*, s:o*, s:o*}", "wallet_address", w->address,
                          "source_token", w->source_token, "is_new", is_new_json(w->is_new),
                          "initial_score", score_json(w->score_e4), "profile", profile));
}

static wt_answer on_run_error(void *self, const wt_event *e, const wt_run_error *r)
{
    return take(self, e,
                json_pack("{s:s, s:s*, s:s*, s:I}", "message", r->message, "token", r->token,
                          "code", r->code, "line", (json_int_t)r->line));
}

static wt_answer on_run_end(void *self, const wt_event *e, const wt_run_end *r)
{
    json_t *duration = r->duration_us >= 0 ? json_real((double)r->duration_us / 1e6) : NULL;
    return take(self, e,
                json_pack("{s:s, s:o*, s:I, s:s*}", "status", NAME_OF(statuses, r->status),
                          "duration_seconds", duration, "errors_dropped",
                          (json_int_t)r->errors_dropped, "reason", r->reason));
}

static wt_answer on_slot(void *self, const wt_event *e, const wt_slot *slot)
{
    return take(self, e,
                json_pack("{s:s, s:s, s:o*, s:s*}", "schedule", slot->schedule, "outcome",
                          NAME_OF(outcomes, slot->outcome), "due", time_json(slot->due_us),
                          "reason", slot->reason));
}

/* ---- figures, and the table that the host sees ---- */

static void sink_stats(void *self, const wt_stats_sink *out)
{
    const struct sink *s = self;
    const wt_metric lines = {.name = "log_lines", .help = "lines written"};
    out->counter(out->user, &lines, s->lines);
}

static const uint32_t kinds[] = {WT_KIND(WT_RUN_START, 1), WT_KIND(WT_TOKEN, 1),
                                 WT_KIND(WT_WALLET, 1),    WT_KIND(WT_RUN_ERROR, 1),
                                 WT_KIND(WT_RUN_END, 1),   WT_KIND(WT_SLOT, 1)};

static const wt_plugin plugin = {
    .magic = WT_MAGIC,
    .struct_size = sizeof(wt_plugin),
    .abi_major = WT_ABI_MAJOR,
    .abi_minor = WT_ABI_MINOR,
    .kinds = kinds,
    .n_kinds = sizeof kinds / sizeof *kinds,
    .name = "plugin-log",
    .version = "1.0",
    .open = sink_open,
    .claim = sink_claim,
    .on_run_start = on_run_start,
    .on_token = on_token,
    .on_wallet = on_wallet,
    .on_run_error = on_run_error,
    .on_run_end = on_run_end,
    .on_slot = on_slot,
    .close = sink_close,
    .destroy = sink_destroy,
    .stats = sink_stats,
};

const wt_plugin *walltrack_plugin_v1(void)
{
    return &plugin;
}
