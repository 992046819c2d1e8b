#include "judge_report.h"

#include <stdarg.h>
#include <stdlib.h>

enum { NAMED = 10 };

static const char *const names[DAMAGE_COUNT] = {
    "lost",       "duplicated",  "reordered", "altered", "foreign",
    "runs_wrong", "quarantined", "gaps",      "lag",
};
static uint64_t counts[DAMAGE_COUNT];
static unsigned named[DAMAGE_COUNT];
static bool is_paused;

void report_pause(bool paused)
{
    is_paused = paused;
}

static void tell(enum damage kind, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void tell(enum damage kind, const char *format, va_list args)
{
    if (named[kind]++ >= NAMED)
        return;
    (void)fprintf(stderr, "judge: %s: ", names[kind]);
    (void)vfprintf(stderr, format, args);
    (void)fputs(named[kind] == NAMED ? " (more of these are only counted)\n" : "\n", stderr);
}

void report_damage(enum damage kind, const char *format, ...)
{
    va_list args;
    if (is_paused)
        return;
    va_start(args, format);
    counts[kind]++;
    tell(kind, format, args);
    va_end(args);
}

void report_many(enum damage kind, uint64_t count, const char *format, ...)
{
    va_list args;
    if (count == 0 || is_paused)
        return;
    va_start(args, format);
    counts[kind] += count;
    tell(kind, format, args);
    va_end(args);
}

uint64_t report_total(void)
{
    uint64_t total = 0;
    for (int i = 0; i < DAMAGE_COUNT; i++)
        total += counts[i];
    return total;
}

void report_print(FILE *out)
{
    for (int i = 0; i < DAMAGE_COUNT; i++)
        (void)fprintf(out, "%s%s=%llu", i > 0 ? " " : "", names[i], (unsigned long long)counts[i]);
}

void cannot_judge(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("judge: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    exit(2);
}
