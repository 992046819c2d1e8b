/* retention: what would be removed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/filters.h"

/* "90", "90d" or "12w" in days. */
static enum status read_days(const char *text, char out[SHOWN_SIZE], struct error *err)
{
    char *end;
    errno = 0;
    long days = strtol(text, &end, 10);
    bool weeks = strcmp(end, "w") == 0;
    bool known = weeks || *end == '\0' || strcmp(end, "d") == 0;
    if (end == text || text[0] < '0' || text[0] > '9' || !known || errno != 0 || days > 1000000) {
        error_set(err, EINVAL,
                  "--older-than: '%.40s' is not a number of days\n"
                  "write it like 90d or 12w",
                  text);
        return STATUS_USAGE;
    }
    snprintf(out, SHOWN_SIZE, "%ld", weeks ? 7 * days : days);
    return STATUS_OK;
}

static enum status make_path(const struct arguments *a, char *path, struct error *err)
{
    char days[SHOWN_SIZE];
    const char *older = arguments_option(a, "older-than");
    enum status status = older != NULL ? read_days(older, days, err) : STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (older != NULL)
        client_add_parameter(path, PATH_ROOM, "older_than_days", days);
    return filters_add(a, path, err);
}

static void print_removal(struct session *s, const json_t *removal)
{
    static const char *const counts[] = {"runs", "wallets", "tokens", "errors"};
    char text[SHOWN_SIZE];
    if (field_count(removal, "runs") == 0) {
        fputs("nothing would be removed\n", s->out);
        return;
    }
    fputs("would be removed; statistics keep counting them:\n", s->out);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        print_field(s, counts[i], field_shown_count(removal, counts[i], text), COLOUR_NONE);
    print_field(s, "oldest", field_shown_time(removal, "oldest", text), COLOUR_NONE);
    print_field(s, "newest", field_shown_time(removal, "newest", text), COLOUR_NONE);
}

enum status retention_command(struct session *s, struct error *err)
{
    char path[PATH_ROOM] = "/api/discovery/retention";
    struct reply reply;
    enum status status = make_path(s->arguments, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        print_removal(s, reply.json);
    reply_free(&reply);
    return status;
}
