#include "admin/rows.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#define LINE_END "\r\n"

/* What a cell with quotes around it may hold, and what spreadsheets take for a formula in front. */
static const char to_quote[] = {',', '"', '\r', '\n'};
static const char risky[] = {'=', '+', '-', '@', '\t', '\r'};

/* Copies JSON without the spaces between its parts, so that it is one line. */
static void append_compact(GString *out, struct slice json)
{
    bool quoted = false;
    for (size_t i = 0; i < json.size; i++) {
        char c = json.text[i];
        if (!quoted && (c == ' ' || c == '\n' || c == '\r' || c == '\t'))
            continue;
        g_string_append_c(out, c);
        if (quoted && c == '\\' && i + 1 < json.size)
            g_string_append_c(out, json.text[++i]);
        else if (c == '"')
            quoted = !quoted;
    }
}

/* ---- cells ---- */

static void append_cell(GString *out, const char *text, size_t size)
{
    bool quoted = false;
    for (size_t i = 0; i < size && !quoted; i++)
        quoted = memchr(to_quote, text[i], sizeof to_quote) != NULL;
    if (!quoted) {
        g_string_append_len(out, text, (gssize)size);
        return;
    }
    g_string_append_c(out, '"');
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, text[i]);
    }
    g_string_append_c(out, '"');
}

/* A text of whoever wrote it. */
static void append_text(GString *out, const char *text, size_t size)
{
    if (size == 0 || memchr(risky, text[0], sizeof risky) == NULL) {
        append_cell(out, text, size);
        return;
    }
    GString *safe = g_string_new("'");
    g_string_append_len(safe, text, (gssize)size);
    append_cell(out, safe->str, safe->len);
    g_string_free(safe, TRUE);
}

static void append_string(GString *out, struct slice value)
{
    struct slice plain;
    if (slice_plain_string(value, &plain)) {
        append_text(out, plain.text, plain.size);
        return;
    }
    json_t *string = json_loadb(value.text, value.size, JSON_DECODE_ANY, NULL);
    if (string != NULL)
        append_text(out, json_string_value(string), json_string_length(string));
    json_decref(string);
}

static void append_nested(GString *out, struct slice value)
{
    GString *line = g_string_new(NULL);
    append_compact(line, value);
    append_cell(out, line->str, line->len);
    g_string_free(line, TRUE);
}

static void append_value(GString *out, struct slice value)
{
    if (value.size == 0 || slice_is(value, "null"))
        return;
    if (value.text[0] == '"')
        append_string(out, value);
    else if (value.text[0] == '{' || value.text[0] == '[')
        append_nested(out, value);
    else
        append_cell(out, value.text, value.size);
}

/* ---- lines ---- */

/* The columns of an item, found in one walk through it. */
static void find_columns(const struct column *columns, size_t count, struct slice item,
                         struct slice *found)
{
    struct slice rest, key, value;
    bool good = slice_members(item, &rest);
    while (good && slice_next_member(&rest, &key, &value))
        for (size_t i = 0; i < count; i++) {
            if (columns[i].inside == NULL && slice_is(key, columns[i].name))
                found[i] = value;
            else if (columns[i].inside != NULL && slice_is(key, columns[i].inside))
                slice_member(value, columns[i].name, &found[i]);
        }
}

void rows_header(GString *out, const struct column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(out, "%s%s", i > 0 ? "," : "", columns[i].name);
    g_string_append(out, LINE_END);
}

void rows_csv(GString *out, const struct column *columns, size_t count, struct slice item)
{
    struct slice found[ROWS_COLUMNS_MAX] = {{NULL, 0}};
    assert(count <= ROWS_COLUMNS_MAX);
    find_columns(columns, count, item, found);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        append_value(out, found[i]);
    }
    g_string_append(out, LINE_END);
}

void rows_json(GString *out, struct slice item)
{
    append_compact(out, item);
    g_string_append_c(out, '\n');
}
