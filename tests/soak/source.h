/* source.h: what an engine of the soak prints, made from numbers alone.
 *
 * Promise: line n of a run is the same wherever it is made: it depends on the seed, the run's id
 *          and n, and on nothing that was made before it.  So whoever knows those three knows
 *          what must have been recorded.
 * Thread:  any; a source belongs to one at a time.
 * Knows:   nothing of the host or of a plugin.  The engine and the judge share it, nobody else.
 *
 * Wallets come from a small population, so that runs meet again and again; within a run no pair
 * of wallet and token comes twice except as a repetition, of which the first counts.
 */
#ifndef SOAK_SOURCE_H
#define SOAK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SOURCE_WALLETS = 50021, /* in all runs together; a prime */
    SOURCE_NAME_SIZE = 45,  /* an address, with its NUL      */
    SOURCE_PROFILE_MAX = 60 * 1024,
    SOURCE_LINE_MAX = 62 * 1024
};

enum source_kind {
    SOURCE_WALLET,
    SOURCE_TOKEN,
    SOURCE_ERROR,
    SOURCE_PROGRESS, /* shown, not recorded                       */
    SOURCE_REPEAT    /* a wallet again, with another score: dropped */
};

/* What all runs of a soak have in common. */
struct source_plan {
    uint64_t seed;
    uint64_t lines;     /* of a run, about: half to one and a half times so many, but one
                           run in eight is very short                                     */
    uint64_t undecided; /* percent of wallets of which it is not said whether they are new */
};

struct source {
    uint64_t run;            /* seed and run's id in one number */
    uint64_t lines;          /* of this run                     */
    uint64_t undecided;      /* as planned                      */
    uint64_t stride, offset; /* wallet of line n: (stride · n + offset) mod SOURCE_WALLETS */
};

/* What a line says; an absent text is "", an absent number as noted. */
struct source_line {
    enum source_kind kind;
    uint64_t n;
    uint64_t chance;               /* what the rest was drawn from               */
    uint32_t wallet;               /* below SOURCE_WALLETS                       */
    int is_new;                    /* 1, 0 or -1: left to the recorder           */
    int score_e4;                  /* 0 to 10000, or -1                          */
    bool has_profile;              /* source_profile()                           */
    double change_pct, volume_usd; /* NaN                           */
    char address[SOURCE_NAME_SIZE];
    char token[SOURCE_NAME_SIZE];
    char symbol[24];
    char code[16];
    char message[120];
};

/* `run_id` as text of 36 characters. */
void source_start(struct source *s, const struct source_plan *plan, const char *run_id);

/* Line n, below s->lines. */
void source_line(const struct source *s, uint64_t n, struct source_line *out);

/* Whether the line leads to an event. */
bool source_is_recorded(const struct source_line *l);

/* The profile of a wallet's line, a JSON object without spaces, or `as_stored`: as PostgreSQL
 * prints it from a column of type JSONB.  Returns its size; out has room for SOURCE_PROFILE_MAX. */
size_t source_profile(const struct source_line *l, bool as_stored, char *out);

/* The line as an engine prints it, newline included; out has room for SOURCE_LINE_MAX. */
size_t source_print(const struct source *s, const struct source_line *l, char *out);

#endif
