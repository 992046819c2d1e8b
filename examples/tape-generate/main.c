/* tape-generate: an invented tape of trades, of any size, for demonstrations and tests. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate.h"
#include "instant.h"

enum { EXIT_WRITE = 1, EXIT_USAGE = 2 };
#define START_LIMIT_US INT64_C(253370764800000000) /* the year 9999, which all end in */

static const char help[] =
    "Usage: tape-generate [OPTION]... > tape.csv\n"
    "\n"
    "Prints an invented tape of trades for engine-tape.  The same options give the same bytes.\n"
    "\n"
    "  --seed N       which tape of all that could be; default 1\n"
    "  --tokens N     launches, 1 to 100000; default 60\n"
    "  --rows N       trades, from one for each token to 1000000000; default 50000\n"
    "  --start TIME   of the first launch, from 1970 on; default 2026-01-05T00:00:00Z\n"
    "  --output FILE  instead of stdout; packed if the name ends with .gz\n"
    "  --help         print this and exit\n";

static bool read_count(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    errno = 0;
    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
        return false;
    *out = strtoull(text, NULL, 10);
    return errno == 0 && *out >= low && *out <= high;
}

static bool set_option(int option, const char *text, struct generate_options *o)
{
    switch (option) {
    case 's':
        return read_count(text, 0, UINT64_MAX, &o->seed);
    case 't':
        return read_count(text, 1, GENERATE_TOKENS_LIMIT, &o->tokens);
    case 'r':
        return read_count(text, 1, GENERATE_ROWS_LIMIT, &o->rows);
    case 'b':
        return instant_parse(text, &o->start_us) && o->start_us >= 0 &&
               o->start_us < START_LIMIT_US;
    case 'o':
        o->output = text;
        return text[0] != '\0';
    default:
        return false;
    }
}

static int fail_usage(const char *option, const char *text)
{
    fprintf(stderr, "tape-generate: %s '%s' is not possible (--help tells more)\n", option, text);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option longs[] = {{"seed", required_argument, NULL, 's'},
                                          {"tokens", required_argument, NULL, 't'},
                                          {"rows", required_argument, NULL, 'r'},
                                          {"start", required_argument, NULL, 'b'},
                                          {"output", required_argument, NULL, 'o'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct generate_options o = {.seed = 1, .tokens = 60, .rows = 50000};
    instant_parse("2026-01-05T00:00:00Z", &o.start_us);
    int found, index = 0;
    while ((found = getopt_long(argc, argv, "+", longs, &index)) != -1) {
        if (found == 'h')
            return fputs(help, stdout) < 0 ? EXIT_WRITE : EXIT_SUCCESS;
        if (found == '?')
            return EXIT_USAGE; /* getopt_long() has said why */
        if (!set_option(found, optarg, &o))
            return fail_usage(longs[index].name, optarg);
    }
    if (argv[optind] != NULL)
        return fail_usage("argument", argv[optind]);
    if (o.rows < o.tokens)
        return fail_usage("rows", "less than one for each token");
    struct error err;
    if (generate(&o, &err) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "tape-generate: %s\n", err.msg);
    return EXIT_WRITE;
}
