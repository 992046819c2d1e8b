/* An engine may print anything; and the scanner must never disagree with jansson. */
/* links: run */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "run/line.h"
#include "run/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int parse_copy(const char *prefix, const uint8_t *data, size_t size, struct line *out,
                      char **text)
{
    struct error err;
    size_t used = strlen(prefix);
    *text = malloc(used + size + 1);
    if (*text == NULL)
        abort();
    memcpy(*text, prefix, used);
    memcpy(*text + used, data, size);
    return line_parse(*text, used + size, out, &err);
}

static void same(const char *a, const char *b)
{
    if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
        abort();
}

static void ignore(void *arg, uint64_t number, char *text, size_t size, bool too_long)
{
    (void)arg;
    (void)number;
    (void)too_long;
    text[size] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lines lines;
    struct line first, second;
    char *one, *two;
    if (size > LINE_SIZE_MAX)
        return 0;
    /* A tab in front is white space to jansson and none to the scanner. */
    int a = parse_copy("", data, size, &first, &one);
    int b = parse_copy("\t", data, size, &second, &two);
    if (a != b)
        abort();
    if (a == 0) {
        if (first.kind != second.kind)
            abort();
        if (first.kind == LINE_WALLET) {
            same(first.u.wallet.address, second.u.wallet.address);
            same(first.u.wallet.source_token, second.u.wallet.source_token);
            if (first.u.wallet.score_e4 != second.u.wallet.score_e4 ||
                first.u.wallet.is_new != second.u.wallet.is_new ||
                (first.u.wallet.profile == NULL) != (second.u.wallet.profile == NULL))
                abort();
        }
        line_release(&first);
        line_release(&second);
    }
    free(one);
    free(two);

    size_t room;
    char *at = lines_room(&lines, &room);
    memcpy(at, data, size);
    lines_take(&lines, size, ignore, NULL);
    return 0;
}
