#include "ctl/shown.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

const char *shown_duration(double seconds, char out[SHOWN_SIZE])
{
    out[0] = '\0';
    if (!(seconds >= 0 && seconds < 1e12))
        return out;
    if (seconds < 10) {
        snprintf(out, SHOWN_SIZE, "%.1fs", seconds);
        return out;
    }
    int64_t s = (int64_t)(seconds + 0.5);
    if (s < 60)
        snprintf(out, SHOWN_SIZE, "%" PRId64 "s", s);
    else if (s < 3600)
        snprintf(out, SHOWN_SIZE, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, SHOWN_SIZE, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        snprintf(out, SHOWN_SIZE, "%" PRId64 "d%02" PRId64 "h", s / 86400, s / 3600 % 24);
    return out;
}

const char *shown_bare_ms(double ms, char out[SHOWN_SIZE])
{
    out[0] = '\0';
    if (ms >= 0 && ms < 1e12)
        snprintf(out, SHOWN_SIZE, ms < 9.95 ? "%.1f" : "%.0f", ms);
    return out;
}

const char *shown_ms(double ms, char out[SHOWN_SIZE])
{
    if (ms >= 9999.5)
        return shown_duration(ms / 1e3, out);
    if (shown_bare_ms(ms, out)[0] != '\0')
        shown_add(out, SHOWN_SIZE, " ms");
    return out;
}

const char *shown_time(const char *rfc3339, char out[SHOWN_SIZE])
{
    struct tm utc = {0}, local;
    const char *end = strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &utc);
    if (end == NULL || rfc3339[strlen(rfc3339) - 1] != 'Z') {
        shown_cut(rfc3339, SHOWN_SIZE / 4, out, SHOWN_SIZE);
        return out;
    }
    time_t second = timegm(&utc);
    localtime_r(&second, &local);
    strftime(out, SHOWN_SIZE, "%Y-%m-%d %H:%M:%S", &local);
    return out;
}

const char *shown_count(int64_t count, char out[SHOWN_SIZE])
{
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%" PRId64, count);
    size_t used = 0;
    for (int i = 0; i < n; i++) {
        bool group = (n - i) % 3 == 0 && i > 0 && digits[i - 1] != '-';
        if (group)
            out[used++] = ',';
        out[used++] = digits[i];
    }
    out[used] = '\0';
    return out;
}

const char *shown_bytes(int64_t bytes, char out[SHOWN_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024;
        unit++;
    }
    bool whole = value >= 9.95 || fmod(round(value * 10), 10) == 0;
    snprintf(out, SHOWN_SIZE, whole ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return out;
}

void shown_add(char *out, size_t room, const char *format, ...)
{
    size_t used = strlen(out);
    va_list args;
    va_start(args, format);
    vsnprintf(out + used, room - used, format, args);
    va_end(args);
}

/* One character of UTF-8; what is none, or a control character, is a '?' of one byte. */
static wchar_t next_character(const char **text, size_t *size)
{
    const unsigned char *t = (const unsigned char *)*text;
    static const unsigned smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = t[0] < 0x80 ? 1 : t[0] >= 0xf0 ? 4 : t[0] >= 0xe0 ? 3 : t[0] >= 0xc2 ? 2 : 0;
    unsigned c = n == 1 ? t[0] : n > 0 ? t[0] & (0x7fU >> n) : 0;
    size_t i = 1;
    while (i < n && (t[i] & 0xc0) == 0x80)
        c = c << 6 | (t[i++] & 0x3fU);
    bool control = c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200e && c <= 0x200f) ||
                   (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
    if (n == 0 || i < n || c < smallest[n] || c > 0x10ffff || control) {
        *text += n > 1 && i == n ? n : 1;
        *size = 0;
        return L'?';
    }
    *text += n;
    *size = n;
    return (wchar_t)c;
}

static size_t columns_of(wchar_t c)
{
    int columns = wcwidth(c);
    return columns < 0 ? 1 : (size_t)columns;
}

size_t shown_width(const char *text)
{
    size_t width = 0, size;
    while (*text != '\0')
        width += columns_of(next_character(&text, &size));
    return width;
}

size_t shown_cut(const char *text, size_t columns, char *out, size_t room)
{
    size_t width = 0, used = 0, size;
    bool cut = shown_width(text) > columns;
    size_t limit = cut && columns > 0 ? columns - 1 : columns;
    while (*text != '\0') {
        const char *from = text;
        wchar_t c = next_character(&text, &size);
        size_t bytes = size > 0 ? size : 1;
        if (width + columns_of(c) > limit || used + bytes + sizeof "…" > room)
            break;
        memcpy(out + used, size > 0 ? from : "?", bytes);
        used += bytes;
        width += columns_of(c);
    }
    if (cut && columns > 0) {
        memcpy(out + used, "…", sizeof "…" - 1);
        used += sizeof "…" - 1;
        width++;
    }
    out[used] = '\0';
    return width;
}

void shown_paragraph(FILE *out, const char *text, size_t columns, size_t indent)
{
    char word[4096], shown[4096];
    size_t at = 0;
    for (text += strspn(text, " \t\n"); *text != '\0'; text += strspn(text, " \t\n")) {
        size_t size = strcspn(text, " \t\n");
        snprintf(word, sizeof word, "%.*s", (int)size, text);
        size_t width = shown_cut(word, sizeof word, shown, sizeof shown);
        text += size;
        if (at > 0 && columns > 0 && indent + at + 1 + width > columns) {
            fprintf(out, "\n%*s", (int)indent, "");
            at = 0;
        } else if (at > 0) {
            fputc(' ', out);
            at++;
        }
        fputs(shown, out);
        at += width;
    }
    fputc('\n', out);
}

const char *shown_local_zone(char out[SHOWN_SIZE])
{
    static const char marker[] = "/zoneinfo/";
    char link[256];
    const char *tz = getenv("TZ");
    if (tz != NULL && tz[0] == ':')
        tz++;
    if (tz != NULL && tz[0] != '\0' && tz[0] != '/' && strlen(tz) < SHOWN_SIZE) {
        snprintf(out, SHOWN_SIZE, "%s", tz);
        return out;
    }
    ssize_t n = readlink("/etc/localtime", link, sizeof link - 1);
    if (n <= 0)
        return NULL;
    link[n] = '\0';
    const char *name = strstr(link, marker);
    if (name == NULL || strlen(name + sizeof marker - 1) >= SHOWN_SIZE)
        return NULL;
    snprintf(out, SHOWN_SIZE, "%s", name + sizeof marker - 1);
    return out;
}

/* "+05:30" as TZ has it, where a zone east of Greenwich has a minus: "ZONE-05:30". */
static void offset_to_tz(const char *offset, char *out, size_t room)
{
    char digits[8] = "";
    size_t used = 0;
    for (const char *c = offset + 1; *c != '\0' && used < 4; c++)
        if (*c >= '0' && *c <= '9')
            digits[used++] = *c;
    snprintf(out, room, "ZONE%c%.2s:%s", offset[0] == '+' ? '-' : '+', digits,
             used == 4 ? digits + 2 : "00");
}

void shown_in_zone(const char *zone)
{
    char tz[2 * SHOWN_SIZE];
    if (zone[0] == '+' || zone[0] == '-')
        offset_to_tz(zone, tz, sizeof tz);
    else
        snprintf(tz, sizeof tz, ":%s", zone);
    setenv("TZ", tz, 1);
    tzset();
}
