/* The file is unpacked into a window; lines are found and cut there and never copied, except
 * for the piece of a line at the window's end, which moves to its front before more is read.
 * A line that outgrows its limit is dropped as it comes, so the window never has to grow.
 */
#include "tape.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { WINDOW_SIZE = 4 * TAPE_ROW_LIMIT };

struct tape {
    gzFile file;
    struct trade_rules rules;
    struct trade_columns columns;
    uint64_t row;
    size_t start, end; /* what is left of the window */
    bool at_end;       /* of the file                */
    char window[WINDOW_SIZE + 1];
};

struct line {
    char *text; /* NUL-terminated, without its line end; NULL: longer than the limit */
    size_t length;
};

enum line_result { LINE_READ, LINE_END, LINE_BROKEN };

static int fill(struct tape *t, struct error *err)
{
    memmove(t->window, t->window + t->start, t->end - t->start);
    t->end -= t->start;
    t->start = 0;
    int n = gzread(t->file, t->window + t->end, (unsigned)(WINDOW_SIZE - t->end));
    int status;
    const char *why = gzerror(t->file, &status);
    if (n < 0 || (n == 0 && status != Z_OK)) {
        if (status == Z_ERRNO)
            return error_set(err, EIO, "cannot be read: %s", strerror(errno));
        const char *colon = strrchr(why, ':'); /* zlib puts the path in front */
        return error_set(err, EIO, "cannot be unpacked: %s", colon != NULL ? colon + 2 : why);
    }
    t->at_end = n == 0;
    t->end += (size_t)n;
    return 0;
}

/* The end of the line that starts the window (its line feed, or the end of the file), with as
 * much read as that takes.  What is beyond the limit is dropped, and *dropped set. */
static int find_line_end(struct tape *t, char **at, bool *dropped, struct error *err)
{
    size_t searched = 0;
    *dropped = false;
    for (;;) {
        char *from = t->window + t->start;
        *at = memchr(from + searched, '\n', t->end - t->start - searched);
        if (*at == NULL && t->at_end)
            *at = t->window + t->end;
        if (*at != NULL) {
            *dropped = *dropped || *at - from > TAPE_ROW_LIMIT;
            return 0;
        }
        searched = t->end - t->start;
        if (searched > TAPE_ROW_LIMIT) {
            *dropped = true;
            t->start = t->end;
            searched = 0;
        }
        if (fill(t, err) != 0)
            return -1;
    }
}

static enum line_result next_line(struct tape *t, struct line *out, struct error *err)
{
    char *end;
    bool dropped;
    if (find_line_end(t, &end, &dropped, err) != 0)
        return LINE_BROKEN;
    char *text = t->window + t->start;
    bool is_last = end == t->window + t->end;
    if (is_last && end == text && !dropped)
        return LINE_END;

    t->row++;
    t->start = (size_t)(end - t->window) + !is_last;
    if (end > text && end[-1] == '\r')
        end--;
    *end = '\0';
    *out = (struct line){dropped ? NULL : text, dropped ? 0 : (size_t)(end - text)};
    return LINE_READ;
}

static int read_header(struct tape *t, struct error *err)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct line line;
    switch (next_line(t, &line, err)) {
    case LINE_BROKEN:
        return -1;
    case LINE_END:
        return error_set(err, EINVAL, "is empty: a header row is needed");
    case LINE_READ:
        break;
    }
    if (line.text == NULL)
        return error_set(err, EINVAL, "row 1 is longer than %d bytes", TAPE_ROW_LIMIT);
    if (strncmp(line.text, byte_order_mark, 3) == 0) {
        line.text += 3;
        line.length -= 3;
    }
    if (trade_columns(line.text, line.length, &t->rules, &t->columns, err) != 0)
        return error_wrap(err, "row 1");
    return 0;
}

int tape_open(const char *path, const struct trade_rules *rules, struct tape **out,
              struct error *err)
{
    struct tape *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(err, ENOMEM, "out of memory");
    t->rules = *rules;
    t->file = gzopen(path, "rbe");
    if (t->file == NULL) {
        error_set(err, errno, "cannot be opened: %s", strerror(errno));
        goto fail;
    }
    gzbuffer(t->file, TAPE_ROW_LIMIT);
    if (read_header(t, err) != 0)
        goto fail;
    *out = t;
    return 0;

fail:
    tape_close(t);
    return error_wrap(err, "tape %s", path);
}

enum tape_result tape_next(struct tape *t, struct trade *trade, struct error *err)
{
    for (;;) {
        struct line line;
        trade->token = NULL;
        enum line_result found = next_line(t, &line, err);
        if (found != LINE_READ)
            return found == LINE_END ? TAPE_END : TAPE_BROKEN;
        if (line.text == NULL) {
            error_set(err, EINVAL, "is longer than %d bytes", TAPE_ROW_LIMIT);
            return TAPE_BAD_ROW;
        }
        if (line.length == 0)
            continue;
        switch (trade_read(line.text, line.length, &t->columns, &t->rules, trade, err)) {
        case TRADE_READ:
            return TAPE_TRADE;
        case TRADE_BAD:
            return TAPE_BAD_ROW;
        case TRADE_LATER:
            break;
        }
    }
}

uint64_t tape_row(const struct tape *t)
{
    return t->row;
}

void tape_close(struct tape *t)
{
    if (t == NULL)
        return;
    if (t->file != NULL)
        gzclose_r(t->file);
    free(t);
}
