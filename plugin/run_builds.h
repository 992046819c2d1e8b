/* run_builds.h: which runs know already that this build records them.
 *
 * Promise: a run's row names every build that has recorded some of it.  One that starts here is
 *          written with this build; one that another instance began gets it in the first
 *          transaction with an event of that run.  Forgetting is harmless: naming a build again
 *          changes nothing.
 * Bounds:  256 runs; with more at a time all are forgotten.
 * Thread:  loop only.
 * Knows:   batches, sql/note_build.sql.  Not: connections.
 */
#ifndef RECORDER_RUN_BUILDS_H
#define RECORDER_RUN_BUILDS_H

#include <stdbool.h>
#include <stddef.h>

#include "transaction.h"

enum { RUN_BUILDS_MOST = 256 };

/* Zeroed knows none. */
struct run_builds {
    wt_uuid runs[RUN_BUILDS_MOST];
    size_t count;
    size_t last; /* index of the one that was found last */
};

/* The statement that puts the build (a quoted literal) to the runs of the range that do not have it
 * yet: yours to free(), NULL when there are none.  False: out of memory. */
bool run_builds_statement(const struct run_builds *b, const struct range *r, const char *schema,
                          const char *build, char **statement);

/* The range is committed. */
void run_builds_recorded(struct run_builds *b, const struct range *r);

#endif
