/* soak_figures.h: many measured values, and what to say of them.
 *
 * Thread: one at a time.
 */
#ifndef SOAK_FIGURES_H
#define SOAK_FIGURES_H

#include <stddef.h>

struct figures {
    double *values;
    size_t count, room;
};

void figures_add(struct figures *f, double value);
void figures_free(struct figures *f);

/* The value that so many percent do not exceed; sorts them.  0 when there is none. */
double figures_percentile(struct figures *f, double percent);

/* "p50 1.2  p90 …  p99 …  max …  (n 100)" */
void figures_print(struct figures *f);

#endif
