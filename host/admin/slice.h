/* slice.h: parts of a JSON text, found where they stand.
 *
 * For answers of a plugin that are passed on in pieces: no tree is built, nothing is copied, and a
 * number stays as it was written.  The text need not be JSON: then a part is not found or is
 * nonsense, but it always lies within the text.
 * Thread: any; no state.
 */
#ifndef ADMIN_SLICE_H
#define ADMIN_SLICE_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
    const char *text; /* borrowed, without a NUL at its end */
    size_t size;
};

/* The value of an object's member.  Keys are compared as they are written; of two, the first. */
bool slice_member(struct slice object, const char *key, struct slice *out);

/* The same for all members, one after the other; false when it is no object, or at the end. */
bool slice_members(struct slice object, struct slice *rest);
bool slice_next_member(struct slice *rest, struct slice *key, struct slice *value);

/* What is inside an array, for slice_next(); false when it is none. */
bool slice_items(struct slice array, struct slice *rest);
/* Takes the next item off `rest`; false at the end. */
bool slice_next(struct slice *rest, struct slice *item);

bool slice_is(struct slice s, const char *text);

/* The bytes of a string without its quotes; false for what is no string, or has an escape in it. */
bool slice_plain_string(struct slice s, struct slice *out);

#endif
