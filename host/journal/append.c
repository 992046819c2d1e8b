/* Happy path: an append is numbered and encoded into `filling`; at the end of the turn the batch
 * goes to the writer, or as soon as that is free; its report runs the callbacks.
 *
 * When many events come, a batch is handed over 5 ms after the one before at the earliest, so that
 * a sync is shared by many of them; a lone event does not wait.
 *
 * Failure: while the disk is full all wait; any other is final.  What is pending hears of it, in
 * order, and later appends are refused. */
#include "journal/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "fault_point.h"
#include "log.h"

enum { PENDING_HIGH = 4 * 1024 * 1024, PENDING_LOW = 2 * 1024 * 1024 };
enum { FULL_MARGIN = 1024 * 1024 };
enum { LINGER_MS = 5, BUSY_EVENTS = 32, LINGER_BYTES_MAX = 256 * 1024 };

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- room ---- */

static size_t batch_memory(const struct batch *b)
{
    return b != NULL ? b->used + b->n * sizeof *b->records : 0;
}

static uint64_t kept_bytes(const struct journal *j)
{
    return j->report.figures.bytes + j->filling->used + (j->writing != NULL ? j->writing->used : 0);
}

void append_check_room(struct journal *j)
{
    size_t pending = batch_memory(j->filling) + batch_memory(j->writing);
    j->crowded = pending >= (j->crowded ? PENDING_LOW : PENDING_HIGH);
    uint64_t max = (uint64_t)j->limits.max_bytes;
    uint64_t margin = max / 8 < FULL_MARGIN ? max / 8 : FULL_MARGIN;
    j->full = j->report.disk_full || kept_bytes(j) >= (j->full ? max - margin : max);
}

/* A journal that has failed lets everybody come and hear of it. */
bool journal_has_room(const struct journal *j)
{
    return j->report.failed || !(j->crowded || j->full);
}

bool journal_is_full(const struct journal *j)
{
    return j->full;
}

void journal_wait_for_room(struct journal *j, struct journal_waiter *w)
{
    if (w->waiting)
        return;
    struct journal_waiter **end = &j->waiters;
    while (*end != NULL)
        end = &(*end)->next;
    w->next = NULL;
    w->waiting = true;
    *end = w;
    if (journal_has_room(j))
        uv_async_send(&j->async);
}

void journal_stop_waiting(struct journal *j, struct journal_waiter *w)
{
    if (!w->waiting)
        return;
    struct journal_waiter **at = &j->waiters;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    w->waiting = false;
}

/* Each at most once, also when it waits again from its callback. */
void append_serve_waiters(struct journal *j)
{
    size_t n = 0;
    if (j->state != JOURNAL_OPEN)
        return;
    for (struct journal_waiter *w = j->waiters; w != NULL; w = w->next)
        n++;
    while (n-- > 0 && j->waiters != NULL && journal_has_room(j)) {
        struct journal_waiter *w = j->waiters;
        journal_stop_waiting(j, w);
        w->room(w->arg);
    }
    if (j->waiters != NULL && journal_has_room(j))
        uv_async_send(&j->async);
}

/* ---- appending ---- */

static void want_hand_over(struct journal *j)
{
    bool lingers = uv_is_active((uv_handle_t *)&j->linger) && j->filling->used < LINGER_BYTES_MAX;
    if (j->writing == NULL && !lingers)
        uv_idle_start(&j->idle, append_ready);
}

static bool takes_more(const struct journal *j)
{
    return j->state == JOURNAL_OPEN && !j->report.failed;
}

static struct note *slot_note(struct journal *j, const char *schedule)
{
    struct note *slot = notes_find(&j->slots, schedule);
    if (slot == NULL && (slot = notes_add(&j->slots, schedule)) != NULL)
        slot->number = WT_NO_TIME;
    return slot;
}

uint64_t journal_append(struct journal *j, struct event *e, journal_done done, void *arg)
{
    if (!takes_more(j))
        return 0;
    struct note *slot = NULL;
    if (e->head.kind == WT_SLOT && e->u.slot.schedule != NULL &&
        (slot = slot_note(j, e->u.slot.schedule)) == NULL)
        return 0;
    e->head.seq = j->appended + 1;
    e->head.time_us = wall_us();
    if (!batch_add_event(j->filling, e, done, arg)) {
        log_line(LOG_ERROR, "journal",
                 "an event of kind %s cannot be kept: out of memory, or a "
                 "field of it is missing or out of range",
                 event_kind_name(e->head.kind));
        return 0;
    }
    j->appended++;
    if (slot != NULL && e->u.slot.due_us > slot->number)
        slot->number = e->u.slot.due_us;
    append_check_room(j);
    want_hand_over(j);
    return j->appended;
}

