#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "soak.h"

/* One row an option: help, defaults and reading are made from it. */
static const struct option {
    const char *name;
    size_t at;
    enum { NUMBER, TEXT } type;
    uint64_t def;
    const char *help;
} options[] = {
#define ROW(name, field, type, def, help)                                                          \
    {                                                                                              \
        name, offsetof(struct soak_options, field), type, def, help                                \
    }
    ROW("--swaps", swaps, NUMBER, 0, "swaps to order; 0: as many as there is time for"),
    ROW("--seconds", seconds, NUMBER, 0, "how long; 0: till the swaps are done"),
    ROW("--quiet-swaps", quiet, NUMBER, 0, "then, with no load, for what stays behind of a swap"),
    ROW("--rate", rate, NUMBER, 20000, "lines a second of all engines together; 0: full speed"),
    ROW("--engines", engines, NUMBER, 2, "runs at the same time"),
    ROW("--lines", lines, NUMBER, 0, "lines of a run, about; 0: what is printed in a second"),
    ROW("--undecided", undecided, NUMBER, 0, "percent of wallets left to the recorder to decide"),
    ROW("--kills", kills, NUMBER, 0, "times that the host is killed (SIGKILL)"),
    ROW("--crashes", crashes, NUMBER, 0, "times that the server is stopped at once"),
    ROW("--commit-ms", commit_ms, NUMBER, 0, "that each commit of the server takes longer"),
    ROW("--seed", seed, NUMBER, 0, "what is printed and chosen; 0: any"),
    ROW("--abrupt", abrupt, NUMBER, 33, "percent of the swaps in which the old may not drain"),
    ROW("--terminate", terminate, NUMBER, 0, "percent in which a recorder's backend is ended"),
    ROW("--pool", pool, TEXT, 0, "builds, with colons between; default: those made for this"),
    ROW("--expect", expect, TEXT, 0, "lost, duplicated …: success is when the judge finds that"),
    ROW("--keep", keep, TEXT, 0, "folder that gets the host's log and journal at the end"),
};
enum { OPTIONS = sizeof options / sizeof options[0] };

static _Noreturn void print_help(void)
{
    printf("swap-soak: swaps recorders under load, and lets the judge look at what was recorded\n");
    for (size_t i = 0; i < OPTIONS; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%s%s", options[i].name,
                       options[i].type == NUMBER ? " N" : " TEXT");
        printf("    %-16s %s", text, options[i].help);
        if (options[i].def != 0)
            printf(" (%llu)", (unsigned long long)options[i].def);
        printf("\n");
    }
    exit(0);
}

static _Noreturn void refuse(const char *what, const char *why)
{
    (void)fprintf(stderr, "swap-soak: %s: %s\n", what, why);
    exit(2);
}

static const struct option *find(const char *name)
{
    for (size_t i = 0; i < OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    refuse(name, "unknown option; --help lists them");
}

static uint64_t number(const char *name, const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || text[0] == '-')
        refuse(name, "not a whole number");
    return value;
}

static void take(struct soak_options *o, char **words)
{
    const struct option *option = find(words[0]);
    char *field = (char *)o + option->at;
    if (words[1] == NULL)
        refuse(words[0], "lacks its value");
    if (option->type == NUMBER)
        *(uint64_t *)field = number(words[0], words[1]);
    else
        *(const char **)field = words[1];
}

void soak_options_read(int argc, char **argv, struct soak_options *o)
{
    *o = (struct soak_options){.pool = SOAK_POOL};
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].type == NUMBER)
            *(uint64_t *)((char *)o + options[i].at) = options[i].def;
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0)
            print_help();
        take(o, argv + i);
    }
    if (o->swaps == 0 && o->seconds == 0)
        o->swaps = 2000;
    if (o->lines == 0)
        o->lines = o->rate == 0 ? 20000 : 100 + o->rate / (o->engines > 0 ? o->engines : 1);
    if (o->engines < 1 || o->engines > 16)
        refuse("--engines", "1 to 16");
    if (o->seed == 0 && getrandom(&o->seed, 4, 0) != 4)
        o->seed = 1;
}
