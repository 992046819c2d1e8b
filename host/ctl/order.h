/* order.h: a swap that the user asks for, and what is said of how it ends.
 *
 * Promise: a verdict other than LIVE becomes an error with what the host said and what to do next,
 *          and STATUS_REFUSED; nothing else of it is printed.
 * Thread:  one.
 */
#ifndef CTL_ORDER_H
#define CTL_ORDER_H

#include <limits.h>

#include "ctl/answers.h"
#include "ctl/filters.h"

struct order {
    char plugin[PLUGIN_NAME_SIZE];
    const char *method;
    char path[PATH_ROOM];                 /* of the API */
    json_t *body;                         /* or NULL    */
    char file[PATH_MAX];                  /* the build: a name in plugin_dir, a whole path, or "" */
    bool follows, leaves, sees_probation; /* --wait, --no-wait, --probation */
    double timeout;                       /* seconds; INFINITY without one */
};

/* The swap in an answer, a problem or not; NULL when there is none. */
const json_t *order_swap(const struct reply *r);

/* What an answer says about it, with a verdict or without. */
enum status order_say(struct session *s, const struct order *o, const json_t *swap,
                      struct error *err);

/* "LIVE in …", without the title of the swap. */
void order_say_live(struct session *s, const json_t *swap);

/* That it may still be rolled back; nothing when it is not in probation. */
void order_say_probation(struct session *s, const struct order *o, const json_t *swap);

/* Why it is refused, or was cut short otherwise. */
enum status order_say_refused(struct session *s, const struct order *o, const json_t *swap,
                              struct error *err);

/* For a request that was refused without a swap: what to do, when it is known. */
void order_advise(struct session *s, const struct order *o, const struct reply *r,
                  struct error *err);

/* On the standard error: nobody waits any more, and `why`. */
void order_say_goes_on(const struct order *o, const char *why);

#endif
