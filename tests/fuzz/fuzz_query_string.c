/* The target of a request and the filters in it: any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/filters.h"
#include "admin/target.h"

#define ALL (PARAMETER_BIT(PARAMETERS) - 1)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target target;
    struct error err, bad_name;
    char *uri = malloc(size + 1); /* its own block, so that reading past its end is seen */
    if (uri == NULL)
        return 0;
    memcpy(uri, data, size);
    uri[size] = '\0';
    if (target_parse(uri, &target, &err) == 0) {
        json_t *args = json_object();
        json_t *errors = json_array();
        if (filters_read(&target, ALL, args, errors, &bad_name) && json_array_size(errors) > 0)
            abort();
        json_decref(args);
        json_decref(errors);
    }
    free(uri);
    return 0;
}
