/* soak_swaps.h: the thread that orders swaps, back to back, and the book that it keeps.
 *
 * Builds are chosen at random: under their own names, or written over the file that is configured;
 * now and then the same build again (with and without force), the one before (roll back), one that
 * opens slowly, one that is doomed to fail in its probation.
 */
#ifndef SOAK_SWAPS_H
#define SOAK_SWAPS_H

#include "soak.h"
#include "soak_figures.h"
#include "soak_server.h"

enum { STEPS = 7, REASONS = 12 };

enum outcome {
    OUTCOME_LIVE,
    OUTCOME_ALREADY, /* LIVE without a swap: the build is the one in force */
    OUTCOME_REFUSED,
    OUTCOME_ROLLED_BACK,
    OUTCOME_SUPERSEDED,
    OUTCOME_CANCELLED,
    OUTCOME_NO_WAY_BACK, /* a roll back that was told that there is no build before */
    OUTCOME_KILLED,      /* the host was killed before it could answer */
    OUTCOME_NONE,        /* no verdict, and no reason for that         */
    OUTCOMES
};

struct book {
    unsigned long outcomes[OUTCOMES];
    unsigned long undone;           /* LIVE, and rolled back in their probation */
    unsigned long unplanned;        /* rolled back, though not doomed */
    unsigned long replayed;         /* events                                   */
    unsigned long disturbed, ended; /* swaps beside a kill or crash; with a backend ended */
    unsigned long highest, unknown, repeated;  /* numbers of orders      */
    struct figures gap, gap_abrupt, gap_ended; /* ms without feed       */
    struct figures live, seen;                 /* ms from request to LIVE, told and seen */
    struct figures steps[STEPS];
    char reasons[REASONS][240]; /* of what was not LIVE, the first of each kind */
    unsigned n_reasons;
};

extern const char *const step_names[STEPS];
extern const char *const outcome_names[OUTCOMES];

struct swaps;

struct swaps *swaps_start(struct soak *s, struct server_threads *server);
/* Whether the thread has ordered all that it was asked to, s->most. */
bool swaps_are_done(const struct swaps *w);
/* The builds may drain or not, from about now on. */
void swaps_set_abrupt(struct swaps *w, bool abrupt);
/* Something beside the swaps disturbs them just now. */
void swaps_disturb(struct swaps *w);
void swaps_join(struct swaps *w, struct book *out); /* after s->stop */
void book_free(struct book *b);

#endif
