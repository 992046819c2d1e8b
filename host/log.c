#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static _Atomic int wanted = LOG_INFO;
static _Atomic bool as_json;

static const char *const names[] = {"error", "warning", "info", "debug"};

void log_setup(enum log_level level, enum log_format format)
{
    wanted = (int)level;
    as_json = format == LOG_JSON || (format == LOG_AUTO && !isatty(STDERR_FILENO));
}

bool log_wants(enum log_level level)
{
    return (int)level <= wanted;
}

/* Copies text with control characters, and for JSON also quotes, escaped.  Returns the
 * bytes written; never cuts an escape in half. */
static size_t escape(char *out, size_t room, const char *text, bool json)
{
    size_t used = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        char piece[8];
        size_t size = 1;
        piece[0] = (char)*c;
        if (*c < 0x20 || *c == 0x7f) {
            size = (size_t)snprintf(piece, sizeof piece, json ? "\\u%04x" : "\\x%02x", *c);
        } else if (json && (*c == '"' || *c == '\\')) {
            piece[0] = '\\';
            piece[1] = (char)*c;
            size = 2;
        }
        if (used + size > room)
            break;
        memcpy(out + used, piece, size);
        used += size;
    }
    return used;
}

void log_line(enum log_level level, const char *part, const char *format, ...)
{
    if (!log_wants(level))
        return;
    char message[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    char when[32];
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &tm);

    bool json = as_json;
    char line[LINE_MAX_BYTES + 256];
    int head =
        snprintf(line, 256,
                 json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"part\":\"%.60s\",\"message\":\""
                      : "%s.%03ldZ %-7s %.60s: ",
                 when, now.tv_nsec / 1000000, names[level], part);
    size_t used = (size_t)head;
    used += escape(line + used, LINE_MAX_BYTES, message, json);
    if (json) {
        line[used++] = '"';
        line[used++] = '}';
    }
    line[used++] = '\n';
    /* One write a line keeps lines whole; a log that cannot be written is not worth dying for. */
    ssize_t ignored = write(STDERR_FILENO, line, used);
    (void)ignored;
}
