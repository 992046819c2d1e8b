/* The bodies of requests: any bytes. */
#include <stdint.h>
#include <stdlib.h>

#include "admin/forms.h"
#include "params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_params(const wt_params *params)
{
    for (int i = 0; i < WT_PARAM_COUNT; i++)
        if (params->value[i] < params_table[i].min || params->value[i] > params_table[i].max)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct schedule_view now = {.every_seconds = 60};
    struct schedule_change change;
    struct run_form form;
    struct error err;
    json_t *body;
    params_default(&now.params);
    if (form_parse((const char *)data, size, &body, &err) != 0)
        return 0;
    json_t *errors = json_array();
    if (run_form_read(body, &form, errors))
        check_params(&form.params);
    json_array_clear(errors);
    if (change_form_read(body, &now, &change, errors)) {
        check_params(&change.params);
        if (change.has_every && (change.every_seconds < 1 || change.every_seconds > 31622400))
            abort();
    }
    json_decref(errors);
    json_decref(body);
    return 0;
}
