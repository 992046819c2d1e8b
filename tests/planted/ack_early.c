/* Planted: a recorder that acknowledges a batch when it sends it.  The cursor is moved and
 * committed first, the rows follow in a transaction of their own: what is cut off between the two
 * is lost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transaction.h"

char *__real_transaction_text(const struct range *r, const struct instance *i,
                              const struct cursor *cursor, const char *more, bool *commits);
char *__wrap_transaction_text(const struct range *r, const struct instance *i,
                              const struct cursor *cursor, const char *more, bool *commits);

/* "…; COMMIT; BEGIN; …" behind the cursor's update; the rows' commit in a message of its own. */
char *__wrap_transaction_text(const struct range *r, const struct instance *i,
                              const struct cursor *cursor, const char *more, bool *commits)
{
    static const char last[] = " AND seq = ", end[] = "; COMMIT";
    char *text = __real_transaction_text(r, i, cursor, more, commits), *early = NULL;
    char *to = text != NULL ? strstr(text, last) : NULL;
    if (to == NULL) {
        free(text);
        return NULL;
    }
    to += strlen(last);
    to += strspn(to, "0123456789");
    size_t rest = strlen(to) - (*commits ? strlen(end) : 0);
    if (asprintf(&early, "%.*s; COMMIT; BEGIN%.*s", (int)(to - text), text, (int)rest, to) < 0)
        early = NULL;
    free(text);
    *commits = false;
    i->api->ack(i->host, range_last(r));
    return early;
}
