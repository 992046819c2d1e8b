/* target.h: the target of a request ("/path?name=value"), taken apart.
 *
 * Promise: what it gives is decoded, valid UTF-8 without NUL, and each parameter occurs once.
 * Fails:   EMSGSIZE too long or too many parts; EINVAL not a target.
 * Thread:  any; no state.
 */
#ifndef ADMIN_TARGET_H
#define ADMIN_TARGET_H

#include <stddef.h>

#include "error.h"

enum { TARGET_MAX = 2048, TARGET_SEGMENTS_MAX = 8, TARGET_PARAMETERS_MAX = 32 };

struct target {
    char text[TARGET_MAX + 1]; /* where all that follows points into */
    const char *segment[TARGET_SEGMENTS_MAX];
    size_t segments; /* 0 for "/" */
    struct {
        const char *name, *value;
    } parameter[TARGET_PARAMETERS_MAX];
    size_t parameters;
};

/* On failure *out is not to be used. */
int target_parse(const char *uri, struct target *out, struct error *err);

/* The value of a parameter, or NULL. */
const char *target_parameter(const struct target *t, const char *name);

#endif
