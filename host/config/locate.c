/* A small walk over text that jansson has accepted: it goes into the members that lead to the
 * place and over all others, without recursion. */
#include "config/place.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct walk {
    const char *at, *end;
};

static char peek(const struct walk *w)
{
    return w->at < w->end ? *w->at : '\0';
}

static void skip_space(struct walk *w)
{
    while (w->at < w->end && strchr(" \t\r\n", *w->at) != NULL && *w->at != '\0')
        w->at++;
}

static void skip_string(struct walk *w)
{
    w->at++;
    while (w->at < w->end && *w->at != '"')
        w->at += *w->at == '\\' ? 2 : 1;
    w->at = w->at < w->end ? w->at + 1 : w->end;
}

/* Over one value, up to the comma or bracket that ends it. */
static void skip_value(struct walk *w)
{
    int depth = 0;
    for (char c; (c = peek(w)) != '\0';) {
        if (c == '"') {
            skip_string(w);
            continue;
        }
        if (c == '{' || c == '[')
            depth++;
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return;
        if (c == '}' || c == ']')
            depth--;
        w->at++;
    }
}

/* From one member to the next: false at the end of the object or list. */
static bool next_member(struct walk *w)
{
    skip_value(w);
    if (peek(w) != ',')
        return false;
    w->at++;
    skip_space(w);
    return true;
}

/* Moves w from the value before it to the member; *mark is where the member begins. */
static bool find_key(struct walk *w, const char *key, const char **mark)
{
    size_t size = strlen(key);
    if (peek(w) != '{')
        return false;
    w->at++;
    skip_space(w);
    do {
        const char *begin = w->at;
        if (peek(w) != '"')
            return false;
        skip_string(w);
        bool same = (size_t)(w->at - begin) == size + 2 && memcmp(begin + 1, key, size) == 0;
        skip_space(w);
        if (peek(w) == ':')
            w->at++;
        skip_space(w);
        if (same) {
            *mark = begin;
            return true;
        }
    } while (next_member(w));
    return false;
}

static bool find_index(struct walk *w, size_t index, const char **mark)
{
    if (peek(w) != '[')
        return false;
    w->at++;
    skip_space(w);
    for (size_t i = 0; i < index; i++)
        if (!next_member(w))
            return false;
    *mark = w->at;
    return true;
}

static bool find(struct walk *w, const struct config_place *place, const char **mark)
{
    if (place == NULL)
        return true;
    if (!find(w, place->parent, mark))
        return false;
    return place->key != NULL ? find_key(w, place->key, mark) : find_index(w, place->index, mark);
}

int config_place_line(const struct config_place *place, const char *text, size_t size)
{
    struct walk w = {text, text + size};
    skip_space(&w);
    const char *mark = w.at;
    find(&w, place, &mark);
    int line = 1;
    for (const char *c = text; c < mark; c++)
        line += *c == '\n';
    return line;
}

const char *config_place_text(const struct config_place *place, char out[PLACE_TEXT_SIZE])
{
    out[0] = '\0';
    if (place == NULL)
        return out;
    config_place_text(place->parent, out);
    size_t used = strlen(out);
    if (place->key == NULL)
        snprintf(out + used, PLACE_TEXT_SIZE - used, "[%zu]", place->index);
    else
        snprintf(out + used, PLACE_TEXT_SIZE - used, "%s%s", used > 0 ? "." : "", place->key);
    return out;
}
