#include "ctl/progress.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/shown.h"

enum { BAR_COLUMNS = 20, BAR_COLUMNS_MIN = 8 };

/* Percent of what the engine said, or -1. */
static int percent_of(const struct progress *p)
{
    if (p->done < 0 || p->total <= 0)
        return -1;
    int64_t done = p->done < p->total ? p->done : p->total;
    return (int)((double)done / (double)p->total * 100);
}

/* Appends words with two spaces in front of all but the first. */
static void add(char *out, size_t room, const char *words)
{
    size_t used = strlen(out);
    snprintf(out + used, room - used, "%s%s", used > 0 ? "  " : "", words);
}

static void add_bar(char *out, size_t room, int percent, size_t columns)
{
    char bar[BAR_COLUMNS + 3];
    size_t filled = (size_t)percent * columns / 100;
    bar[0] = '[';
    memset(bar + 1, '#', filled);
    memset(bar + 1 + filled, '.', columns - filled);
    bar[columns + 1] = ']';
    bar[columns + 2] = '\0';
    add(out, room, bar);
}

/* How wide a bar may be beside `rest`, without its brackets; 0: there is no room for one. */
static size_t bar_columns(const char *rest, size_t width)
{
    size_t taken = shown_width(rest) + 4;
    size_t columns = width > taken ? width - taken : 0;
    if (columns > BAR_COLUMNS)
        columns = BAR_COLUMNS;
    return columns >= BAR_COLUMNS_MIN ? columns : 0;
}

/* How fast, how much longer, how long. */
static void add_times(const struct progress *p, char *out, size_t room)
{
    char text[128], time[SHOWN_SIZE];
    if (p->rate >= 0) {
        snprintf(text, sizeof text, p->rate < 99.95 ? "%.1f/s" : "%.0f/s", p->rate);
        add(out, room, text);
    }
    if (p->left >= 0) {
        snprintf(text, sizeof text, "%s left", shown_duration(p->left, time));
        add(out, room, text);
    }
    add(out, room, shown_duration(p->seconds, time));
}

/* All but the bar, the rate and the times: what makes a line another one. */
static void add_figures(const struct progress *p, char *out, size_t room)
{
    char text[128], count[SHOWN_SIZE];
    int percent = percent_of(p);
    if (percent >= 0) {
        snprintf(text, sizeof text, "%3d%%", percent);
        add(out, room, text);
        snprintf(text, sizeof text, "%" PRId64 "/%" PRId64, p->done, p->total);
        add(out, room, text);
    } else if (p->done >= 0) {
        snprintf(text, sizeof text, "%" PRId64 " done", p->done);
        add(out, room, text);
    } else {
        add(out, room, "running");
    }
    if (p->stage != NULL) {
        shown_cut(p->stage, 30, text, sizeof text);
        add(out, room, text);
    }
    if (p->wallets >= 0) {
        snprintf(text, sizeof text, "%s wallet%s", shown_count(p->wallets, count),
                 p->wallets == 1 ? "" : "s");
        add(out, room, text);
    }
}

void progress_line(const struct progress *p, size_t width, char *out, size_t room)
{
    char line[512] = "", rest[400] = "";
    add_figures(p, rest, sizeof rest);
    add_times(p, rest, sizeof rest);
    size_t columns = bar_columns(rest, width);
    if (percent_of(p) >= 0 && columns > 0)
        add_bar(line, sizeof line, percent_of(p), columns);
    add(line, sizeof line, rest);
    shown_cut(line, width, out, room);
}

void progress_show(const struct progress *p, FILE *out, size_t width, char last[256])
{
    char line[512] = "";
    if (width > 0) {
        progress_line(p, width - 1, line, sizeof line);
        fprintf(out, "\r\033[K%s", line);
        fflush(out);
        return;
    }
    add_figures(p, line, sizeof line);
    line[255] = '\0';
    if (strcmp(line, last) == 0)
        return;
    memcpy(last, line, 256);
    add_times(p, line, sizeof line);
    fprintf(out, "%s\n", line);
    fflush(out);
}

void progress_clear(FILE *out, size_t width)
{
    if (width > 0)
        fputs("\r\033[K", out);
}
