/* scheduler_internal.h: what scheduler.c and scheduler_api.c share, and nobody else sees. */
#ifndef SCHEDULE_SCHEDULER_INTERNAL_H
#define SCHEDULE_SCHEDULER_INTERNAL_H

#include "schedule/scheduler.h"

enum { SECOND_US = 1000000, SETTING_NAME_SIZE = 96 };

struct entry {
    const struct config_schedule *file;
    bool enabled;
    int64_t every_us;
    wt_params params;
    bool profile_immediately;
    int64_t last_us;  /* all slots up to here have been dealt with */
    int64_t wake_us;  /* the next slot          */
    int64_t fired_us; /* or WT_NO_TIME          */
};

struct scheduler {
    struct journal *journal;
    struct runs *runs;
    struct entry *entries;
    size_t n;
    uv_poll_t poll; /* of the timer */
    int timer;
    bool was_down; /* till the first look: what is due then passed while the host was down */
    bool closing;
    int refs; /* the poll handle, and each change on its way to disk */
    void (*closed)(void *arg);
    void *closed_arg;
};

int64_t scheduler_now_us(void); /* the time of day */

/* The name of a setting in the journal, such as "schedule.default". */
const char *scheduler_setting_name(char out[SETTING_NAME_SIZE], const char *kind,
                                   const char *schedule);

struct entry *scheduler_find(struct scheduler *s, const char *name); /* or NULL */

/* Brings an entry to what file and API say.  A new schedule and a new interval begin with the next
 * slot: none before it was missed. */
void scheduler_renew(struct scheduler *s, struct entry *e);

/* Deals with all slots that are due, and sets the timer to the next. */
void scheduler_look(struct scheduler *s);

/* Gives one of the references back; the last one frees s and tells its owner. */
void scheduler_drop(struct scheduler *s);

#endif
