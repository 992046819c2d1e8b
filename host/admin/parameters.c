#include "admin/parameters.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/printable.h"
#include "ids.h"

/* ---- numbers -------------------------------------------------------------------------- */

static int64_t scale(const struct parameter *p)
{
    int64_t steps = 1;
    for (int i = 0; i < p->decimals; i++)
        steps *= 10;
    return steps;
}

const char *parameter_decimal(const struct parameter *p, int64_t steps, char out[32])
{
    int n = snprintf(out, 32, "%" PRId64, steps / scale(p));
    int64_t rest = steps % scale(p);
    if (rest == 0)
        return out;
    n += snprintf(out + n, 32 - (size_t)n, ".%0*" PRId64, p->decimals, rest);
    while (out[n - 1] == '0')
        out[--n] = '\0';
    return out;
}

/* Takes digits, at most `most`; false when there are none, or more. */
static bool take_digits(const char **text, int most, int64_t *value, int *taken)
{
    int n = 0;
    for (; (*text)[n] >= '0' && (*text)[n] <= '9'; n++) {
        if (n == most)
            return false;
        *value = *value * 10 + ((*text)[n] - '0');
    }
    *text += n;
    *taken = n;
    return n > 0;
}

/* Plain digits, with a fraction for decimals: no sign, no exponent, nothing is rounded.  Fifteen
 * digits and three decimals cannot overflow. */
bool parameter_number(const struct parameter *p, const char *text, int64_t *out)
{
    int64_t value = 0;
    int whole, fraction = 0;
    if (!take_digits(&text, 15, &value, &whole))
        return false;
    if (*text == '.') {
        text++;
        if (!take_digits(&text, p->decimals, &value, &fraction))
            return false;
    }
    if (*text != '\0')
        return false;
    for (; fraction < p->decimals; fraction++)
        value *= 10;
    *out = value;
    return value >= p->min && value <= p->max;
}

/* ---- names ---------------------------------------------------------------------------- */

enum { NAMES_SIZE = PARAMETER_TEXT_SIZE / 2 };

static const char *list_names(const struct parameter *p, char out[NAMES_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; p->names[i] != NULL; i++)
        used +=
            (size_t)snprintf(out + used, NAMES_SIZE - used, "%s%s", i > 0 ? ", " : "", p->names[i]);
    return out;
}

static bool is_name(const struct parameter *p, const char *text)
{
    size_t i = 0;
    while (p->names[i] != NULL && strcmp(p->names[i], text) != 0)
        i++;
    return p->names[i] != NULL;
}

static bool is_schedule(const char *text)
{
    size_t n = strlen(text);
    return n >= 1 && n <= PARAMETER_SCHEDULE_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static bool is_within(int length, int most)
{
    return length >= 1 && length <= most;
}

/* ---- any value ------------------------------------------------------------------------ */

const char *parameter_expected(const struct parameter *p, char out[PARAMETER_TEXT_SIZE])
{
    char low[32], high[32], names[NAMES_SIZE];
    switch (p->kind) {
    case KIND_TIME:
        snprintf(out, PARAMETER_TEXT_SIZE, "%s",
                 "a time such as 2026-06-30, 2026-06-30T12:30:00 or 2026-06-30T12:30:00Z");
        break;
    case KIND_ZONE:
        snprintf(out, PARAMETER_TEXT_SIZE, "a time zone such as UTC, Europe/Berlin or +02:00");
        break;
    case KIND_NAME:
        snprintf(out, PARAMETER_TEXT_SIZE, "one of %s", list_names(p, names));
        break;
    case KIND_WHOLE:
        snprintf(out, PARAMETER_TEXT_SIZE, "a whole number from %" PRId64 " to %" PRId64, p->min,
                 p->max);
        break;
    case KIND_DECIMAL:
        parameter_decimal(p, p->min, low);
        parameter_decimal(p, p->max, high);
        if (p->decimals == 0)
            snprintf(out, PARAMETER_TEXT_SIZE, "a whole number from %s to %s", low, high);
        else
            snprintf(out, PARAMETER_TEXT_SIZE, "a number from %s to %s with at most %d decimals",
                     low, high, p->decimals);
        break;
    case KIND_SCHEDULE:
        snprintf(out, PARAMETER_TEXT_SIZE, "a name of 1 to %d of a-z, 0-9, '.', '_', '-'",
                 PARAMETER_SCHEDULE_MAX);
        break;
    case KIND_TEXT:
        snprintf(out, PARAMETER_TEXT_SIZE, "a name of 1 to %d printable characters",
                 PARAMETER_TEXT_MAX);
        break;
    case KIND_ADDRESS:
        snprintf(out, PARAMETER_TEXT_SIZE,
                 "an address of 1 to %d printable characters without spaces",
                 PARAMETER_ADDRESS_MAX);
        break;
    case KIND_ID:
        snprintf(out, PARAMETER_TEXT_SIZE, "the id of a run");
        break;
    case KIND_CURSOR:
        snprintf(out, PARAMETER_TEXT_SIZE, "the next_cursor of an answer");
        break;
    }
    return out;
}

static json_t *read_number(const struct parameter *p, const char *text)
{
    char decimal[32];
    int64_t value;
    if (!parameter_number(p, text, &value))
        return NULL;
    return p->kind == KIND_WHOLE ? json_integer(value)
                                 : json_string(parameter_decimal(p, value, decimal));
}

static json_t *read_id(const char *text)
{
    wt_uuid id;
    char usual[ID_TEXT_SIZE];
    if (!id_parse(text, &id))
        return NULL;
    wt_uuid_text(&id, usual); /* in the usual case of letters */
    return json_string(usual);
}

/* NULL when it is not what is expected. */
static json_t *read_value(const struct parameter *p, const char *text)
{
    bool good = false;
    switch (p->kind) {
    case KIND_WHOLE:
    case KIND_DECIMAL:
        return read_number(p, text);
    case KIND_ID:
        return read_id(text);
    case KIND_NAME:
        good = is_name(p, text);
        break;
    case KIND_SCHEDULE:
        good = is_schedule(text);
        break;
    case KIND_TEXT:
        good = is_within(printable_length(text), PARAMETER_TEXT_MAX);
        break;
    case KIND_ADDRESS:
        good = is_within(printable_word_length(text), PARAMETER_ADDRESS_MAX);
        break;
    case KIND_CURSOR:
        good = text[0] != '\0' && strlen(text) <= PARAMETER_CURSOR_MAX;
        break;
    case KIND_TIME:
    case KIND_ZONE:
        break;
    }
    return good ? json_string(text) : NULL;
}

int parameter_read(const struct parameter *p, const char *text, json_t **out, struct error *err)
{
    char expected[PARAMETER_TEXT_SIZE];
    json_t *value = read_value(p, text);
    if (value != NULL) {
        *out = value;
        return 0;
    }
    parameter_expected(p, expected);
    if (p->invalid != NULL)
        return error_set(err, EINVAL, "%s '%.60s': %s", p->invalid, text, expected);
    return error_set(err, EINVAL, "'%.70s' is not %s", text, expected);
}
