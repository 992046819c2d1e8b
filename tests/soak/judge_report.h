/* judge_report.h: what the judge has found wrong.
 *
 * Promise: every finding is counted; the first of each kind are named on standard error.
 * Thread:  main thread only; one report a program.
 */
#ifndef SOAK_JUDGE_REPORT_H
#define SOAK_JUDGE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum damage {
    LOST,        /* printed by an engine or in the journal, and not recorded   */
    DUPLICATED,  /* recorded, or in the journal, more often than it should be  */
    REORDERED,   /* the content of one event stands where another's should     */
    ALTERED,     /* a value is not what the engine printed                     */
    FOREIGN,     /* a row or an event that comes from nowhere                  */
    RUN_WRONG,   /* a run that did not end as it should have                   */
    QUARANTINED, /* rows in recorder_quarantine                                */
    GAP,         /* rows in recorder_gaps                                      */
    LAGGING,     /* in the journal, beyond the cursor                          */
    DAMAGE_COUNT
};

void report_damage(enum damage kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* So many of a kind at once, under one message. */
void report_many(enum damage kind, uint64_t count, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* While paused nothing is counted. */
void report_pause(bool paused);

uint64_t report_total(void);
void report_print(FILE *out); /* "lost=0 duplicated=0 …", no newline */

/* When it cannot judge at all: prints why and ends the program with status 2. */
_Noreturn void cannot_judge(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
