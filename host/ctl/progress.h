/* progress.h: how far a run is, on one line.
 *
 * Thread: any; no state but the caller's.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    int64_t done, total; /* total <= 0: the engine did not say; done < 0: nothing said at all */
    const char *stage;   /* or NULL */
    int64_t wallets;     /* found so far; -1: not known */
    double rate;         /* done in a second; less than 0: not known */
    double left;         /* seconds until it is done, if it goes on so; the same */
    double seconds;      /* since the start */
};

/* "[########............]   40%  8/20  stage  12 wallets  1.5/s  8s left  1m05s", no wider than
 * `width` columns. */
void progress_line(const struct progress *p, size_t width, char *out, size_t room);

/* On a terminal the line is drawn over the one before; elsewhere a line is printed only when
 * `last` (256 bytes, "" at first), what was printed before, differs but for rate and times. */
void progress_show(const struct progress *p, FILE *out, size_t width, char last[256]);
/* Takes the line off the terminal again; nothing elsewhere. */
void progress_clear(FILE *out, size_t width);

#endif
