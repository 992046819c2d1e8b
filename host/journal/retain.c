/* What must stay: consumers' marks, holds and limits become the writer's rules at once, and marks
 * reach the disk with the next commit or a second later. */
#include "journal/journal_internal.h"

#include <time.h>

#include "log.h"

enum { MARKS_MS = 1000, TRIM_MS_MIN = 1000, TRIM_MS_MAX = 3600 * 1000 };

/* The lowest mark of those that were added; with none nothing is waited for. */
static uint64_t acknowledged(const struct journal *j)
{
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < j->consumers.n; i++) {
        const struct note *c = j->consumers.items[i];
        if (c->added && (uint64_t)c->number < lowest)
            lowest = (uint64_t)c->number;
    }
    return lowest;
}

/* Retained events must leave room for new ones, whatever the limits say. */
void retain_push_rules(struct journal *j)
{
    const struct journal_limits *l = &j->limits;
    struct trim_rules rules = {acknowledged(j), l->retain_seconds * 1000000, l->retain_bytes};
    if (rules.retain_bytes > l->max_bytes / 2)
        rules.retain_bytes = l->max_bytes / 2;
    writer_set_rules(j->writer, &rules, j->holds > 0);
}

void journal_set_limits(struct journal *j, const struct journal_limits *limits)
{
    j->limits = *limits;
    retain_push_rules(j);
    append_check_room(j);
    writer_trim(j->writer);
    if (j->waiters != NULL && journal_has_room(j))
        uv_async_send(&j->async);
}

/* ---- consumers ---- */

static void mark_changed(struct journal *j, struct note *c)
{
    c->changed = true;
    retain_push_rules(j);
    if (j->state == JOURNAL_OPEN && !uv_is_active((uv_handle_t *)&j->marks_timer))
        uv_timer_start(&j->marks_timer, retain_marks_timer, MARKS_MS, 0);
}

uint64_t journal_consumer(struct journal *j, const char *name)
{
    struct note *c = notes_add(&j->consumers, name);
    if (c == NULL) { /* hold everything rather than lose something */
        log_line(LOG_ERROR, "journal", "consumer %s: out of memory; nothing is removed", name);
        journal_hold(j);
        return 0;
    }
    /* A mark beyond the head is of events that a power cut took with the disk. */
    if ((uint64_t)c->number > j->appended)
        c->number = (int64_t)j->appended;
    c->added = true;
    mark_changed(j, c);
    return (uint64_t)c->number;
}

void journal_ack(struct journal *j, const char *name, uint64_t seq)
{
    struct note *c = notes_find(&j->consumers, name);
    if (c == NULL || (uint64_t)c->number == seq)
        return;
    c->number = (int64_t)seq;
    mark_changed(j, c);
}

bool retain_marks_changed(const struct journal *j)
{
    for (size_t i = 0; i < j->consumers.n; i++)
        if (j->consumers.items[i]->changed)
            return true;
    return false;
}

void retain_take_marks(struct journal *j, struct batch *b)
{
    for (size_t i = 0; i < j->consumers.n; i++) {
        struct note *c = j->consumers.items[i];
        if (c->changed && batch_add_mark(b, c->name, (uint64_t)c->number))
            c->changed = false;
    }
}

void retain_marks_timer(uv_timer_t *timer)
{
    struct journal *j = timer->data;
    j->marks_due = retain_marks_changed(j);
    append_hand_over(j);
    writer_trim(j->writer);
}

/* ---- holds and time ---- */

void journal_hold(struct journal *j)
{
    j->holds++;
    retain_push_rules(j);
}

void journal_release(struct journal *j)
{
    j->holds--;
    retain_push_rules(j);
    if (j->holds == 0)
        writer_trim(j->writer);
}

void retain_trim_timer(uv_timer_t *timer)
{
    struct journal *j = timer->data;
    writer_trim(j->writer);
}

/* Sleeps until the oldest event becomes too old. */
void retain_schedule(struct journal *j, const struct writer_report *report)
{
    if (!report->trim_looked || j->state != JOURNAL_OPEN)
        return;
    uv_timer_stop(&j->trim_timer);
    if (report->next_trim_us == WT_NO_TIME)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ms = report->next_trim_us / 1000 - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    ms = ms < TRIM_MS_MIN ? TRIM_MS_MIN : ms > TRIM_MS_MAX ? TRIM_MS_MAX : ms;
    uv_timer_start(&j->trim_timer, retain_trim_timer, (uint64_t)ms, 0);
}
