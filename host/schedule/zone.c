#include "schedule/zone.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECOND_US = 1000000, DAY_SECONDS = 86400 };

/* No zone is, or was, further from UTC than this. */
enum { OFFSET_MAX_SECONDS = 26 * 3600 };

struct zone {
    GTimeZone *rules;
};

/* The name becomes part of a path below the zone database: nothing may lead out of it. */
static bool is_zone_name(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= 64 &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/:") ==
               n &&
           name[0] != '/' && name[0] != ':' && strstr(name, "//") == NULL;
}

int zone_open(const char *name, struct zone **out, struct error *err)
{
    GTimeZone *rules = is_zone_name(name) ? g_time_zone_new_identifier(name) : NULL;
    if (rules == NULL)
        return error_set(err, EINVAL,
                         "'%.64s' is not a time zone such as UTC, Europe/Berlin or +02:00", name);
    struct zone *z = malloc(sizeof *z);
    if (z == NULL) {
        g_time_zone_unref(rules);
        return error_set(err, ENOMEM, "out of memory");
    }
    z->rules = rules;
    *out = z;
    return 0;
}

void zone_close(struct zone *z)
{
    if (z == NULL)
        return;
    g_time_zone_unref(z->rules);
    free(z);
}

static int interval_at(const struct zone *z, int64_t second)
{
    return g_time_zone_find_interval(z->rules, G_TIME_TYPE_UNIVERSAL, second);
}

int64_t zone_local(const struct zone *z, int64_t instant_us)
{
    int64_t second = instant_us / SECOND_US - (instant_us % SECOND_US < 0);
    int offset = g_time_zone_get_offset(z->rules, interval_at(z, second));
    return instant_us + (int64_t)offset * SECOND_US;
}

/* The first second after `from`, at most `to`, that is in another interval than `from`. */
static int64_t next_change(const struct zone *z, int64_t from, int64_t to)
{
    int here = interval_at(z, from);
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (interval_at(z, middle) == here)
            from = middle;
        else
            to = middle;
    }
    return to;
}

/* The wanted instant is the first at which the local clock shows the local time or later.  So
 * walk from before it, interval by interval. */
int64_t zone_instant(const struct zone *z, int64_t local_us)
{
    int64_t fraction = local_us % SECOND_US;
    if (fraction < 0)
        fraction += SECOND_US;
    int64_t local = (local_us - fraction) / SECOND_US;

    int64_t t = local - OFFSET_MAX_SECONDS;
    for (;;) {
        int interval = interval_at(z, t);
        int64_t candidate = local - g_time_zone_get_offset(z->rules, interval);
        if (candidate < t)
            return t * SECOND_US; /* the clock has just been set past it */
        if (interval_at(z, candidate) == interval)
            return candidate * SECOND_US + fraction;
        t = next_change(z, t, candidate);
    }
}

/* ---- reading -------------------------------------------------------------------------- */

/* Takes exactly `digits` digits; false when there are fewer. */
static bool take_number(const char **p, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *p += digits;
    *out = value;
    return true;
}

static bool take(const char **p, const char *any)
{
    if (**p == '\0' || strchr(any, **p) == NULL)
        return false;
    (*p)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **p, struct tm *tm)
{
    int year, month, day;
    if (!take_number(p, 4, &year) || !take(p, "-") || !take_number(p, 2, &month) || !take(p, "-") ||
        !take_number(p, 2, &day))
        return false;
    if (year < 1900 || year > 2999 || month < 1 || month > 12 || day < 1 ||
        day > days_in_month(year, month))
        return false;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return true;
}

static bool take_clock(const char **p, struct tm *tm, int64_t *fraction_us)
{
    if (!take_number(p, 2, &tm->tm_hour) || !take(p, ":") || !take_number(p, 2, &tm->tm_min))
        return false;
    if (take(p, ":") && !take_number(p, 2, &tm->tm_sec))
        return false;
    if (take(p, ".")) {
        int64_t unit = SECOND_US;
        const char *start = *p;
        for (; **p >= '0' && **p <= '9'; (*p)++) {
            unit /= 10;
            *fraction_us += unit * (**p - '0');
        }
        if (*p == start)
            return false;
    }
    return tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 59;
}

/* "Z" or "+02:00".  A plus sign that a client forgot to escape in a URL arrives as a space. */
static bool take_offset(const char **p, int64_t *seconds)
{
    if (take(p, "Zz")) {
        *seconds = 0;
        return true;
    }
    bool west = **p == '-';
    int hours, minutes;
    if (!take(p, "+- ") || !take_number(p, 2, &hours) || !take(p, ":") ||
        !take_number(p, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
    return true;
}

static int not_a_time(const char *text, struct error *err)
{
    return error_set(err, EINVAL,
                     "'%.60s' is not a time such as 2026-06-30, 2026-06-30T12:30:00 or "
                     "2026-06-30T12:30:00Z",
                     text);
}

int zone_read(const struct zone *z, const char *text, enum zone_edge edge, int64_t *out,
              struct error *err)
{
    const char *p = text;
    struct tm tm = {0};
    int64_t fraction = 0, offset;
    if (!take_date(&p, &tm))
        return not_a_time(text, err);
    if (*p == '\0') {
        int64_t day = (int64_t)timegm(&tm) + (edge == ZONE_END ? DAY_SECONDS : 0);
        *out = zone_instant(z, day * SECOND_US);
        return 0;
    }
    if (!take(&p, "Tt ") || !take_clock(&p, &tm, &fraction))
        return not_a_time(text, err);
    int64_t local = (int64_t)timegm(&tm) * SECOND_US + fraction;
    if (*p == '\0') {
        *out = zone_instant(z, local);
        return 0;
    }
    if (!take_offset(&p, &offset) || *p != '\0')
        return not_a_time(text, err);
    *out = local - offset * SECOND_US;
    return 0;
}
