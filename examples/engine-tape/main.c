/* engine-tape: the reference engine.  It reads a request, then a tape of trades, and prints what
 * it found.
 */
#include <stdio.h>

#include "engine.h"
#include "options.h"
#include "request.h"

enum { EXIT_DONE = 0, EXIT_TAPE = 1, EXIT_USAGE = 2 };

static int fail(int status, const struct error *err)
{
    fprintf(stderr, "engine-tape: %s\n", err->msg);
    return status;
}

int main(int argc, char **argv)
{
    static char buffer[65536];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    struct error err = {0};
    struct options options;
    struct request request;
    if (options_read(argc, argv, &options, &err) != 0)
        return fail(EXIT_USAGE, &err);
    if (options.help) {
        options_help(stdout);
        return EXIT_DONE;
    }
    if (request_read(stdin, &request, &err) != 0)
        return fail(EXIT_USAGE, &err);
    return engine_run(&options, &request, stdout, &err) == 0 ? EXIT_DONE : fail(EXIT_TAPE, &err);
}
