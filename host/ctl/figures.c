#include "ctl/figures.h"

#include <math.h>

#include "ctl/answers.h"

const struct figure figures_compared[FIGURES_COMPARED] = {
    {"runs", "total_runs", "runs", FIGURE_COUNT, BETTER_NEITHER},
    {"success rate", "success_rate", "success_rate", FIGURE_RATE, BETTER_MORE},
    {"new wallets", "total_wallets_discovered", "wallets_discovered", FIGURE_COUNT, BETTER_MORE},
    {"wallets a run", "avg_wallets_per_run", "avg_wallets_per_run", FIGURE_DECIMAL, BETTER_MORE},
    {"average duration", "avg_duration_seconds", "avg_duration_seconds", FIGURE_DURATION,
     BETTER_LESS},
};

/* A rate over nothing is given as 0. */
static bool is_rate_of_none(const json_t *figures)
{
    int64_t total = field_count(figures, "total_runs"),
            running = field_count(figures, "running_runs");
    return total == 0 || (total > 0 && total == running);
}

const char *figure_shown(const struct figure *f, const json_t *figures, char out[SHOWN_SIZE])
{
    double value = field_number(figures, f->key);
    out[0] = '\0';
    if (value < 0 || (f->kind == FIGURE_RATE && is_rate_of_none(figures)))
        return out;
    switch (f->kind) {
    case FIGURE_COUNT:
        return field_shown_count(figures, f->key, out);
    case FIGURE_DURATION:
        return shown_duration(value, out);
    case FIGURE_RATE:
        snprintf(out, SHOWN_SIZE, "%.1f%%", value * 100);
        break;
    case FIGURE_DECIMAL:
        snprintf(out, SHOWN_SIZE, "%.1f", value);
        break;
    }
    return out;
}

static const json_t *change_of(const struct figure *f, const json_t *change)
{
    const json_t *value = f->change != NULL ? json_object_get(change, f->change) : NULL;
    return json_is_number(value) ? value : NULL;
}

const char *figure_shown_change(const struct figure *f, const json_t *change, bool brief,
                                char out[SHOWN_SIZE])
{
    const json_t *value = change_of(f, change);
    out[0] = '\0';
    if (value == NULL)
        return out;
    double percent = json_number_value(value) * 100;
    if (f->kind == FIGURE_RATE)
        snprintf(out, SHOWN_SIZE, brief ? "%+.1f" : "%+.1f points", percent);
    else
        snprintf(out, SHOWN_SIZE, brief ? "%+.0f%%" : "%+.1f%%", percent);
    return out;
}

enum colour figure_colour(const struct figure *f, const json_t *change)
{
    const json_t *value = change_of(f, change);
    double by = value != NULL ? json_number_value(value) : 0;
    if (f->better == BETTER_NEITHER || fabs(by) < 1e-9)
        return COLOUR_NONE;
    return (by < 0) == (f->better == BETTER_LESS) ? COLOUR_GREEN : COLOUR_YELLOW;
}
