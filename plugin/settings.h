/* settings.h: the plugin's part of the configuration file, checked whole.
 *
 * Promise: every key known, every value of its type and in its range, defaults filled in.
 * Thread:  any; no state.
 * Knows:   jansson, libpq's parser of connection strings.  Not: connections.
 */
#ifndef RECORDER_SETTINGS_H
#define RECORDER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WHY_SIZE = 512 }; /* room for a reason in words */

struct settings {
    char *conninfo; /* "" takes libpq's defaults                                            */
    char *schema;   /* 1 to 63 bytes                                                        */
    char *stream;   /* which cursor row is ours: 1 to 40 bytes                              */
    bool migrate_by_hand;
    bool allow_unsafe_server; /* fsync or full_page_writes may be off                       */
    int64_t batch_rows;       /* 1..20000: events that are worth a transaction at once      */
    int64_t batch_ms;         /* 0..10000: the longest that a lone event waits              */
    int64_t commit_seconds;   /* 1..600: a batch that takes longer ends the instance        */
    int64_t connect_seconds;  /* 1..600                                                     */
    int64_t retain_days;      /* 1..36500: older runs are removed; 0: none for their age    */
    int64_t retain_runs;      /* 1..10^9: newest ones of a schedule that stay; 0: all       */
    int64_t sweep_minutes;    /* 1..10080: from the end of a sweep to the next              */
    int64_t sweep_delay;      /* 0..86400: seconds from the claim to the first sweep        */
};

/* What the rules of retention are called in the configuration and in questions, and their range. */
enum { RETAIN_DAYS_MOST = 36500, RETAIN_RUNS_MOST = 1000000000 };
#define RETAIN_DAYS_KEY "older_than_days"
#define RETAIN_RUNS_KEY "runs_per_schedule"

/* 0 and *out is yours until settings_free(), or -1 and `why` names key and value. */
int settings_parse(const char *json, struct settings *out, char why[WHY_SIZE]);
void settings_free(struct settings *s); /* zeroed settings are fine */

#endif
