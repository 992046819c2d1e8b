/* The runs that an id's beginning may mean: the latest, and those of the time that it says. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/filters.h"
#include "ids.h"
#include "utc.h"

/* An id begins with 12 digits of milliseconds; the first ten are a quarter of a second. */
enum { DIGITS_MIN = 4, LATEST = 100, TIME_DIGITS = 12, TIME_DIGITS_MIN = 10 };

/* A run starts when its id is made, give or take this. */
#define START_MARGIN_MS 10000

/* The years 2000 to 2999. */
#define FIRST_MS 946684800000
#define LAST_MS 32503679999999

static size_t digits_of(const char *text)
{
    size_t digits = 0;
    for (; *text != '\0'; text++)
        digits += isxdigit((unsigned char)*text) != 0;
    return digits;
}

static bool is_beginning(const char *text)
{
    size_t n = strlen(text);
    return n < 36 && digits_of(text) >= DIGITS_MIN && strspn(text, "0123456789abcdefABCDEF-") == n;
}

/* Dashes may be left out. */
static bool begins(const char *id, const char *written)
{
    for (;; id++, written++) {
        id += *id == '-';
        written += *written == '-';
        if (*written == '\0')
            return true;
        if (tolower((unsigned char)*id) != tolower((unsigned char)*written))
            return false;
    }
}

/* Copies the one id that begins so; says how many do. */
static size_t match(const json_t *runs, const char *beginning, char id[37])
{
    size_t matches = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const char *candidate = field_text(json_array_get(runs, i), "id");
        if (candidate == NULL || strlen(candidate) != 36 || !begins(candidate, beginning))
            continue;
        memcpy(id, candidate, 37);
        matches++;
    }
    return matches;
}

/* Appends the range of time in which a run with such an id started; false: the digits are no time,
 * for the id is not one that a host has made. */
static bool add_time(const char *beginning, char *path)
{
    char text[UTC_TEXT_SIZE];
    int64_t ms = 0, span = 1;
    int digits = 0;
    for (const char *c = beginning; *c != '\0' && digits < TIME_DIGITS; c++) {
        if (!isxdigit((unsigned char)*c))
            continue;
        ms = ms * 16 +
             (isdigit((unsigned char)*c) ? *c - '0' : tolower((unsigned char)*c) - 'a' + 10);
        digits++;
    }
    for (; digits < TIME_DIGITS; digits++) {
        ms *= 16;
        span *= 16;
    }
    if (ms < FIRST_MS || ms > LAST_MS)
        return false;
    client_add_parameter(path, PATH_ROOM, "start_date",
                         utc_text((ms - START_MARGIN_MS) * 1000, text));
    client_add_parameter(path, PATH_ROOM, "end_date",
                         utc_text((ms + span + START_MARGIN_MS) * 1000, text));
    return true;
}

static enum status look(struct session *s, const char *path, const char *beginning, char id[37],
                        size_t *matches, struct error *err)
{
    struct reply reply;
    enum status status = client_call(s->client, "GET", path, NULL, &reply, err);
    *matches = status == STATUS_OK ? match(json_object_get(reply.json, "runs"), beginning, id) : 0;
    reply_free(&reply);
    return status;
}

static enum status say_which(const char *written, size_t matches, struct error *err)
{
    if (matches > 0) {
        error_set(err, EINVAL, "%zu runs begin with %s\ngive more digits of the id", matches,
                  written);
        return STATUS_USAGE;
    }
    if (digits_of(written) < TIME_DIGITS_MIN)
        error_set(err, ENOENT,
                  "none of the latest %d runs begins with %s\n"
                  "`walltrackctl runs` lists the runs; an older one needs %d digits",
                  LATEST, written, TIME_DIGITS_MIN);
    else
        error_set(err, ENOENT, "no run begins with %s\n`walltrackctl runs` lists the runs",
                  written);
    return STATUS_NOT_FOUND;
}

enum status answer_resolve(struct session *s, const char *written, char id[37], struct error *err)
{
    char path[PATH_ROOM] = "/api/discovery/runs?page_size=100";
    size_t matches;
    wt_uuid whole;
    if (id_parse(written, &whole)) {
        wt_uuid_text(&whole, id);
        return STATUS_OK;
    }
    if (!is_beginning(written)) {
        error_set(err, EINVAL,
                  "'%.60s' is not a run's id, nor at least %d digits of its beginning\n"
                  "`walltrackctl runs` lists the runs",
                  written, DIGITS_MIN);
        return STATUS_USAGE;
    }
    enum status status = look(s, path, written, id, &matches, err);
    if (status == STATUS_OK && matches == 0 && digits_of(written) >= TIME_DIGITS_MIN &&
        add_time(written, path))
        status = look(s, path, written, id, &matches, err);
    return status != STATUS_OK || matches == 1 ? status : say_which(written, matches, err);
}
