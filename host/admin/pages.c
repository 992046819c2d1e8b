#include "admin/pages.h"

#include <inttypes.h>
#include <string.h>

#include <glib.h>

#include "admin/filters.h"
#include "admin/slice.h"

/* libmicrohttpd has to find room for the header beside the request's own. */
enum { LINKS_MAX = 8192 };

/* ---- addresses ---- */

static void add_parameter(GString *uri, const char *name, const char *value)
{
    g_string_append_c(uri, strchr(uri->str, '?') == NULL ? '?' : '&');
    g_string_append_uri_escaped(uri, name, NULL, FALSE);
    g_string_append_c(uri, '=');
    g_string_append_uri_escaped(uri, value, NULL, FALSE);
}

/* The request's own, without its page. */
static GString *first_page(const struct target *t)
{
    GString *uri = g_string_new(NULL);
    for (size_t i = 0; i < t->segments; i++) {
        g_string_append_c(uri, '/');
        g_string_append_uri_escaped(uri, t->segment[i], NULL, FALSE);
    }
    for (size_t i = 0; i < t->parameters; i++)
        if (strcmp(t->parameter[i].name, "page") != 0 &&
            strcmp(t->parameter[i].name, "cursor") != 0)
            add_parameter(uri, t->parameter[i].name, t->parameter[i].value);
    return uri;
}

/* ---- links ---- */

/* Adds the link to the first page, or to the one that `name` and `value` lead to. */
static void add_link(GString *links, const struct target *t, const char *relation, const char *name,
                     const char *value)
{
    GString *uri = first_page(t);
    if (name != NULL)
        add_parameter(uri, name, value);
    if (links->len + uri->len + 32 < LINKS_MAX)
        g_string_append_printf(links, "%s<%s>; rel=\"%s\"", links->len > 0 ? ", " : "", uri->str,
                               relation);
    g_string_free(uri, TRUE);
}

static void add_number(GString *links, const struct target *t, const char *relation, int page)
{
    char number[16];
    snprintf(number, sizeof number, "%d", page);
    add_link(links, t, relation, "page", number);
}

static void add_next(GString *links, const struct target *t, struct slice body)
{
    struct slice next;
    json_t *cursor = slice_member(body, "next_cursor", &next)
                         ? json_loadb(next.text, next.size, JSON_DECODE_ANY, NULL)
                         : NULL;
    if (json_is_string(cursor))
        add_link(links, t, "next", "cursor", json_string_value(cursor));
    json_decref(cursor);
}

/* Who asked for a page by its number gets numbers; all others cursors, which neither skip nor
 * repeat when runs are added meanwhile. */
static void add_links(GString *links, const struct target *t, struct slice body)
{
    struct slice more;
    int page = filters_count(t, PARAMETER_PAGE);
    bool numbered = target_parameter(t, "page") != NULL;
    if (!numbered)
        add_next(links, t, body);
    else if (slice_member(body, "has_more", &more) && slice_is(more, "true"))
        add_number(links, t, "next", page + 1);
    add_link(links, t, "first", NULL, NULL);
    if (numbered && page > 1)
        add_number(links, t, "prev", page - 1);
}

void page_answer(struct request *r, const char *body, size_t size)
{
    GString *links = g_string_new(NULL);
    add_links(links, request_target(r), (struct slice){body, size});
    if (links->len > 0)
        request_set_header(r, "Link", links->str);
    request_answer_copy(r, 200, "application/json", body, size);
    g_string_free(links, TRUE);
}
