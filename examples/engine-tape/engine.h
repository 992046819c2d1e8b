/* engine.h: one run, from the tape to the last line of output.
 *
 * Promise: on success every line has been written to `out` and flushed, each token's as soon
 *          as it was done.
 * Fails:   no tape, no memory, no more room for output; lines that are out stay valid.
 * Thread:  one at a time; blocks.
 * Knows:   everything but the command line.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdio.h>

#include "error.h"
#include "options.h"
#include "request.h"

int engine_run(const struct options *o, const struct request *request, FILE *out,
               struct error *err);

#endif
