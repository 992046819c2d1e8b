/* One timer on the time of day, set to the earliest slot of all schedules.  When it expires, or
 * when the clock is set, every schedule is planned anew (slots.c) and the plans are carried out;
 * nothing is polled.
 *
 * What is remembered of a schedule, in the journal's settings: "schedule.<name>" what the API has
 * set (override.c), "interval.<name>" the interval that its slots were counted by, since another
 * one has other slots, none of which was missed, and "fired.<name>" the last slot that fired. */
#include "schedule/scheduler_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "fault_point.h"
#include "log.h"
#include "schedule/override.h"
#include "schedule/slots.h"

int64_t scheduler_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

/* ---- what is remembered ---- */

const char *scheduler_setting_name(char out[SETTING_NAME_SIZE], const char *kind,
                                   const char *schedule)
{
    snprintf(out, SETTING_NAME_SIZE, "%s.%s", kind, schedule);
    return out;
}

static int64_t remembered(const struct scheduler *s, const char *kind, const char *schedule)
{
    char name[SETTING_NAME_SIZE];
    const char *text = journal_setting(s->journal, scheduler_setting_name(name, kind, schedule));
    return text != NULL ? strtoll(text, NULL, 10) : WT_NO_TIME;
}

/* Not to be had when the journal has failed, which was logged. */
static void remember(struct scheduler *s, const char *kind, const char *schedule, int64_t number)
{
    char name[SETTING_NAME_SIZE], text[24];
    snprintf(text, sizeof text, "%" PRId64, number);
    journal_put_setting(s->journal, scheduler_setting_name(name, kind, schedule), text, NULL, NULL);
}

/* ---- the timer ---- */

static void arm(struct scheduler *s, int64_t at_us)
{
    /* All zero would disarm it. */
    struct itimerspec when = {.it_value = {at_us / SECOND_US, at_us % SECOND_US * 1000 + 1}};
    if (timerfd_settime(s->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) != 0)
        log_line(LOG_ERROR, "scheduler", "set the timer: %s", strerror(errno));
}

static void arm_for_next(struct scheduler *s)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < s->n; i++)
        if (s->entries[i].wake_us < next)
            next = s->entries[i].wake_us;
    if (s->n > 0)
        arm(s, next > 0 ? next : 0);
}

/* ---- slots ---- */

static void record(struct scheduler *s, const struct entry *e, int64_t due_us, uint8_t outcome,
                   const wt_uuid *run, const char *reason)
{
    struct event event;
    event_init(&event, WT_SLOT, run);
    event.u.slot.outcome = outcome;
    event.u.slot.due_us = due_us;
    event.u.slot.schedule = e->file->name;
    event.u.slot.reason = reason;
    if (journal_append(s->journal, &event, NULL, NULL) == 0)
        log_line(LOG_ERROR, "scheduler", "%s: a slot could not be recorded", e->file->name);
}

static void record_missed(struct scheduler *s, const struct entry *e, const struct slots_plan *plan)
{
    static const char down[] = "it passed while the host was not running";
    static const char held[] = "it passed while the host was held up or the clock was moved";
    static const char paused[] = "the schedule was paused";
    uint8_t outcome = e->enabled ? WT_SLOT_HOST_DOWN : WT_SLOT_PAUSED;
    const char *why = !e->enabled ? paused : s->was_down ? down : held;
    for (size_t i = 0; i < plan->missed; i++) {
        char reason[160];
        snprintf(reason, sizeof reason, "%s, and %" PRId64 " earlier slots", why, plan->earlier);
        bool sums = i == 0 && plan->earlier > 0;
        record(s, e, plan->missed_us + (int64_t)i * e->every_us, outcome, NULL,
               sums ? reason : why);
    }
}

static void on_started(void *arg, const wt_uuid *id, const struct error *err)
{
    (void)arg;
    (void)id;
    if (err != NULL)
        log_line(LOG_ERROR, "scheduler", "a run was not started: %s", err->msg);
}

