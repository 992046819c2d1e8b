#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"

enum { DELAY_LIMIT_MS = 3600000 };

static int set_tape(struct options *o, const char *text, struct error *err)
{
    if (o->tape != NULL)
        return error_set(err, EINVAL, "is given twice");
    if (text[0] == '\0')
        return error_set(err, EINVAL, "a file name is needed");
    o->tape = text;
    return 0;
}

static int set_rate(struct options *o, const char *text, struct error *err)
{
    char *end = NULL;
    double rate = 0;
    if (text[0] != '\0' && strspn(text, ".0123456789eE+-") == strlen(text))
        rate = strtod(text, &end);
    if (end == NULL || *end != '\0' || !isfinite(rate) || rate <= 0)
        return error_set(err, EINVAL, "'%s' is not a number above zero", text);
    o->rules.usd_per_native = rate;
    return 0;
}

static int set_until(struct options *o, const char *text, struct error *err)
{
    if (!instant_parse(text, &o->rules.until_us))
        return error_set(err, EINVAL, "'%s' is not a time such as 2026-06-28T13:00:00Z", text);
    return 0;
}

static int set_delay(struct options *o, const char *text, struct error *err)
{
    long ms = DELAY_LIMIT_MS + 1L;
    if (text[0] != '\0' && strspn(text, "0123456789") == strlen(text))
        ms = strtol(text, NULL, 10);
    if (ms > DELAY_LIMIT_MS)
        return error_set(err, EINVAL, "'%s' is not a whole number of 0..%d", text, DELAY_LIMIT_MS);
    o->delay_ms = (int)ms;
    return 0;
}

static int set_help(struct options *o, const char *text, struct error *err)
{
    (void)text;
    (void)err;
    o->help = true;
    return 0;
}

static const struct row {
    const char *name;
    const char *argument; /* or NULL */
    int (*set)(struct options *, const char *text, struct error *);
    const char *meaning;
} rows[] = {
    {"tape", "FILE", set_tape, "the trades: CSV with a header row, gzip or plain (needed)"},
    {"usd-per-native", "RATE", set_rate, "price rows with an empty usd_amount by native_amount"},
    {"until", "TIME", set_until, "ignore rows later than this (RFC 3339)"},
    {"delay-ms", "N", set_delay, "wait after each token, so that a demonstration can be watched"},
    {"help", NULL, set_help, "print this and exit"},
};

enum { ROW_COUNT = sizeof rows / sizeof *rows };

static void fill_getopt(struct option *longs)
{
    for (int i = 0; i < ROW_COUNT; i++)
        longs[i] = (struct option){
            rows[i].name, rows[i].argument != NULL ? required_argument : no_argument, NULL, 0};
    longs[ROW_COUNT] = (struct option){0};
}

static int check(const struct options *o, int rest, char **argv, struct error *err)
{
    if (o->help)
        return 0;
    if (argv[rest] != NULL)
        return error_set(err, EINVAL, "'%s' is not an option", argv[rest]);
    if (o->tape == NULL)
        return error_set(err, EINVAL, "--tape FILE is needed");
    return 0;
}

int options_read(int argc, char **argv, struct options *out, struct error *err)
{
    struct options o = {.rules = {.until_us = INT64_MAX}};
    struct option longs[ROW_COUNT + 1];
    fill_getopt(longs);
    optind = 0; /* begin afresh */
    int found, index = 0;
    while ((found = getopt_long(argc, argv, "+:", longs, &index)) != -1) {
        if (found == ':')
            return error_set(err, EINVAL, "'%s' wants a value", argv[optind - 1]);
        if (found != 0 && optopt != 0)
            return error_set(err, EINVAL, "'-%c' is not an option", optopt);
        if (found != 0)
            return error_set(err, EINVAL, "'%s' is not an option", argv[optind - 1]);
        if (rows[index].set(&o, optarg, err) != 0)
            return error_wrap(err, "--%s", rows[index].name);
    }
    if (check(&o, optind, argv, err) != 0)
        return -1;
    *out = o;
    return 0;
}

void options_help(FILE *out)
{
    fputs("Usage: engine-tape --tape FILE [OPTION]... < REQUEST\n"
          "\n"
          "Looks for wallets that bought a token early and sold it with profit, in a tape of\n"
          "trades.  Reads one line of JSON, the request, and prints lines of JSON.\n"
          "\n",
          out);
    for (int i = 0; i < ROW_COUNT; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].argument != NULL ? " " : "",
                 rows[i].argument != NULL ? rows[i].argument : "");
        fprintf(out, "  %-22s  %s\n", left, rows[i].meaning);
    }
    fputs("\n"
          "Exit status: 0 done, 1 the tape cannot be read, 2 the request or an option is wrong.\n",
          out);
}
