#include "admin/printable.h"

#include <stdbool.h>

#include <glib.h>

int printable_length(const char *text)
{
    int n = 0;
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f;
        if (*c < 0x20 || *c == 0x7f || c1)
            return -1;
        n += (*c & 0xc0) != 0x80;
    }
    return n;
}

int printable_word_length(const char *text)
{
    int n = 0;
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c), n++)
        if (!g_unichar_isgraph(g_utf8_get_char(c)))
            return -1;
    return n;
}