static void fire(struct scheduler *s, struct entry *e, const struct slots_plan *plan)
{
    const char *name = e->file->name;
    if (e->file->overlap == OVERLAP_SKIP && runs_is_running(s->runs, name)) {
        record(s, e, plan->fire_us, WT_SLOT_OVERLAP, NULL, "the run before was still going");
        return;
    }
    struct run_request request = {
        .trigger = WT_TRIGGER_SCHEDULED,
        .triggered_by = name,
        .schedule = name,
        .slot_at_us = plan->fire_us,
        .params = e->params,
        .profile_immediately = e->profile_immediately,
    };
    wt_uuid run;
    struct error err;
    FAULT_POINT("slot-due");
    if (runs_start(s->runs, &request, on_started, NULL, &run, &err) != 0) {
        log_line(LOG_WARNING, "scheduler", "%s: no run: %s", name, err.msg);
        record(s, e, plan->fire_us, err.code == EBUSY ? WT_SLOT_LIMIT : WT_SLOT_REFUSED, NULL,
               err.msg);
        return;
    }
    char reason[64];
    snprintf(reason, sizeof reason, "made up for, %" PRId64 " s late", plan->late_us / SECOND_US);
    bool late = s->was_down || plan->late_us > SLOTS_ON_TIME_US;
    record(s, e, plan->fire_us, WT_SLOT_FIRED, &run, late ? reason : NULL);
    e->fired_us = plan->fire_us;
    FAULT_POINT("slot-fired");
    remember(s, "fired", name, e->fired_us);
}

static void look_at(struct scheduler *s, struct entry *e, int64_t now_us)
{
    struct slots_state state = {e->every_us, e->enabled, e->file->catch_up, e->last_us,
                                s->was_down};
    struct slots_plan plan;
    slots_plan(&state, now_us, &plan);
    /* First, whatever comes of it: a slot is never dealt with twice. */
    e->last_us = plan.dealt_us;
    e->wake_us = plan.wake_us;
    record_missed(s, e, &plan);
    if (plan.fire_us != WT_NO_TIME)
        fire(s, e, &plan);
}

void scheduler_look(struct scheduler *s)
{
    int64_t now = scheduler_now_us();
    for (size_t i = 0; i < s->n; i++)
        look_at(s, &s->entries[i], now);
    s->was_down = false;
    arm_for_next(s);
}

/* A slot is due, or the clock was set (ECANCELED); either way everything is looked at again. */
static void on_timer(uv_poll_t *poll, int status, int events)
{
    struct scheduler *s = poll->data;
    uint64_t expirations;
    (void)events;
    if (status < 0)
        log_line(LOG_ERROR, "scheduler", "watch the timer: %s", uv_strerror(status));
    ssize_t n = read(s->timer, &expirations, sizeof expirations);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n < 0 && errno == ECANCELED)
        log_line(LOG_INFO, "scheduler", "the clock was set");
    scheduler_look(s);
}

/* ---- entries ---- */

static void apply_override(struct scheduler *s, struct entry *e)
{
    char name[SETTING_NAME_SIZE];
    struct schedule_change set;
    const char *why;
    const char *text =
        journal_setting(s->journal, scheduler_setting_name(name, "schedule", e->file->name));
    if (text == NULL)
        return;
    if (!override_read(text, e->file->source, &set, &why)) {
        log_line(LOG_WARNING, "scheduler", "%s: back to the configuration file: %s", e->file->name,
                 why);
        journal_put_setting(s->journal, name, NULL, NULL, NULL);
        return;
    }
    if (set.has_enabled)
        e->enabled = set.enabled;
    if (set.has_every)
        e->every_us = set.every_seconds * SECOND_US;
    if (set.has_params)
        e->params = set.params;
    if (set.has_profile)
        e->profile_immediately = set.profile_immediately;
}

void scheduler_renew(struct scheduler *s, struct entry *e)
{
    const struct config_schedule *file = e->file;
    int64_t now = scheduler_now_us();
    e->enabled = file->enabled;
    e->every_us = file->every_seconds * SECOND_US;
    e->params = file->params;
    e->profile_immediately = file->profile_immediately;
    apply_override(s, e);

    e->fired_us = remembered(s, "fired", file->name);
    int64_t last = journal_last_slot(s->journal, file->name);
    if (last > e->last_us)
        e->last_us = last;
    int64_t interval = e->every_us / SECOND_US;
    if (remembered(s, "interval", file->name) != interval) {
        remember(s, "interval", file->name, interval);
        if (e->last_us < now)
            e->last_us = now;
    } else if (e->last_us == WT_NO_TIME) {
        e->last_us = now;
    }
    if (e->last_us > now + e->every_us)
        log_line(LOG_WARNING, "scheduler",
                 "%s: the clock is %" PRId64 " s behind its last slot; nothing is due before that",
                 file->name, (e->last_us - now) / SECOND_US);
}

