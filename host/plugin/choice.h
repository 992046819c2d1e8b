/* choice.h: which build is to be used, as it is remembered across the host's lives.
 *
 * Promise: a build that the host did not survive is not chosen again while there is one that has
 *          proved good; one that was chosen by a swap is, until the configured file changes.
 * Thread:  any; no I/O.
 *
 * Kept as JSON text in the journal's settings, beside the last swaps:
 *   {"good": {"sha256", "label", "path"}, "candidate": {…}, "tried": true,
 *    "configured": {"path", "sha256"}, "before": [{…}, …], "next_swap": 42, "swaps": […]}
 *
 * `candidate` is a build on trial; `tried` is set before the first call into it and taken away
 * when the host stops as asked: found at a start, it says that the host died with that build.
 */
#ifndef PLUGIN_CHOICE_H
#define PLUGIN_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "plugin/build.h"

enum { CHOICE_BEFORE_MAX = 4, CHOICE_SWAPS_MAX = 50 };

/* A build, by its content; sha256 "" is none. */
struct chosen {
    char sha256[BUILD_SHA256_SIZE];
    char label[160];
    char path[256]; /* the file that it was copied from */
};

struct choice {
    struct chosen good;      /* the last that passed its probation */
    struct chosen candidate; /* on trial */
    bool tried;
    struct chosen configured; /* the configured file, as it was at the last start or reload */
    struct chosen before[CHOICE_BEFORE_MAX]; /* the ways back, the nearest first */
    uint64_t next_swap;
    json_t *swaps; /* that have ended, the newest first */
};

/* A fresh one from NULL or from what cannot be read.  NULL: out of memory. */
struct choice *choice_read(const char *text);
char *choice_text(const struct choice *c); /* malloc'd, or NULL */
void choice_free(struct choice *c);        /* NULL is fine */

/* What to begin with.  `path` and `sha256` are of the configured file; sha256 NULL: it cannot be
 * used. */
enum start_choice {
    START_NONE,       /* there is nothing that could be used */
    START_CONFIGURED, /* the configured file: it is new, or the only one */
    START_CANDIDATE,  /* the build on trial goes on with it */
    START_GOOD,       /* the good build, as before */
    START_FALL_BACK   /* the good build: the host died with the one on trial */
};
enum start_choice choice_at_start(const struct choice *c, const char *path, const char *sha256);

bool chosen_is(const struct chosen *c, const char *sha256);                 /* false for none */
void chosen_set(struct chosen *c, const struct build *b, const char *path); /* b NULL: none */

/* `c` was in charge and is no more: it becomes the nearest way back. */
void choice_push_before(struct choice *c, const struct chosen *left);
/* `sha256` is in charge again: the ways back begin behind it. */
void choice_pop_before(struct choice *c, const char *sha256);

/* Puts a swap in front of the others; `swap` is taken. */
void choice_note_swap(struct choice *c, json_t *swap);

#endif
