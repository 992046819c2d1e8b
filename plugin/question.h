/* question.h: a question's name and arguments, checked, as the parameters of its SQL.
 *
 * Thread: any; no state beyond the struct.  Knows: jansson, sql.  Not: connections.
 */
#ifndef RECORDER_QUESTION_H
#define RECORDER_QUESTION_H

#include <walltrack/plugin.h>

#include "settings.h"

enum { QUESTION_PARAMS = 32 };

struct question {
    const char *text; /* of the SQL file, constant */
    int n;
    char *values[QUESTION_PARAMS]; /* in the file's order; "" is absent */
};

/* WT_OK and *out is yours until question_free(); WT_E_UNSUPPORTED, WT_E_ARGUMENT or WT_E_AGAIN (out
 * of memory) with the reason in `why`. */
wt_status question_parse(const char *name, const char *args, struct question *out,
                         char why[WHY_SIZE]);
void question_free(struct question *q);

#endif
