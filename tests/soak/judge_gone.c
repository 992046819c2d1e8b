#include "judge_gone.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "judge_report.h"

struct gap {
    uint64_t first, last;
};

struct quarantined {
    uint64_t seq;
    void *body;
    size_t size;
};

struct gone {
    struct gap *gaps;
    struct quarantined *events; /* by rising seq */
    size_t n_gaps, n_events;
    uint64_t in_gaps;
};

static uint64_t number_of(const struct value *v)
{
    uint64_t big;
    memcpy(&big, v->bytes, sizeof big);
    return be64toh(big);
}

static void *one_more(void *items, size_t n, size_t size)
{
    void *longer = reallocarray(items, n + 1, size);
    if (longer == NULL)
        cannot_judge("out of memory");
    return longer;
}

static void take_gap(void *arg, const struct value *values)
{
    struct gone *g = arg;
    struct gap gap = {number_of(&values[0]), number_of(&values[1])};
    if (gap.last < gap.first || (g->n_gaps > 0 && gap.first <= g->gaps[g->n_gaps - 1].last))
        report_damage(GAP, "the gap %llu..%llu is none, or overlaps with another",
                      (unsigned long long)gap.first, (unsigned long long)gap.last);
    else
        g->in_gaps += gap.last - gap.first + 1;
    g->gaps = one_more(g->gaps, g->n_gaps, sizeof gap);
    g->gaps[g->n_gaps++] = gap;
}

static void take_event(void *arg, const struct value *values)
{
    struct gone *g = arg;
    struct quarantined e = {number_of(&values[0]), NULL, (size_t)values[1].size};
    e.body = malloc(e.size + 1);
    if (e.body == NULL)
        cannot_judge("out of memory");
    memcpy(e.body, values[1].bytes, e.size);
    g->events = one_more(g->events, g->n_events, sizeof e);
    g->events[g->n_events++] = e;
}

struct gone *gone_read(struct database *d)
{
    struct gone *g = calloc(1, sizeof *g);
    if (g == NULL)
        cannot_judge("out of memory");
    database_rows(d, "SELECT first, last FROM recorder_gaps ORDER BY first", 2, take_gap, g);
    database_rows(d, "SELECT seq, body FROM recorder_quarantine ORDER BY seq", 2, take_event, g);
    return g;
}

void gone_drop(struct gone *g)
{
    for (size_t i = 0; i < g->n_events; i++)
        free(g->events[i].body);
    free(g->events);
    free(g->gaps);
    free(g);
}

uint64_t gone_in_gaps(const struct gone *g)
{
    return g->in_gaps;
}

uint64_t gone_in_quarantine(const struct gone *g)
{
    return g->n_events;
}

bool gone_is_in_gap(const struct gone *g, uint64_t seq)
{
    for (size_t i = 0; i < g->n_gaps; i++)
        if (seq >= g->gaps[i].first && seq <= g->gaps[i].last)
            return true;
    return false;
}

static int by_seq(const void *a, const void *b)
{
    uint64_t x = ((const struct quarantined *)a)->seq, y = ((const struct quarantined *)b)->seq;
    return (x > y) - (x < y);
}

bool gone_is_quarantined(const struct gone *g, const struct fact *f)
{
    struct quarantined key = {.seq = f->seq};
    const struct quarantined *e =
        g->n_events > 0 ? bsearch(&key, g->events, g->n_events, sizeof key, by_seq) : NULL;
    if (e == NULL)
        return false;
    if (e->size != f->body_size || memcmp(e->body, f->body, e->size) != 0)
        report_damage(ALTERED, "event %llu is not in quarantine as it is in the journal",
                      (unsigned long long)f->seq);
    return true;
}
