/* links: plugin_host */
/* What is remembered of builds, from a setting that may hold anything: it is read, and what is
 * written of it reads the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/choice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *read_and_write(const char *text)
{
    struct choice *c = choice_read(text);
    if (c == NULL)
        abort();
    (void)choice_at_start(c, "recorder.so", c->good.sha256);
    choice_push_before(c, &c->candidate);
    choice_pop_before(c, c->good.sha256);
    choice_note_swap(c, NULL);
    char *out = choice_text(c);
    choice_free(c);
    return out;
}

static char *as_it_is(const char *text)
{
    struct choice *c = choice_read(text);
    if (c == NULL)
        abort();
    char *out = choice_text(c);
    choice_free(c);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    char *once = read_and_write(text);
    if (once != NULL) {
        char *twice = as_it_is(once);
        if (twice == NULL || strcmp(once, twice) != 0)
            abort();
        free(twice);
    }
    free(once);
    free(text);
    return 0;
}
