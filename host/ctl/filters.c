#include "ctl/filters.h"

#include <errno.h>

#include "ctl/answers.h"

static const struct {
    const char *option, *parameter;
} filters[] = {
    {"from", "start_date"},      {"to", "end_date"},
    {"timezone", "timezone"},    {"status", "status"},
    {"trigger", "trigger_type"}, {"schedule", "schedule"},
    {"limit", "page_size"},      {"page", "page"},
    {"cursor", "cursor"},
};

/* Days and times are the local zone's unless another is named. */
static int add_zone(const struct arguments *a, char *path)
{
    char zone[SHOWN_SIZE];
    bool timed = arguments_option(a, "from") != NULL || arguments_option(a, "to") != NULL;
    if (!timed || arguments_option(a, "timezone") != NULL || shown_local_zone(zone) == NULL)
        return 0;
    return client_add_parameter(path, PATH_ROOM, "timezone", zone);
}

enum status filters_add(const struct arguments *a, char *path, struct error *err)
{
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        const char *value = arguments_option(a, filters[i].option);
        if (value != NULL &&
            client_add_parameter(path, PATH_ROOM, filters[i].parameter, value) != 0) {
            error_set(err, EINVAL, "--%s is too long", filters[i].option);
            return STATUS_USAGE;
        }
    }
    return add_zone(a, path) == 0 ? STATUS_OK : STATUS_USAGE;
}
