/* Bytes of any origin as a plugin's file: refused with one printable line, or taken with facts that
 * are strings. */
#include <stdlib.h>
#include <string.h>

#include "elf/elf_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect_printable(const char *text, size_t size)
{
    if (strnlen(text, size) == size)
        abort();
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_facts facts;
    struct error err = {0};
    /* A block of its own, so that a step beyond it is noticed; at an odd address, so that a
     * structure that is read in place is, too. */
    unsigned char *file = malloc(size + 1);
    if (file == NULL)
        return 0;
    memcpy(file + 1, data, size);
    if (elf_check(file + 1, size, &facts, &err) == 0) {
        expect_printable(facts.build_id, sizeof facts.build_id);
        expect_printable(facts.needed, sizeof facts.needed);
    } else {
        expect_printable(err.msg, sizeof err.msg);
        if (err.code == 0 || err.msg[0] == '\0')
            abort();
    }
    free(file);
    return 0;
}
