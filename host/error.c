#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
    if (err == NULL)
        return -1;
    va_list args;
    va_start(args, format);
    err->code = code;
    vsnprintf(err->msg, sizeof err->msg, format, args);
    va_end(args);
    return -1;
}

int error_wrap(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return -1;
    char prefix[sizeof err->msg];
    char cause[sizeof err->msg];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    memcpy(cause, err->msg, sizeof cause);
    size_t used = strlen(prefix);
    snprintf(err->msg, sizeof err->msg, "%s", prefix);
    snprintf(err->msg + used, sizeof err->msg - used, ": %s", cause);
    return -1;
}
