#include "ctl/table.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/shown.h"

enum { GAP = 2, FLEXIBLE_MIN = 8, CELL_BYTES_MAX = 4096, BELOW_INDENT = 4 };

struct cell {
    char *text;
    enum colour colour;
};

struct table {
    const struct table_column *columns;
    size_t width; /* in columns */
    struct cell *cells;
    size_t count, room;
    bool failed;
};

const char *colour_code(enum colour colour, bool colours)
{
    static const char *const codes[] = {"\033[0m",  "\033[31m", "\033[32m",
                                        "\033[33m", "\033[36m", "\033[1m"};
    return colours ? codes[colour] : "";
}

struct table *table_new(const struct table_column *columns, size_t count)
{
    struct table *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->columns = columns;
    t->width = count;
    return t;
}

void table_free(struct table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i].text);
    free(t->cells);
    free(t);
}

void table_add(struct table *t, const char *text, enum colour colour)
{
    if (t == NULL || t->failed)
        return;
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 64 : t->room * 2;
        struct cell *cells = realloc(t->cells, room * sizeof *cells);
        if (cells == NULL) {
            t->failed = true;
            return;
        }
        t->cells = cells;
        t->room = room;
    }
    char *copy = strdup(text != NULL && text[0] != '\0' ? text : "-");
    if (copy == NULL)
        t->failed = true;
    else
        t->cells[t->count++] = (struct cell){copy, colour};
}

/* The widths of the first columns, and of all that a line of them takes. */
static size_t measure(const struct table *t, size_t columns, size_t widths[])
{
    size_t total = 0;
    for (size_t c = 0; c < columns; c++) {
        widths[c] = shown_width(t->columns[c].title);
        for (size_t i = c; i < t->count; i += t->width) {
            size_t width = shown_width(t->cells[i].text);
            widths[c] = width > widths[c] ? width : widths[c];
        }
        total += widths[c] + (c > 0 ? GAP : 0);
    }
    return total;
}

/* The widest flexible column gives way, one by one. */
static void shrink(const struct table *t, size_t columns, size_t widths[], size_t total,
                   size_t limit)
{
    while (total > limit) {
        size_t widest = columns;
        for (size_t c = 0; c < columns; c++)
            if (t->columns[c].flexible && widths[c] > FLEXIBLE_MIN &&
                (widest == columns || widths[c] > widths[widest]))
                widest = c;
        if (widest == columns)
            return;
        widths[widest]--;
        total--;
    }
}

/* Prints one cell; `left` is what the line may still take. */
static void print_cell(FILE *out, const char *text, size_t width, bool right, bool last,
                       const char *start, const char *end, size_t *left)
{
    char shown[CELL_BYTES_MAX];
    size_t allowed = width < *left ? width : *left;
    size_t used = shown_cut(text, allowed, shown, sizeof shown);
    size_t padding = allowed - used;
    if (right)
        fprintf(out, "%*s", (int)padding, "");
    fprintf(out, "%s%s%s", start, shown, end);
    if (!right && !last)
        fprintf(out, "%*s", (int)padding, "");
    *left -= allowed;
}

static void print_gap(FILE *out, size_t *left)
{
    size_t gap = *left < GAP ? *left : GAP;
    fprintf(out, "%*s", (int)gap, "");
    *left -= gap;
}

static void print_line(const struct table *t, FILE *out, size_t columns, const size_t widths[],
                       size_t limit, const struct cell *cells, bool colours)
{
    size_t left = limit;
    for (size_t c = 0; c < columns; c++) {
        const char *text = cells != NULL ? cells[c].text : t->columns[c].title;
        enum colour colour = cells != NULL ? cells[c].colour : COLOUR_BOLD;
        bool coloured = colours && colour != COLOUR_NONE;
        if (c > 0)
            print_gap(out, &left);
        print_cell(out, text, widths[c], t->columns[c].right, c + 1 == columns,
                   colour_code(colour, coloured), colour_code(COLOUR_NONE, coloured), &left);
    }
    fputc('\n', out);
}

static void print_below(const struct table *t, FILE *out, size_t columns, size_t limit,
                        const struct cell *cells)
{
    for (size_t c = columns; c < t->width; c++) {
        if (strcmp(cells[c].text, "-") == 0)
            continue;
        fprintf(out, "%*s", BELOW_INDENT, "");
        shown_paragraph(out, cells[c].text, limit, BELOW_INDENT);
    }
}

int table_print(const struct table *t, FILE *out, size_t width, bool colours)
{
    size_t widths[TABLE_COLUMNS_MAX];
    if (t == NULL || t->failed)
        return -1;
    size_t limit = width > 0 ? width : (size_t)-1 / 2;
    size_t columns = t->width;
    if (measure(t, columns, widths) > limit)
        while (columns > 0 && t->columns[columns - 1].below)
            columns--;
    shrink(t, columns, widths, measure(t, columns, widths), limit);
    print_line(t, out, columns, widths, limit, NULL, colours);
    for (size_t i = 0; i + t->width <= t->count; i += t->width) {
        print_line(t, out, columns, widths, limit, &t->cells[i], colours);
        print_below(t, out, columns, limit, &t->cells[i]);
    }
    return 0;
}
