#include "ctl/follow_run.h"

#include <string.h>

#include "ctl/answers.h"
#include "ctl/waiting.h"

enum { POLL_MS = 500, RECORDING_SECONDS = 3 };

struct progress follow_progress(const json_t *run)
{
    const json_t *said = json_object_get(run, "progress");
    int64_t fresh = field_count(run, "new_wallets");
    int64_t known = field_count(run, "updated_wallets");
    return (struct progress){
        .done = field_count(said, "done"),
        .total = field_count(said, "total"),
        .stage = field_text(said, "stage"),
        .wallets = fresh >= 0 && known >= 0 ? fresh + known : field_count(said, "wallets"),
        .rate = field_number(said, "rate"),
        .left = field_number(said, "seconds_left"),
        .seconds = field_age(run, "started_at"),
    };
}

/* `seconds` is for a run that does not say when it started. */
static void show(struct session *s, const json_t *run, double seconds, char last[256])
{
    struct progress p = follow_progress(run);
    if (p.seconds < 0)
        p.seconds = seconds;
    if (!s->json)
        progress_show(&p, stderr, s->terminal ? s->width : 0, last);
}

/* What is known of it: "3 new wallets, 4 updated, 0 errors". */
static void say_figures(FILE *out, const json_t *run)
{
    static const struct {
        const char *key, *words;
    } rows[] = {{"tokens_analyzed", "tokens"},
                {"new_wallets", "new wallets"},
                {"updated_wallets", "updated"},
                {"error_count", "errors"}};
    const char *separator = ": ";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[SHOWN_SIZE];
        if (field_shown_count(run, rows[i].key, text)[0] == '\0')
            continue; /* the recorder has not said */
        fprintf(out, "%s%s %s", separator, text, rows[i].words);
        separator = ", ";
    }
    fputc('\n', out);
}

static enum status say_end(struct session *s, const json_t *run, const char *id)
{
    char took[SHOWN_SIZE];
    const char *status = field_text(run, "status");
    const char *reason = field_text(run, "reason");
    bool good = strcmp(status, "completed") == 0;
    if (s->json)
        return good ? STATUS_OK : STATUS_NOT_DONE;
    progress_clear(stderr, s->terminal ? s->width : 0);
    fprintf(s->out, "run %s: %s%s%s", id, colour_code(status_colour(status), s->colours), status,
            colour_code(COLOUR_NONE, s->colours));
    if (field_shown_duration(run, "duration_seconds", took)[0] != '\0')
        fprintf(s->out, " after %s", took);
    say_figures(s->out, run);
    if (!good && reason != NULL)
        print_field(s, "reason", reason, COLOUR_NONE);
    return good ? STATUS_OK : STATUS_NOT_DONE;
}

/* The run goes on without us. */
static void say_goes_on(const char *id, const char *why)
{
    fprintf(stderr,
            "\n%s; the run goes on: `walltrackctl follow %s` watches it, "
            "`walltrackctl cancel %s` ends it\n",
            why, id, id);
}

/* What the run looks like now.  While the recorder is away the host answers for it; after an answer
 * 503 it is asked again. */
static enum status look(struct session *s, const char *id, struct reply *reply, struct error *err)
{
    char path[128];
    snprintf(path, sizeof path, "/api/discovery/runs/%s", id);
    enum status status = client_call(s->client, "GET", path, NULL, reply, err);
    if (status != STATUS_AWAY || reply->status != 503)
        return status;
    *err = (struct error){0}; /* it passes */
    return STATUS_OK;
}

static bool has_ended(const json_t *run)
{
    const char *status = field_text(run, "status");
    return status != NULL && strcmp(status, "running") != 0;
}

/* An end that the recorder has not written yet is worth a moment's wait: its figures are missing.
 * `ended` is when the end was first seen, negative before. */
static bool is_told_whole(const json_t *run, double *ended)
{
    if (!has_ended(run))
        return false;
    if (*ended < 0)
        *ended = waiting_now_seconds();
    return field_text(run, "build") != NULL || waiting_now_seconds() - *ended >= RECORDING_SECONDS;
}

enum status follow_run(struct session *s, const char *id, double timeout, struct error *err)
{
    double start = waiting_now_seconds(), ended = -1;
    char last[256] = "";
    for (;;) {
        struct reply reply;
        enum status status = look(s, id, &reply, err);
        if (status == STATUS_OK && is_told_whole(reply.json, &ended)) {
            if (s->json)
                answer_print(s, &reply);
            status = say_end(s, reply.json, id);
            reply_free(&reply);
            return status;
        }
        if (status == STATUS_OK)
            show(s, reply.json, waiting_now_seconds() - start, last);
        reply_free(&reply);
        if (status != STATUS_OK)
            return status;
        if (waiting_is_interrupted()) {
            say_goes_on(id, "interrupted");
            return STATUS_INTERRUPTED;
        }
        if (waiting_now_seconds() - start >= timeout) {
            say_goes_on(id, "it has not ended in time");
            return STATUS_NOT_DONE;
        }
        waiting_pause(POLL_MS);
    }
}
