/* ids.h: identifiers that sort by the time they were made.
 *
 * UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then a counter
 * that keeps ids of one millisecond in order, then random bits.  Later ids of a process
 * compare greater, also when the wall clock steps back.
 * Thread: loop thread only.
 */
#ifndef IDS_H
#define IDS_H

#include <stdbool.h>

#include <walltrack/plugin.h>

enum { ID_TEXT_SIZE = 37 }; /* 36 characters and a NUL */

wt_uuid id_make(void);
wt_uuid id_random(void); /* version 4, for what must not tell its time */

/* Accepts the usual 36 characters only, either case. */
bool id_parse(const char *text, wt_uuid *out);

bool id_equal(const wt_uuid *a, const wt_uuid *b);
bool id_is_zero(const wt_uuid *id);

#endif
