#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096, PART_MAX_BYTES = 60, HEAD_MAX_BYTES = 512, END_BYTES = 3 };

static _Atomic int wanted = LOG_INFO;
static _Atomic bool as_json;

void log_setup(enum log_level level, enum log_format format)
{
    wanted = (int)level;
    as_json = format == LOG_JSON || (format == LOG_AUTO && !isatty(STDERR_FILENO));
}

bool log_wants(enum log_level level)
{
    return (int)level <= wanted;
}

/* Where the next byte of a line goes, and how many more there is room for. */
struct line {
    char *at;
    size_t room;
};

/* Nothing is ever cut in half: what has no room is left out. */
static bool put(struct line *l, const char *bytes, size_t size)
{
    if (size > l->room)
        return false;
    memcpy(l->at, bytes, size);
    l->at += size;
    l->room -= size;
    return true;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

static void put_digits(struct line *l, long value, size_t digits)
{
    char text[8];
    for (size_t i = digits; i-- > 0; value /= 10)
        text[i] = (char)('0' + value % 10);
    put(l, text, digits);
}

static bool put_escaped(struct line *l, unsigned char c, bool json)
{
    static const char hex[] = "0123456789abcdef";
    char piece[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    if (json)
        return put(l, piece, sizeof piece);
    piece[3] = 'x';
    piece[2] = '\\';
    return put(l, piece + 2, sizeof piece - 2);
}

/* Control characters are escaped, and for JSON also quotes. */
static void put_message(struct line *l, const char *text, bool json)
{
    bool fits = true;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0' && fits; c++) {
        char quoted[] = {'\\', (char)*c};
        if (*c < 0x20 || *c == 0x7f)
            fits = put_escaped(l, *c, json);
        else if (json && (*c == '"' || *c == '\\'))
            fits = put(l, quoted, 2);
        else
            fits = put(l, quoted + 1, 1);
    }
}

static int days_of(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
}

/* gmtime_r() takes a lock, which a signal handler must not. */
static void put_date(struct line *l, long day)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1970, month = 0;
    for (; day >= days_of(year); year++)
        day -= days_of(year);
    for (;; month++) {
        int length = lengths[month] + (month == 1 && days_of(year) == 366);
        if (day < length)
            break;
        day -= length;
    }
    put_digits(l, year, 4);
    put(l, "-", 1);
    put_digits(l, month + 1, 2);
    put(l, "-", 1);
    put_digits(l, day + 1, 2);
}

static void put_time(struct line *l)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    long second = now.tv_sec > 0 ? (long)now.tv_sec : 0;
    put_date(l, second / 86400);
    put(l, "T", 1);
    put_digits(l, second / 3600 % 24, 2);
    put(l, ":", 1);
    put_digits(l, second / 60 % 60, 2);
    put(l, ":", 1);
    put_digits(l, second % 60, 2);
    put(l, ".", 1);
    put_digits(l, now.tv_nsec / 1000000, 3);
    put(l, "Z", 1);
}

static void put_head(struct line *l, enum log_level level, const char *part, bool json)
{
    static const char *const names[] = {"error  ", "warning", "info   ", "debug  "};
    char start[PART_MAX_BYTES + 1] = "";
    strncat(start, part, PART_MAX_BYTES);
    put_text(l, json ? "{\"time\":\"" : "");
    put_time(l);
    put_text(l, json ? "\",\"level\":\"" : " ");
    put(l, names[level], json ? strcspn(names[level], " ") : strlen(names[level]));
    put_text(l, json ? "\",\"part\":\"" : " ");
    put_message(l, start, json);
    put_text(l, json ? "\",\"message\":\"" : ": ");
}

void log_text(enum log_level level, const char *part, const char *message)
{
    if (!log_wants(level))
        return;
    bool json = as_json;
    char text[HEAD_MAX_BYTES + LINE_MAX_BYTES + END_BYTES];
    struct line line = {text, HEAD_MAX_BYTES};
    put_head(&line, level, part, json);
    line.room = LINE_MAX_BYTES;
    put_message(&line, message, json);
    line.room = END_BYTES;
    put_text(&line, json ? "\"}\n" : "\n");
    /* One write a line keeps lines whole; a log that cannot be written is not worth dying for. */
    ssize_t ignored = write(STDERR_FILENO, text, (size_t)(line.at - text));
    (void)ignored;
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
    log_text(level, part, message);
}
