/* question.h: asks the plugin that keeps the history, and passes its answer on.
 *
 * Thread: loop thread only.
 */
#ifndef ADMIN_QUESTION_H
#define ADMIN_QUESTION_H

#include <stddef.h>

#include <jansson.h>
#include <walltrack/plugin.h>

#include "admin/request.h"

/* What to do with an answer; both answer the request.  NULL: a good one goes to the client as it
 * is, a bad one as question_failed() says. */
struct question_answers {
    void (*good)(struct request *r, const char *body, size_t size);
    void (*bad)(struct request *r, wt_status status, const char *message);
};

enum {
    QUESTION_MS = 10000,      /* how long an answer may take */
    QUESTION_MARGIN_MS = 2000 /* the plugin host keeps its own deadline; ours is behind it */
};

/* The query of a request as arguments, and `now`, the time; NULL when it was wrong: then the
 * request has been answered. */
json_t *question_args(struct request *r);

/* Takes `args`; NULL (out of memory) answers 500. */
void question_ask(struct request *r, const char *name, json_t *args,
                  const struct question_answers *answers);

/* Says in HTTP why there is no answer. */
void question_failed(struct request *r, wt_status status, const char *message);

#endif
