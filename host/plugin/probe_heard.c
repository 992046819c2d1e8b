#include "plugin/probe_heard.h"

#include <ctype.h>
#include <errno.h>
#include <glib.h>
#include <string.h>

enum { LAST_WORDS_MAX = 255 };

static const char *const step_names[] = {
    [PROBE_STARTS] = "at its start",
    [PROBE_CONSTRUCTS] = "in the constructor",
    [PROBE_ENTERS] = "in the entry function",
    [PROBE_OPENS] = "in open",
    [PROBE_CLOSES] = "in close",
    [PROBE_UNLOADS] = "in the destructor",
};

/* ---- hearing ---- */

char *probe_heard_room(struct probe_heard *h, size_t *size)
{
    *size = sizeof h->message - h->received;
    return (char *)&h->message + h->received;
}

/* A build that writes to descriptors which are not its own can say anything here. */
static void understand(struct probe_heard *h)
{
    struct probe_message *m = &h->message;
    if (h->refusal.code != 0)
        return; /* the first counts */
    m->reason[sizeof m->reason - 1] = '\0';
    m->report.name[PROBE_TEXT_MAX] = m->report.version[PROBE_TEXT_MAX] = '\0';
    if (m->word == PROBE_REACHED && m->step < PROBE_STEPS) {
        h->step = m->step;
    } else if (m->word == PROBE_PASSED) {
        h->passed = true;
        h->report = m->report;
    } else if (m->word == PROBE_REFUSED) {
        error_set(&h->refusal, m->code == EINVAL ? EINVAL : EPROTO, "%s", m->reason);
    } else {
        error_set(&h->refusal, EPROTO, "wrote to a descriptor that is not its own %s",
                  step_names[h->step]);
    }
}

void probe_heard_take(struct probe_heard *h, size_t n)
{
    h->received += n;
    if (h->received < sizeof h->message)
        return;
    h->received = 0;
    understand(h);
}

void probe_heard_complaint(struct probe_heard *h, const char *data, size_t size)
{
    if (size > PROBE_TAIL_SIZE) {
        data += size - PROBE_TAIL_SIZE;
        size = PROBE_TAIL_SIZE;
    }
    size_t room = PROBE_TAIL_SIZE - size;
    size_t kept = h->tail_used < room ? h->tail_used : room;
    memmove(h->tail, h->tail + h->tail_used - kept, kept);
    memcpy(h->tail + kept, data, size);
    h->tail_used = kept + size;
}

/* ---- judging ---- */

/* The last line that is not blank, with ": " before it; "" when it said nothing. */
static void last_words(const struct probe_heard *h, char out[LAST_WORDS_MAX + 3])
{
    size_t end = h->tail_used;
    while (end > 0 && isspace((unsigned char)h->tail[end - 1]))
        end--;
    size_t start = end;
    while (start > 0 && h->tail[start - 1] != '\n')
        start--;
    size_t size = end - start < LAST_WORDS_MAX ? end - start : LAST_WORDS_MAX;
    memcpy(out, ": ", 2);
    memcpy(out + 2, h->tail + start, size);
    out[size > 0 ? size + 2 : 0] = '\0';
}

/* What a plugin says may be anything. */
static void make_printable(struct error *err)
{
    for (char *c = err->msg; *c != '\0'; c++)
        if (g_ascii_iscntrl(*c))
            *c = ' ';
    char *valid = g_utf8_make_valid(err->msg, -1);
    const char *end = valid + strlen(valid);
    while ((size_t)(end - valid) >= sizeof err->msg) /* making it valid makes it longer */
        end = g_utf8_find_prev_char(valid, end);
    memcpy(err->msg, valid, (size_t)(end - valid));
    err->msg[end - valid] = '\0';
    g_free(valid);
}

static void explain(const struct probe_heard *h, const struct probe_end *end, struct error *err)
{
    const char *where = step_names[h->step];
    char words[LAST_WORDS_MAX + 3];
    last_words(h, words);
    if (h->refusal.code != 0)
        *err = h->refusal;
    else if (end->timed_out)
        error_set(err, ETIMEDOUT, "no answer in %.1f s (%s)%s", (double)end->timeout_ms / 1000,
                  where, words);
    else if (end->signal != 0)
        error_set(err, EPROTO, "died by signal %d (%s) %s%s", end->signal, strsignal(end->signal),
                  where, words);
    else
        error_set(err, EPROTO, "exited with status %d %s%s", end->exit_status, where, words);
    make_printable(err);
}

bool probe_heard_verdict(const struct probe_heard *h, const struct probe_end *end,
                         struct error *err)
{
    if (h->passed && h->refusal.code == 0 && end->exited && end->signal == 0 &&
        end->exit_status == 0)
        return true;
    explain(h, end, err);
    return false;
}
