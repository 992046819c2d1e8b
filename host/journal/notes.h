/* notes.h: what the host remembers beside events, as the loop sees it.
 *
 * Settings, the last slot of each schedule and the consumers' marks, in memory.  They are read
 * from the store at open; the journal writes every change to it.
 * Thread: loop thread only.
 */
#ifndef JOURNAL_NOTES_H
#define JOURNAL_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"
#include "journal/store.h"

struct note {
    char *name;
    char *text;     /* of a setting                        */
    int64_t number; /* a slot's time or a consumer's mark  */
    bool added;     /* a consumer that was added since the start */
    bool changed;   /* a mark that is not in the store yet */
};

struct notes {
    struct note **items; /* each in a place of its own: names may be borrowed */
    size_t n, room;
};

/* NULL when there is none. */
struct note *notes_find(const struct notes *notes, const char *name);
/* Finds or adds one (number 0); NULL when out of memory. */
struct note *notes_add(struct notes *notes, const char *name);
/* Sets or, with value NULL, removes.  False when out of memory, nothing changed then. */
bool notes_set_text(struct notes *notes, const char *name, const char *text);
void notes_free(struct notes *notes);

/* Reads all notes of a kind. */
int notes_load(struct notes *notes, struct store *s, enum store_notes which, struct error *err);

#endif
