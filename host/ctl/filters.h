/* filters.h: options that become query parameters of a path.
 *
 * Thread: one.
 */
#ifndef CTL_FILTERS_H
#define CTL_FILTERS_H

#include "ctl/arguments.h"
#include "ctl/commands.h"

enum { PATH_ROOM = 1024 };

/* Appends what was given to `path`, which has PATH_ROOM bytes; --from and --to are of the local
 * zone unless another is named. */
enum status filters_add(const struct arguments *a, char *path, struct error *err);

#endif
