/* request.h: the line that starts a run, protocol 1.
 *
 * Promise: parameters that were read are all in range; those that the request does not name
 *          have their defaults, so that a request can be typed by hand.
 * Fails:   another protocol, an unknown or unfit parameter: the error names field and value.
 * Knows:   params, jansson.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stdio.h>

#include <walltrack/params.h>

#include "error.h"

/* Bytes of a request. */
enum { REQUEST_LIMIT = 65536 };

struct request {
    wt_params params;
    bool profile; /* is a wallet's profile wanted? */
};

/* Reads up to the first line end or the end of the file; blocks.  On failure *out is untouched. */
int request_read(FILE *in, struct request *out, struct error *err);

int request_parse(const char *text, size_t size, struct request *out, struct error *err);

#endif
