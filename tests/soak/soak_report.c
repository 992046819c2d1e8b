#include "soak_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP_TARGET_MS = 10, LIVE_TARGET_MS = 50, GROWTH_TARGET = 64 };

static const char *met(bool is_met)
{
    return is_met ? "met" : "MISSED";
}

static void print_outcomes(const struct book *b)
{
    const char *separator = "";
    printf("verdicts             ");
    for (int i = 0; i < OUTCOMES; i++)
        if (b->outcomes[i] > 0) {
            printf("%s%lu %s", separator, b->outcomes[i], outcome_names[i]);
            separator = ", ";
        }
    printf("; of those LIVE, %lu were rolled back in their probation; %lu in all unplanned\n",
           b->undone, b->unplanned);
    for (unsigned i = 0; i < b->n_reasons; i++)
        printf("  such as            %s\n", b->reasons[i]);
    printf("numbers              1 to %lu, %lu not heard of, %lu given twice\n", b->highest,
           b->unknown, b->repeated);
}

static void print_times(struct outcome_of_soak *r)
{
    struct book *b = &r->book;
    printf("feed gap, ms         ");
    figures_print(&b->gap);
    printf("  abrupt             ");
    figures_print(&b->gap_abrupt);
    if (b->gap_ended.count > 0) {
        printf("  a backend ended    ");
        figures_print(&b->gap_ended);
    }
    printf("request to LIVE, ms  ");
    figures_print(&b->live);
    printf("  as the client saw  ");
    figures_print(&b->seen);
    for (int i = 0; i < STEPS; i++) {
        printf("  %-18s ", step_names[i]);
        figures_print(&b->steps[i]);
    }
    printf("a commit of its own  ");
    figures_print(&r->commit_ms);
    if (b->disturbed > 0)
        printf("                     (without %lu swaps beside a kill or a crash)\n", b->disturbed);
    printf("events replayed      %lu\n", b->replayed);
}

static void print_target(const struct soak_options *o, struct outcome_of_soak *r)
{
    struct figures all = {0};
    const struct figures *gaps[] = {&r->book.gap, &r->book.gap_abrupt};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < gaps[k]->count; i++)
            figures_add(&all, gaps[k]->values[i]);
    double gap = figures_percentile(&all, 99), live = figures_percentile(&r->book.live, 99);
    printf("targets              gap p99 %.2f of %d ms: %s; LIVE p99 %.2f of %d ms: %s%s\n", gap,
           GAP_TARGET_MS, met(gap <= GAP_TARGET_MS), live, LIVE_TARGET_MS,
           met(live <= LIVE_TARGET_MS), o->rate == 0 ? " (at full speed: no target)" : "");
    printf("                     two commits of this server and 5 ms are %.2f ms at p99\n",
           2 * figures_percentile(&r->commit_ms, 99) + 5);
    figures_free(&all);
}

static bool print_quiet_growth(const struct soak_options *o, const struct outcome_of_soak *r)
{
    if (o->quiet == 0)
        return true;
    double bytes = (double)r->quiet_kib * 1024 / (double)o->quiet;
    printf("  with no load       %.0f bytes a swap, %ld KiB over %lu swaps (target %d: %s)\n",
           bytes, r->quiet_kib, (unsigned long)o->quiet, GROWTH_TARGET,
           met(bytes <= GROWTH_TARGET));
    return bytes <= GROWTH_TARGET;
}

/* Nothing may stay behind of a swap; a few mappings of malloc come and go.  Of memory, malloc also
 * keeps what large batches have needed: only the quiet swaps tell about that. */
static bool print_growth(const struct outcome_of_soak *r)
{
    if (!r->grown)
        return true;
    const struct holdings *a = &r->calm, *b = &r->end;
    double swaps = (double)(r->end_swaps - r->calm_swaps);
    double bytes = (double)(b->resident_kib - a->resident_kib) * 1024 / swaps;
    printf("growth               %.0f bytes a swap, %ld to %ld KiB over %.0f swaps", bytes,
           a->resident_kib, b->resident_kib, swaps);
    printf(
        "\n                     descriptors %ld to %ld, mappings %ld to %ld, of code %ld to %ld, "
        "threads %ld to %ld\n",
        a->descriptors, b->descriptors, a->mappings, b->mappings, a->libraries, b->libraries,
        a->threads, b->threads);
    return b->descriptors <= a->descriptors + 2 && b->threads <= a->threads + 1 &&
           b->libraries <= a->libraries + 2 && b->mappings <= a->mappings + 50;
}

static unsigned long figure_in(const char *line, const char *name)
{
    char key[32];
    (void)snprintf(key, sizeof key, "%s=", name);
    const char *at = strstr(line, key);
    return at != NULL ? strtoul(at + strlen(key), NULL, 10) : 0;
}

static bool print_complaint(bool is_right, const char *what)
{
    if (!is_right)
        printf("WRONG                %s\n", what);
    return is_right;
}

/* A kill leaves the orders that were under way without a verdict, nothing else does. */
static bool book_is_right(const struct soak_options *o, const struct outcome_of_soak *r)
{
    const struct book *b = &r->book;
    bool has_reasons = o->crashes > 0 || o->kills > 0 || o->terminate > 0;
    bool good = print_complaint(b->outcomes[OUTCOME_NONE] == 0, "a request without a verdict");
    good &= print_complaint(b->repeated == 0, "a number was given twice");
    good &= print_complaint(b->unknown <= 2 * r->kills, "numbers that nobody was given");
    good &= print_complaint(b->outcomes[OUTCOME_LIVE] > 0, "no swap was LIVE");
    good &= print_complaint(b->outcomes[OUTCOME_KILLED] <= r->kills, "more cut than killed");
    good &= print_complaint(b->outcomes[OUTCOME_REFUSED] == 0 || has_reasons,
                            "a good build was refused");
    good &= print_complaint(b->unplanned == 0 || has_reasons, "a good build was rolled back");
    good &= print_complaint(figure_in(r->verdict, "cut") <= r->kills * o->engines,
                            "more runs were cut than could be");
    return good;
}

bool report_soak(const struct soak_options *o, struct outcome_of_soak *r)
{
    double events = (double)figure_in(r->verdict, "events");
    printf("\n%.0f s, seed %llu: %lu runs, %.0f events (%.0f a second), %lu kills of the host, "
           "%lu crashes of the server, %lu backends ended\n",
           r->seconds, (unsigned long long)o->seed, r->runs, events, events / r->seconds, r->kills,
           r->crashes, r->backends_ended);
    print_outcomes(&r->book);
    print_times(r);
    print_target(o, r);
    if (r->loop_ms >= 0)
        printf("longest loop turn    %.1f ms\n", r->loop_ms);
    printf("engine pauses        %.0f\n", r->engine_pauses);
    if (r->held_seconds > 0)
        printf("load held back       %.1f s, for the recorder was far behind\n", r->held_seconds);
    bool good = print_growth(r);
    good &= print_quiet_growth(o, r);
    printf("%s\n", r->verdict);
    if (o->expect != NULL) {
        unsigned long found = figure_in(r->verdict, o->expect);
        printf("expected: %s; the judge found %lu\n", o->expect, found);
        return found > 0;
    }
    good = print_complaint(good, "the host's process holds more than before");
    good &= book_is_right(o, r);
    return print_complaint(r->judged == 0, "the judge found damage") && good;
}
