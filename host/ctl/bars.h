/* bars.h: figures drawn with block characters.
 *
 * Thread: any; no state.
 */
#ifndef CTL_BARS_H
#define CTL_BARS_H

#include <stddef.h>

enum { BAR_COLUMNS_MAX = 24, BAR_SIZE = BAR_COLUMNS_MAX * 3 + 1, SPARKS_MAX = 100 };

/* "███▌": `columns` (at most BAR_COLUMNS_MAX) of them are 1, and more than 0 is never nothing. */
const char *bar_text(double fraction, size_t columns, char out[BAR_SIZE]);

/* "▁▃█": one character a value from 0 to `most`; a value less than 0 is a space.  Of more than
 * SPARKS_MAX values it shows the last. */
const char *spark_text(const double *values, size_t count, double most,
                       char out[SPARKS_MAX * 3 + 1]);

#endif
