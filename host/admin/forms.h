/* forms.h: what clients may send, checked whole.
 *
 * Promise: a form that is read is one that can be acted upon.  Otherwise `errors` lists every
 *          field that is wrong, each with its value, and nothing else has changed.
 * Thread:  any; no state.
 */
#ifndef ADMIN_FORMS_H
#define ADMIN_FORMS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>
#include <walltrack/plugin.h>

#include "error.h"
#include "schedule/scheduler.h"

enum { BODY_MAX = 64 * 1024, BODY_DEPTH_MAX = 32 };

/* A JSON object; no bytes at all count as {}.  EINVAL: not JSON (or a key twice, nested too
 * deep); EPROTO: JSON, but no object.  On success *out is yours. */
int form_parse(const char *bytes, size_t size, json_t **out, struct error *err);

/* The body of POST /api/discovery/run.  Has no padding that differs between equal forms. */
struct run_form {
    wt_params params;
    char triggered_by[404]; /* "" when absent; zero to its end */
    bool profile_immediately;
    bool has_trigger;
    uint8_t trigger; /* WT_TRIGGER_… */
    uint8_t reserved;
};

/* True when `errors`, an empty array, has stayed empty. */
bool run_form_read(const json_t *body, struct run_form *out, json_t *errors);

/* The body of PUT /api/discovery/config.  `now` is the schedule as it is in force. */
bool change_form_read(const json_t *body, const struct schedule_view *now,
                      struct schedule_change *out, json_t *errors);

#endif
