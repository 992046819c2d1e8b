/* seen.h: what a run has found already.
 *
 * A set of pairs of texts, kept as 128-bit keyed hashes: 16 bytes a pair at a load of at most a
 * half, so 32 MB a million.  It is split in 256 parts that grow one by one, which keeps the
 * pause of a growing table below a tenth of a millisecond each.
 * With 128 bits a false "seen before" is out of reach (10^-26 at a million pairs).
 * Thread: any, one at a time.
 */
#ifndef RUN_SEEN_H
#define RUN_SEEN_H

#include <stddef.h>
#include <stdint.h>

struct seen;

struct seen *seen_new(void); /* NULL: out of memory */
void seen_free(struct seen *s);

enum seen_answer { SEEN_FIRST, SEEN_BEFORE, SEEN_NO_MEMORY };

/* Adds the pair (a, b). */
enum seen_answer seen_add(struct seen *s, const char *a, const char *b);

size_t seen_count(const struct seen *s);

#endif
