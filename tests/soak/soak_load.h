/* soak_load.h: the thread that starts runs, as many as the host allows, as long as it is told to
 * and the recorder is not far behind.
 */
#ifndef SOAK_LOAD_H
#define SOAK_LOAD_H

#include "soak.h"

struct load;

struct load *load_start(struct soak *s);
/* After s->stop: how many runs it started, and how long it held back. */
unsigned long load_join(struct load *l, double *held_seconds);

#endif
