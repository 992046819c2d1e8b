/* judge_gone.h: events that are rightly in no table of their own: gaps and the quarantine.
 *
 * Promise: what the quarantine holds is byte by byte what the journal holds.
 * Thread:  main thread only.
 * Knows:   the database, events.
 */
#ifndef SOAK_JUDGE_GONE_H
#define SOAK_JUDGE_GONE_H

#include <stdbool.h>
#include <stdint.h>

#include "judge_journal.h"
#include "judge_table.h"

struct gone;

struct gone *gone_read(struct database *d);
void gone_drop(struct gone *g);

/* How many events the gaps cover, and how many are in quarantine. */
uint64_t gone_in_gaps(const struct gone *g);
uint64_t gone_in_quarantine(const struct gone *g);

bool gone_is_in_gap(const struct gone *g, uint64_t seq);
/* Reports it when the bytes are not those of the event. */
bool gone_is_quarantined(const struct gone *g, const struct fact *f);

#endif
