/* intern.h: byte strings as small numbers.
 *
 * Promise: equal strings get the same number; numbers are 0, 1, 2 … in the order of first
 *          sight, so that they can index an array that the caller grows alongside.
 * Fails:   only when out of memory; what was there stays.
 * Thread:  one at a time.
 */
#ifndef INTERN_H
#define INTERN_H

#include <stddef.h>
#include <stdint.h>

struct intern_entry;

/* Begin with all zeros; the fields belong to intern.c but for `count`. */
struct intern {
    uint32_t count; /* strings so far */
    uint32_t entry_room;
    struct intern_entry *entries; /* by number                                            */
    uint32_t *slots;              /* open addressing: number + 1, or 0 for a free one     */
    size_t slot_count;            /* a power of two, at least twice the number of strings */
    char *bytes;                  /* all strings, each followed by a NUL                  */
    size_t used, room;
};

#define INTERN_FAILED UINT32_MAX

/* The number of `key`, which is copied, or INTERN_FAILED. */
uint32_t intern_add(struct intern *t, const void *key, size_t size);

/* The string of a number below `count`: borrowed until the next intern_add(). */
const char *intern_text(const struct intern *t, uint32_t number);

void intern_free(struct intern *t);

#endif
