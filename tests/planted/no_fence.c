/* Planted: a recorder without a fence.  It reads the cursor without waiting for who holds it,
 * leaves no token (no-fence/sql), and its batches move the cursor wherever it stands.  So a
 * transaction of the instance before, committed late, is there beside its replay. */
#include <stdlib.h>
#include <string.h>

#include "transaction.h"

char *__real_transaction_text(const struct range *r, const struct instance *i,
                              const struct cursor *cursor, const char *more, bool *commits);
char *__wrap_transaction_text(const struct range *r, const struct instance *i,
                              const struct cursor *cursor, const char *more, bool *commits);

/* Without " AND token = … AND seq = …". */
char *__wrap_transaction_text(const struct range *r, const struct instance *i,
                              const struct cursor *cursor, const char *more, bool *commits)
{
    static const char last[] = " AND seq = ";
    char *text = __real_transaction_text(r, i, cursor, more, commits);
    char *from = text != NULL ? strstr(text, " AND token = ") : NULL;
    char *to = from != NULL ? strstr(from, last) : NULL;
    if (to == NULL) {
        free(text);
        return NULL;
    }
    to += strlen(last);
    to += strspn(to, "0123456789");
    memmove(from, to, strlen(to) + 1);
    return text;
}
