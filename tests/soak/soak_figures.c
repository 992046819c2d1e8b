#include "soak_figures.h"

#include <stdio.h>
#include <stdlib.h>

#include "support/failure.h"

void figures_add(struct figures *f, double value)
{
    if (f->count == f->room) {
        f->room = f->room > 0 ? f->room * 2 : 256;
        f->values = reallocarray(f->values, f->room, sizeof *f->values);
        if (f->values == NULL)
            cannot_go_on("out of memory");
    }
    f->values[f->count++] = value;
}

void figures_free(struct figures *f)
{
    free(f->values);
    *f = (struct figures){0};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double figures_percentile(struct figures *f, double percent)
{
    if (f->count == 0)
        return 0;
    qsort(f->values, f->count, sizeof *f->values, by_value);
    size_t place = (size_t)((double)f->count * percent / 100);
    return f->values[place < f->count ? place : f->count - 1];
}

void figures_print(struct figures *f)
{
    if (f->count == 0)
        printf("none\n");
    else
        printf("p50 %.2f  p90 %.2f  p99 %.2f  max %.2f  (n %zu)\n", figures_percentile(f, 50),
               figures_percentile(f, 90), figures_percentile(f, 99), figures_percentile(f, 100),
               f->count);
}