int64_t journal_last_slot(const struct journal *j, const char *schedule)
{
    const struct note *slot = notes_find(&j->slots, schedule);
    return slot != NULL ? slot->number : WT_NO_TIME;
}

const char *journal_setting(const struct journal *j, const char *name)
{
    const struct note *setting = notes_find(&j->settings, name);
    return setting != NULL ? setting->text : NULL;
}

int journal_put_setting(struct journal *j, const char *name, const char *value, journal_done done,
                        void *arg)
{
    if (!takes_more(j) || !batch_add_setting(j->filling, name, value, done, arg))
        return -1;
    if (!notes_set_text(&j->settings, name, value)) {
        batch_drop_last(j->filling);
        return -1;
    }
    want_hand_over(j);
    return 0;
}

/* ---- to the writer and back ---- */

static struct batch *free_batch(struct journal *j)
{
    struct batch *b = j->batches;
    while (b == j->writing || b == j->reporting)
        b++;
    return b;
}

void append_hand_over(struct journal *j)
{
    uv_idle_stop(&j->idle);
    uv_timer_stop(&j->linger);
    if (j->writing != NULL || j->report.failed)
        return;
    if (j->marks_due || j->filling->n > 0)
        retain_take_marks(j, j->filling);
    j->marks_due = false;
    if (batch_is_empty(j->filling))
        return;
    j->writing = j->filling;
    j->filling = free_batch(j);
    j->handed_ns = uv_hrtime();
    writer_commit(j->writer, j->writing);
}

/* Now, or a little later for the sake of more company? */
static void hand_over_in_time(struct journal *j)
{
    uint64_t since_ms = (uv_hrtime() - j->handed_ns) / 1000000;
    bool linger = j->busy && since_ms < LINGER_MS && j->filling->used < LINGER_BYTES_MAX &&
                  j->filling->n > 0 && j->state == JOURNAL_OPEN;
    if (!linger) {
        append_hand_over(j);
        return;
    }
    uv_idle_stop(&j->idle);
    uv_update_time(j->loop);
    uv_timer_start(&j->linger, append_linger_over, LINGER_MS - since_ms, 0);
}

void append_ready(uv_idle_t *idle)
{
    hand_over_in_time(idle->data);
}

void append_linger_over(uv_timer_t *timer)
{
    append_hand_over(timer->data);
}

static void run_callbacks(struct journal *j, struct batch *b)
{
    struct error failure = j->report.failure;
    const struct error *err = j->report.failed ? &failure : NULL;
    int status = err != NULL ? err->code : 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->records[i].done != NULL)
            b->records[i].done(b->records[i].arg, status, err);
    batch_clear(b);
}

static void tell_listeners(struct journal *j)
{
    for (struct journal_listener *l = j->listeners; l != NULL; l = j->next_listener) {
        j->next_listener = l->next;
        l->moved(l->arg, j->report.figures.head);
    }
}

static void tell_of_disk(const struct journal *j, const struct writer_report *report)
{
    if (report->disk_full && !j->report.disk_full)
        log_line(LOG_ERROR, "journal", "the disk is full: engines wait, no run starts: %s",
                 report->failure.msg);
    else if (j->report.disk_full && !report->disk_full && !report->failed)
        log_line(LOG_INFO, "journal", "the disk has room again");
}

void append_settle(struct journal *j, const struct writer_report *report)
{
    bool moved = report->figures.head > j->report.figures.head;
    bool first_failure = report->failed && !j->report.failed;
    struct batch *done = report->batch;
    tell_of_disk(j, report);
    j->report = *report;
    if (first_failure)
        log_line(LOG_ERROR, "journal", "nothing more can be recorded: %s", report->failure.msg);
    if (done != NULL) {
        assert(done == j->writing);
        j->busy = done->events >= BUSY_EVENTS;
        j->writing = NULL;
        j->reporting = done;
    }
    if (!report->failed)
        hand_over_in_time(j); /* the writer goes on while the callbacks run */
    append_check_room(j);
    FAULT_POINT("journal-durable");
    if (done != NULL)
        run_callbacks(j, done);
    j->reporting = NULL;
    if (report->failed)
        run_callbacks(j, j->filling);
    if (moved)
        tell_listeners(j);
}

bool append_is_settled(const struct journal *j)
{
    return j->writing == NULL && (j->report.failed || batch_is_empty(j->filling)) &&
           (j->report.failed || !retain_marks_changed(j));
}

/* ---- listeners ---- */

void journal_listen(struct journal *j, struct journal_listener *l)
{
    l->next = j->listeners;
    j->listeners = l;
}

void journal_unlisten(struct journal *j, struct journal_listener *l)
{
    if (j->next_listener == l)
        j->next_listener = l->next;
    for (struct journal_listener **at = &j->listeners; *at != NULL; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            return;
        }
}
