/* judge_runs.h: each run of the journal beside what its engine must have printed.
 *
 * Promise: every event of a run is matched with a line of the source, in order; a completed run
 *          has all of them, one that the host's end has cut short has an exact prefix.
 * Fails:   only when memory is out.
 * Thread:  main thread only.
 */
#ifndef SOAK_JUDGE_RUNS_H
#define SOAK_JUDGE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "judge_journal.h"
#include "source.h"

struct run {
    unsigned char id[16];
    char name[37];
    struct source source;
    uint64_t next; /* line that no event was matched with yet */
    int64_t start_us, end_us, slot_us;
    char *schedule;
    bool ended;
    unsigned status;
    char *reason;
    unsigned char *seen; /* of each wallet, while the run goes on */
    uint64_t tokens, errors, dropped;
    uint64_t fresh, known, profiled; /* wallets, each once */
};

struct runs;

/* Both are borrowed.  `excuse` is part of a reason for which a run may fail, or NULL. */
struct runs *runs_make(const struct source_plan *plan, const char *excuse);
void runs_drop(struct runs *r);

size_t runs_count(const struct runs *r);
const struct run *runs_at(const struct runs *r, size_t i); /* in the order of their start */

/* Whether that run's start was taken. */
bool runs_has(const struct runs *r, const unsigned char id[16]);

void runs_take_start(struct runs *r, const struct fact *f);
void runs_take_end(struct runs *r, const struct fact *f);

/* The line that led to a token, wallet or error, with which the event agrees or else was reported;
 * NULL, reported, when there is none.  Borrowed until the next call.  *is_new is what the
 * recorder must have made of a wallet. */
const struct source_line *runs_take_line(struct runs *r, const struct fact *f, bool *is_new);

/* "completed" …, as the recorder writes it. */
const char *run_status(const struct run *r);

/* How many have ended by themselves, and how many were cut short. */
void runs_ends(const struct runs *r, uint64_t *completed, uint64_t *cut);

#endif
