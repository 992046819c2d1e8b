#include "json_memory.h"

#include <jansson.h>
#include <stdlib.h>

#include "log.h"

static void *allocate(size_t size)
{
    void *memory = malloc(size);
    if (memory != NULL || size == 0)
        return memory;
    log_text(LOG_ERROR, "daemon", "out of memory");
    abort();
}

void json_memory_guard(void)
{
    json_set_alloc_funcs(allocate, free);
}
