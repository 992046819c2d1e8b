/* place.h: where in a JSON text something stands, in words and as a line.
 *
 * A place is a chain of keys and list positions up to the root, kept on the stack of who walks.
 * Thread: any; no state.
 */
#ifndef CONFIG_PLACE_H
#define CONFIG_PLACE_H

#include <stddef.h>

struct config_place {
    const struct config_place *parent; /* NULL: the root             */
    const char *key;                   /* NULL: element `index` of a list */
    size_t index;
};

enum { PLACE_TEXT_SIZE = 256 };

/* "schedules[0].every"; "" for the root (NULL).  Cut when longer. */
const char *config_place_text(const struct config_place *place, char out[PLACE_TEXT_SIZE]);

/* The line, from 1, on which the place begins in `text`, which must be JSON.  What is not there
 * stands where its parent stands. */
int config_place_line(const struct config_place *place, const char *text, size_t size);

#endif
