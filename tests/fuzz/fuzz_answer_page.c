/* A page of a plugin's answer, taken apart for a file: any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "admin/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct column columns[] = {{"id", NULL}, {"max_tokens", "params"}, {"b", NULL}};
    char *text = malloc(size + 1); /* its own block, so that reading past its end is seen */
    struct slice list, rest, item;
    GString *out = g_string_new(NULL);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    const struct slice page = {text, size};
    if (slice_member(page, "runs", &list) && slice_items(list, &rest))
        while (slice_next(&rest, &item)) {
            size_t before = out->len;
            rows_csv(out, columns, sizeof columns / sizeof columns[0], item);
            rows_json(out, item);
            if (out->len == before)
                abort(); /* an item is a line, whatever it is */
        }
    g_string_free(out, TRUE);
    free(text);
    return 0;
}
