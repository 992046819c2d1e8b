/* judge_counts.h: what must hold of the tables by themselves, whatever the journal still has.
 *
 * Each event up to the cursor has left exactly one trace: a row, a run's end, a place in the
 * quarantine or in a gap.  Each due time of a schedule has one slot and at most one run, and no
 * run is of a slot that has not fired.
 *
 * Thread: main thread only.
 */
#ifndef SOAK_JUDGE_COUNTS_H
#define SOAK_JUDGE_COUNTS_H

#include <stdint.h>

#include "judge_gone.h"
#include "judge_table.h"

void counts_check(struct database *d, const struct gone *g, uint64_t cursor);

/* Only where no event is gone. */
void counts_check_slots(struct database *d);

#endif