struct entry *scheduler_find(struct scheduler *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->entries[i].file->name, name) == 0)
            return &s->entries[i];
    return NULL;
}

/* A schedule that comes back one day begins anew. */
static void forget_missing(struct scheduler *s, const struct config *config)
{
    for (size_t i = 0; i < s->n; i++) {
        const char *name = s->entries[i].file->name;
        bool stays = false;
        for (size_t k = 0; k < config->n_schedules; k++)
            stays = stays || strcmp(config->schedules[k].name, name) == 0;
        char setting[SETTING_NAME_SIZE];
        if (!stays)
            journal_put_setting(s->journal, scheduler_setting_name(setting, "interval", name), NULL,
                                NULL, NULL);
    }
}

/* On failure everything is as it was. */
static int set_entries(struct scheduler *s, const struct config *config, struct error *err)
{
    size_t n = config->n_schedules;
    struct entry *entries = calloc(n + 1, sizeof *entries);
    if (entries == NULL)
        return error_set(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++) {
        const struct entry *before = scheduler_find(s, config->schedules[i].name);
        entries[i].last_us = before != NULL ? before->last_us : WT_NO_TIME;
        entries[i].file = &config->schedules[i];
    }
    forget_missing(s, config);
    for (size_t i = 0; i < n; i++)
        scheduler_renew(s, &entries[i]);
    free(s->entries);
    s->entries = entries;
    s->n = n;
    return 0;
}

/* ---- life ---- */

static void release(struct scheduler *s)
{
    if (s->timer >= 0)
        close(s->timer);
    free(s->entries);
    free(s);
}

int scheduler_new(uv_loop_t *loop, struct journal *j, struct runs *runs,
                  const struct config *config, struct scheduler **out, struct error *err)
{
    struct scheduler *s = calloc(1, sizeof *s);
    if (s == NULL)
        return error_set(err, ENOMEM, "scheduler: out of memory");
    s->journal = j;
    s->runs = runs;
    s->was_down = true;
    s->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->timer < 0) {
        error_set(err, errno, "scheduler: make a timer: %s", strerror(errno));
        goto fail;
    }
    if (set_entries(s, config, err) != 0) {
        error_wrap(err, "scheduler");
        goto fail;
    }
    int code = uv_poll_init(loop, &s->poll, s->timer);
    if (code != 0) {
        error_set(err, -code, "scheduler: watch a timer: %s", uv_strerror(code));
        goto fail;
    }
    s->poll.data = s;
    s->refs = 1;
    uv_poll_start(&s->poll, UV_READABLE, on_timer);
    arm(s, 0); /* the first look: in the first turn */
    *out = s;
    return 0;
fail:
    release(s);
    return -1;
}

void scheduler_configure(struct scheduler *s, const struct config *config)
{
    struct error err;
    if (set_entries(s, config, &err) != 0) {
        /* The old entries would point into a configuration that goes. */
        log_line(LOG_ERROR, "scheduler", "%s; no schedules till the next configuration", err.msg);
        s->n = 0;
        return;
    }
    if (!s->was_down)
        scheduler_look(s);
}

void scheduler_drop(struct scheduler *s)
{
    if (--s->refs > 0)
        return;
    void (*closed)(void *arg) = s->closed;
    void *arg = s->closed_arg;
    release(s);
    closed(arg);
}

static void on_poll_closed(uv_handle_t *handle)
{
    scheduler_drop(handle->data);
}

void scheduler_close(struct scheduler *s, void (*closed)(void *arg), void *arg)
{
    s->closing = true;
    s->closed = closed;
    s->closed_arg = arg;
    uv_poll_stop(&s->poll); /* before its descriptor is closed */
    uv_close((uv_handle_t *)&s->poll, on_poll_closed);
}
