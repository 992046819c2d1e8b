/* links: journal */
/* Bytes of any origin as the body of an event: refused, or decoded so that encoding gives the same
 * bytes.  The first byte is the kind, the second the version. */
#include <stdlib.h>
#include <string.h>

#include "journal/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char again[EVENT_BODY_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct event e = {.head = {.kind = data[0], .body_version = data[1]}};
    /* A copy of hardly more than its size, so that a step beyond it is noticed. */
    unsigned char *body = malloc(size - 1);
    if (body == NULL)
        return 0;
    memcpy(body, data + 2, size - 2);
    if (event_decode(&e, body, size - 2) &&
        (event_encode(&e, again, sizeof again) != size - 2 || memcmp(again, body, size - 2) != 0))
        abort();
    free(body);
    return 0;
}
