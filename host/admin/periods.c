#include "admin/periods.h"

#include <time.h>

#define DAY_US ((int64_t)24 * 3600 * 1000000)

/* Local days since 1970-01-01, a Thursday. */
static int64_t day_of(int64_t local_us)
{
    int64_t day = local_us / DAY_US;
    return local_us % DAY_US < 0 ? day - 1 : day;
}

static int64_t monday_of(int64_t day)
{
    int64_t since = (day + 3) % 7;
    return day - (since < 0 ? since + 7 : since);
}

/* The first day of the month that is `months` after that of `day`. */
static int64_t month_of(int64_t day, int months)
{
    struct tm tm;
    time_t second = (time_t)(day * (DAY_US / 1000000));
    gmtime_r(&second, &tm);
    tm.tm_mday = 1;
    tm.tm_mon += months; /* timegm() takes months before January and after December */
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    return (int64_t)timegm(&tm) / (DAY_US / 1000000);
}

/* The first day of the period that is `after` periods after that of `day`. */
static int64_t first_day(enum period period, int64_t day, int after)
{
    switch (period) {
    case PERIOD_DAY:
        return day + after;
    case PERIOD_WEEK:
        return monday_of(day) + (int64_t)7 * after;
    case PERIOD_MONTH:
        break;
    }
    return month_of(day, after);
}

void periods_edges(const struct zone *z, enum period period, int64_t now_us, int count,
                   int64_t *edges)
{
    int64_t today = day_of(zone_local(z, now_us));
    for (int i = 0; i <= count; i++)
        edges[i] = zone_instant(z, first_day(period, today, i - count + 1) * DAY_US);
}
