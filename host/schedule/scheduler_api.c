/* What the API sees of the schedules, and how it changes them: a change is on disk before it is in
 * force. */
#include "schedule/scheduler_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "schedule/override.h"
#include "schedule/slots.h"

bool scheduler_view(const struct scheduler *s, size_t i, struct schedule_view *out)
{
    if (i >= s->n)
        return false;
    const struct entry *e = &s->entries[i];
    struct slots_state state = {e->every_us, e->enabled, e->file->catch_up, e->last_us, false};
    struct slots_plan plan;
    slots_plan(&state, scheduler_now_us(), &plan);
    *out = (struct schedule_view){
        .name = e->file->name,
        .enabled = e->enabled,
        .every_seconds = e->every_us / SECOND_US,
        .overlap = e->file->overlap,
        .catch_up = e->file->catch_up,
        .params = e->params,
        .profile_immediately = e->profile_immediately,
        .next_us = e->enabled ? plan.wake_us : WT_NO_TIME,
        .last_us = e->fired_us,
    };
    return true;
}

struct pending_change {
    struct scheduler *scheduler;
    journal_done done;
    void *arg;
    char name[65];
};

static void on_change_durable(void *arg, int status, const struct error *err)
{
    struct pending_change *p = arg;
    struct scheduler *s = p->scheduler;
    struct entry *e =
        scheduler_find(s, p->name); /* gone, if the configuration was read again meanwhile */
    if (status == 0 && e != NULL && !s->closing) {
        scheduler_renew(s, e);
        scheduler_look(s);
    }
    if (p->done != NULL)
        p->done(p->arg, status, err);
    free(p);
    scheduler_drop(s);
}

int scheduler_change(struct scheduler *s, size_t i, const struct schedule_change *change,
                     journal_done done, void *arg, struct error *err)
{
    if (i >= s->n || s->closing)
        return error_set(err, ENOENT, "no such schedule");
    if (change->has_every &&
        (change->every_seconds < SCHEDULE_EVERY_MIN || change->every_seconds > SCHEDULE_EVERY_MAX))
        return error_set(err, ERANGE, "every: %" PRId64 " s is outside %d s..366 d",
                         change->every_seconds, SCHEDULE_EVERY_MIN);
    const struct config_schedule *file = s->entries[i].file;
    char name[SETTING_NAME_SIZE];
    scheduler_setting_name(name, "schedule", file->name);
    struct pending_change *p = calloc(1, sizeof *p);
    char *text = override_make(journal_setting(s->journal, name), file->source, change);
    if (p == NULL || text == NULL) {
        free(p);
        free(text);
        return error_set(err, ENOMEM, "out of memory");
    }
    *p = (struct pending_change){s, done, arg, ""};
    snprintf(p->name, sizeof p->name, "%s", file->name);
    int status = journal_put_setting(s->journal, name, text, on_change_durable, p);
    free(text);
    if (status != 0) {
        free(p);
        return error_set(err, EIO, "the journal takes nothing");
    }
    s->refs++;
    return 0;
}
