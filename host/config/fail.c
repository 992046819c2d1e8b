#include "config/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int config_fail(const struct config_reading *r, const struct config_place *place,
                const char *format, ...)
{
    char message[384], where[PLACE_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    config_place_text(place, where);
    return error_set(r->err, EINVAL, "%s:%d: %s%s%s", r->name,
                     config_place_line(place, r->text, r->size), where,
                     where[0] != '\0' ? ": " : "", message);
}

int config_out_of_memory(const struct config_reading *r)
{
    return error_set(r->err, ENOMEM, "%s: out of memory", r->name);
}
