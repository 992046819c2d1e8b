#include "admin/slice.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Drops n bytes at the front. */
static void skip(struct slice *s, size_t n)
{
    s->text += n;
    s->size -= n;
}

/* Drops spaces, and commas or colons between values. */
static void skip_between(struct slice *s, char mark)
{
    while (s->size > 0 && (is_space(s->text[0]) || s->text[0] == mark))
        skip(s, 1);
}

/* Bytes of the string at the front, with its quotes; 0 when it does not end. */
static size_t string_size(struct slice s)
{
    for (size_t i = 1; i < s.size; i++) {
        if (s.text[i] == '\\')
            i++;
        else if (s.text[i] == '"')
            return i + 1;
    }
    return 0;
}

/* Bytes of the object or array at the front; 0 when it does not end. */
static size_t nested_size(struct slice s)
{
    size_t depth = 0;
    for (size_t i = 0; i < s.size; i++) {
        char c = s.text[i];
        if (c == '"') {
            size_t n = string_size((struct slice){s.text + i, s.size - i});
            if (n == 0)
                return 0;
            i += n - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return i + 1;
        }
    }
    return 0;
}

static size_t word_size(struct slice s)
{
    size_t n = 0;
    while (n < s.size && !is_space(s.text[n]) && strchr(",:]}\"", s.text[n]) == NULL)
        n++;
    return n;
}

/* Takes the value at the front off. */
static bool take_value(struct slice *s, struct slice *out)
{
    if (s->size == 0)
        return false;
    char c = s->text[0];
    size_t n = c == '"' ? string_size(*s) : c == '{' || c == '[' ? nested_size(*s) : word_size(*s);
    *out = (struct slice){s->text, n};
    skip(s, n);
    return n > 0;
}

/* What is between the brackets of the kind that begins with `open`. */
static bool inside(struct slice s, char open, struct slice *out)
{
    skip_between(&s, ' ');
    if (s.size == 0 || s.text[0] != open || !take_value(&s, out) || out->size < 2)
        return false;
    *out = (struct slice){out->text + 1, out->size - 2};
    return true;
}

bool slice_members(struct slice object, struct slice *rest)
{
    return inside(object, '{', rest);
}

bool slice_next_member(struct slice *rest, struct slice *key, struct slice *value)
{
    struct slice name;
    skip_between(rest, ',');
    if (!take_value(rest, &name) || name.size < 2)
        return false;
    skip_between(rest, ':');
    *key = (struct slice){name.text + 1, name.size - 2};
    return take_value(rest, value);
}

bool slice_member(struct slice object, const char *key, struct slice *out)
{
    struct slice rest, name, value;
    if (!slice_members(object, &rest))
        return false;
    while (slice_next_member(&rest, &name, &value))
        if (slice_is(name, key)) {
            *out = value;
            return true;
        }
    return false;
}

bool slice_items(struct slice array, struct slice *rest)
{
    return inside(array, '[', rest);
}

bool slice_next(struct slice *rest, struct slice *item)
{
    skip_between(rest, ',');
    return take_value(rest, item);
}

bool slice_is(struct slice s, const char *text)
{
    return s.size == strlen(text) && memcmp(s.text, text, s.size) == 0;
}

bool slice_plain_string(struct slice s, struct slice *out)
{
    if (s.size < 2 || s.text[0] != '"' || memchr(s.text, '\\', s.size) != NULL)
        return false;
    *out = (struct slice){s.text + 1, s.size - 2};
    return true;
}
