/* export_file.h: a file that is there whole or not at all.
 *
 * Promise: what is written goes to a file beside, "FILE.part-PID", which takes the name when all
 * has come and is on disk; until then, and after any failure, FILE is as it was. Fails:   the first
 * failure is final. Thread:  one.
 */
#ifndef CTL_EXPORT_FILE_H
#define CTL_EXPORT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

struct export_file;

/* `path` NULL or "-": to `out`, which has no such promise.  A path that is there and is no regular
 * file is refused.  On success *result is yours until export_file_keep() or _drop(). */
int export_file_open(const char *path, FILE *out, struct export_file **result, struct error *err);

/* False: it could not be written; export_file_keep() will say why. */
bool export_file_write(struct export_file *f, const char *data, size_t size);

/* Puts the file in its place, and frees f in any case. */
int export_file_keep(struct export_file *f, struct error *err);

/* Leaves no trace, and frees f; NULL is fine. */
void export_file_drop(struct export_file *f);

#endif
