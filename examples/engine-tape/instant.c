#include "instant.h"

struct civil {
    int year, month, day, hour, minute, second;
    int64_t fraction_us;
    int offset_minutes; /* east of UTC */
};

static bool take(const char **at, char wanted)
{
    if (**at != wanted)
        return false;
    (*at)++;
    return true;
}

static bool take_digits(const char **at, int count, int low, int high, int *out)
{
    int number = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    *at += count;
    *out = number;
    return number >= low && number <= high;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

static bool take_date(const char **at, struct civil *c)
{
    return take_digits(at, 4, 1, 9999, &c->year) && take(at, '-') &&
           take_digits(at, 2, 1, 12, &c->month) && take(at, '-') &&
           take_digits(at, 2, 1, days_in_month(c->year, c->month), &c->day);
}

static bool take_clock(const char **at, struct civil *c)
{
    return take_digits(at, 2, 0, 23, &c->hour) && take(at, ':') &&
           take_digits(at, 2, 0, 59, &c->minute) && take(at, ':') &&
           take_digits(at, 2, 0, 60, &c->second);
}

static bool take_fraction(const char **at, struct civil *c)
{
    c->fraction_us = 0;
    if (!take(at, '.'))
        return true;
    if (**at < '0' || **at > '9')
        return false;
    for (int64_t unit = 100000; **at >= '0' && **at <= '9'; unit /= 10, (*at)++)
        c->fraction_us += unit * (**at - '0');
    return true;
}

static bool take_offset(const char **at, struct civil *c)
{
    c->offset_minutes = 0;
    if (take(at, 'Z') || take(at, 'z'))
        return true;
    int sign = **at == '-' ? -1 : 1;
    int hours, minutes;
    if (!(take(at, '+') || take(at, '-')) || !take_digits(at, 2, 0, 23, &hours) || !take(at, ':') ||
        !take_digits(at, 2, 0, 59, &minutes))
        return false;
    c->offset_minutes = sign * (hours * 60 + minutes);
    return true;
}

/* From 0001-01-01 to the first of January of a year. */
static int64_t days_before_year(int year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400;
}

static int64_t civil_us(const struct civil *c)
{
    int64_t days = days_before_year(c->year) - days_before_year(1970) + c->day - 1;
    for (int month = 1; month < c->month; month++)
        days += days_in_month(c->year, month);
    int64_t minutes = (days * 24 + c->hour) * 60 + c->minute - c->offset_minutes;
    return (minutes * 60 + c->second) * 1000000 + c->fraction_us;
}

bool instant_parse(const char *text, int64_t *us)
{
    struct civil c;
    const char *at = text;
    if (!take_date(&at, &c) || !(take(&at, 'T') || take(&at, 't') || take(&at, ' ')) ||
        !take_clock(&at, &c) || !take_fraction(&at, &c) || !take_offset(&at, &c) || *at != '\0')
        return false;
    *us = civil_us(&c);
    return true;
}
