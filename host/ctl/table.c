#include "ctl/table.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/bars.h"
#include "ctl/shown.h"

enum { GAP = 2, FLEXIBLE_MIN = 8, CELL_BYTES_MAX = 4096, BELOW_INDENT = 4, BAR_MIN = 6 };

struct cell {
    char *text;
    double bar; /* of a bar column, which has no text */
    enum colour colour;
};

/* Which columns stand side by side, and how wide. */
struct layout {
    size_t limit, columns; /* columns from this one on go below */
    size_t widths[TABLE_COLUMNS_MAX];
    bool hidden[TABLE_COLUMNS_MAX];
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

static void add_cell(struct table *t, struct cell cell)
{
    if (t->count == t->room) {
        size_t room = t->room == 0 ? 64 : t->room * 2;
        struct cell *cells = realloc(t->cells, room * sizeof *cells);
        if (cells == NULL) {
            t->failed = true;
            free(cell.text);
            return;
        }
        t->cells = cells;
        t->room = room;
    }
    t->cells[t->count++] = cell;
}

void table_add(struct table *t, const char *text, enum colour colour)
{
    if (t == NULL || t->failed)
        return;
    char *copy = strdup(text != NULL && text[0] != '\0' ? text : "-");
    if (copy == NULL)
        t->failed = true;
    else
        add_cell(t, (struct cell){.text = copy, .colour = colour});
}

void table_add_bar(struct table *t, double fraction)
{
    if (t != NULL && !t->failed)
        add_cell(t, (struct cell){.bar = fraction});
}

/* ---- layout ---- */

static size_t width_of(const struct table *t, size_t column)
{
    size_t widest = shown_width(t->columns[column].title);
    for (size_t i = column; i < t->count; i += t->width) {
        size_t width = t->cells[i].text != NULL ? shown_width(t->cells[i].text) : 0;
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* What a line takes. */
static size_t total_of(const struct layout *l)
{
    size_t total = 0;
    for (size_t c = 0; c < l->columns; c++)
        if (!l->hidden[c])
            total += l->widths[c] + (total > 0 ? GAP : 0);
    return total;
}

/* The widest flexible column gives way, one by one. */
static void shrink(const struct table *t, struct layout *l)
{
    for (size_t total = total_of(l); total > l->limit; total--) {
        size_t widest = l->columns;
        for (size_t c = 0; c < l->columns; c++)
            if (t->columns[c].flexible && l->widths[c] > FLEXIBLE_MIN &&
                (widest == l->columns || l->widths[c] > l->widths[widest]))
                widest = c;
        if (widest == l->columns)
            return;
        l->widths[widest]--;
    }
}

static size_t bars_of(const struct table *t)
{
    size_t bars = 0;
    for (size_t c = 0; c < t->width; c++)
        bars += t->columns[c].bar;
    return bars;
}

/* Bars have what the others leave. */
static void make_room_for_bars(const struct table *t, struct layout *l)
{
    size_t total = total_of(l);
    for (size_t c = 0; c < l->columns; c++) {
        if (!t->columns[c].bar || total + GAP + BAR_MIN > l->limit)
            continue;
        size_t room = l->limit - total - GAP;
        l->widths[c] = room < BAR_COLUMNS_MAX ? room : BAR_COLUMNS_MAX;
        l->hidden[c] = false;
        total += GAP + l->widths[c];
    }
}

/* Leaves out what it may, the last first, until `room` is free.  Room for bars that there cannot be
 * costs no column. */
static bool leave_out(const struct table *t, struct layout *l, size_t room)
{
    struct layout less = *l;
    for (size_t c = t->width; c > 0 && total_of(&less) + room > l->limit; c--)
        less.hidden[c - 1] = less.hidden[c - 1] || t->columns[c - 1].wide;
    bool enough = total_of(&less) + room <= l->limit;
    if (enough || room == 0)
        *l = less;
    return enough;
}

static void lay_out(const struct table *t, size_t width, struct layout *l)
{
    *l = (struct layout){.limit = width > 0 ? width : (size_t)-1 / 2, .columns = t->width};
    for (size_t c = 0; c < t->width; c++) {
        l->widths[c] = width_of(t, c);
        l->hidden[c] = t->columns[c].bar;
    }
    if (width == 0 || !leave_out(t, l, bars_of(t) * (GAP + BAR_MIN)))
        leave_out(t, l, 0);
    if (total_of(l) > l->limit)
        while (l->columns > 0 && t->columns[l->columns - 1].below)
            l->columns--;
    if (width > 0)
        make_room_for_bars(t, l);
    shrink(t, l);
}

/* ---- lines ---- */

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

static bool is_last(const struct layout *l, size_t column)
{
    while (++column < l->columns)
        if (!l->hidden[column])
            return false;
    return true;
}

static void print_line(const struct table *t, FILE *out, const struct layout *l,
                       const struct cell *cells, bool colours)
{
    size_t left = l->limit;
    bool first = true;
    for (size_t c = 0; c < l->columns; c++) {
        char bar[BAR_SIZE];
        if (l->hidden[c])
            continue;
        const char *text = cells == NULL           ? t->columns[c].title
                           : cells[c].text != NULL ? cells[c].text
                                                   : bar_text(cells[c].bar, l->widths[c], bar);
        enum colour colour = cells != NULL ? cells[c].colour : COLOUR_BOLD;
        bool coloured = colours && colour != COLOUR_NONE;
        if (!first)
            print_gap(out, &left);
        first = false;
        print_cell(out, text, l->widths[c], t->columns[c].right, is_last(l, c),
                   colour_code(colour, coloured), colour_code(COLOUR_NONE, coloured), &left);
    }
    fputc('\n', out);
}

static void print_below(const struct table *t, FILE *out, const struct layout *l,
                        const struct cell *cells)
{
    for (size_t c = l->columns; c < t->width; c++) {
        if (cells[c].text == NULL || strcmp(cells[c].text, "-") == 0)
            continue;
        fprintf(out, "%*s", BELOW_INDENT, "");
        shown_paragraph(out, cells[c].text, l->limit, BELOW_INDENT);
    }
}

int table_print(const struct table *t, FILE *out, size_t width, bool colours)
{
    struct layout layout;
    if (t == NULL || t->failed)
        return -1;
    lay_out(t, width, &layout);
    print_line(t, out, &layout, NULL, colours);
    for (size_t i = 0; i + t->width <= t->count; i += t->width) {
        print_line(t, out, &layout, &t->cells[i], colours);
        print_below(t, out, &layout, &t->cells[i]);
    }
    return 0;
}
