/* undecided.h: whether wallets are new, for those of which the engine did not say.
 *
 * New means: no row of another run with a smaller event number, in the database or earlier in the
 * range.  A wallet found through two tokens of one run is new in both rows.
 *
 * Thread: loop only.  Knows: batch, libpq's results.  Not: connections.
 */
#ifndef RECORDER_UNDECIDED_H
#define RECORDER_UNDECIDED_H

#include <stdbool.h>

#include <libpq-fe.h>

#include "batch.h"

/* Whether there is anything to decide among entries [from, to). */
bool undecided_any(const struct batch *b, size_t from, size_t to);

/* The parameters of sql/known_wallets.sql, for the undecided entries in their order: two binary
 * arrays.  False when memory is out. */
bool undecided_arrays(const struct batch *b, size_t from, size_t to, struct rows *wallets,
                      struct rows *runs);

/* Decides from the answer (a binary int4 column) and from the range itself.  False: no memory. */
bool undecided_decide(struct batch *b, size_t from, size_t to, const PGresult *known);

#endif
