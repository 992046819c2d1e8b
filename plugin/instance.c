#include "instance.h"

#include <stdarg.h>
#include <stdio.h>

void instance_log(const struct instance *i, int level, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    i->api->log(i->host, level, line);
}
