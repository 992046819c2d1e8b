#include "ctl/progress.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/shown.h"

enum { BAR_COLUMNS = 20, BAR_NEEDS_WIDTH = 60 };

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

static void add_bar(char *out, size_t room, int percent)
{
    char bar[BAR_COLUMNS + 3];
    int filled = percent * BAR_COLUMNS / 100;
    bar[0] = '[';
    memset(bar + 1, '#', (size_t)filled);
    memset(bar + 1 + filled, '.', (size_t)(BAR_COLUMNS - filled));
    bar[BAR_COLUMNS + 1] = ']';
    bar[BAR_COLUMNS + 2] = '\0';
    add(out, room, bar);
}

/* All but the bar and the time: what makes a line another one. */
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
    char line[512] = "", time[SHOWN_SIZE];
    if (percent_of(p) >= 0 && width >= BAR_NEEDS_WIDTH)
        add_bar(line, sizeof line, percent_of(p));
    add_figures(p, line, sizeof line);
    add(line, sizeof line, shown_duration(p->seconds, time));
    shown_cut(line, width, out, room);
}

void progress_show(const struct progress *p, FILE *out, size_t width, char last[256])
{
    char line[512] = "", time[SHOWN_SIZE];
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
    fprintf(out, "%s  %s\n", line, shown_duration(p->seconds, time));
    fflush(out);
}

void progress_clear(FILE *out, size_t width)
{
    if (width > 0)
        fputs("\r\033[K", out);
}
