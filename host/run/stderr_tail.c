#include "run/stderr_tail.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#include "log.h"

static void log_one(struct stderr_tail *t, const char *log_name)
{
    int64_t second = (int64_t)time(NULL);
    if (second != t->second) {
        if (t->suppressed > 0)
            log_line(LOG_WARNING, log_name, "%u more lines on standard error were not logged",
                     t->suppressed);
        t->second = second;
        t->in_second = t->suppressed = 0;
    }
    if (++t->in_second <= STDERR_LINES_A_SECOND)
        log_line(LOG_INFO, log_name, "stderr: %.*s", (int)t->line_used, t->line);
    else
        t->suppressed++;
    t->line_used = 0;
}

void stderr_tail_add(struct stderr_tail *t, const char *log_name, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        t->ring[t->total++ % STDERR_TAIL_SIZE] = data[i];
        if (data[i] != '\n')
            t->line[t->line_used++] = data[i];
        if (data[i] == '\n' || t->line_used == STDERR_LINE_SIZE)
            log_one(t, log_name);
    }
}

void stderr_tail_finish(struct stderr_tail *t, const char *log_name)
{
    if (t->line_used > 0)
        log_one(t, log_name);
    if (t->suppressed > 0)
        log_line(LOG_WARNING, log_name, "%u more lines on standard error were not logged",
                 t->suppressed);
    t->suppressed = 0;
}

char *stderr_tail_text(const struct stderr_tail *t)
{
    char raw[STDERR_TAIL_SIZE];
    size_t size = t->total < STDERR_TAIL_SIZE ? t->total : STDERR_TAIL_SIZE;
    for (size_t i = 0; i < size; i++) {
        char c = t->ring[(t->total - size + i) % STDERR_TAIL_SIZE];
        raw[i] = (c >= 0 && c < 0x20 && c != '\n') || c == 0x7f ? ' ' : c;
    }
    char *text = g_utf8_make_valid(raw, (gssize)size);
    g_strchomp(text);
    return text;
}
