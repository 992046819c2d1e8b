#include "question.h"

#include <ctype.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

static bool is_uuid(const char *text)
{
    static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < sizeof shape; i++)
        if (shape[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != shape[i])
            return false;
    return true;
}

/* "microseconds_id" with so many ids, as the files write it. */
static bool is_place(const char *text, int ids)
{
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 17)
        return false;
    text += digits;
    for (; ids > 1; ids--, text += 37)
        if (strnlen(text, 38) < 38 || text[0] != '_' || text[37] != '_')
            return false;
    return text[0] == '_' && is_uuid(text + 1);
}

static bool is_run_cursor(const char *text)
{
    return is_place(text, 1);
}

static bool is_wallet_cursor(const char *text)
{
    return is_place(text, 2);
}

static bool is_address(const char *text)
{
    size_t size = strlen(text);
    return size >= 1 && size <= 44;
}

static bool is_decimal(const char *text)
{
    size_t sign = text[0] == '-', whole = strspn(text + sign, "0123456789");
    const char *rest = text + sign + whole;
    size_t places = rest[0] == '.' ? strspn(rest + 1, "0123456789") : 0;
    return whole > 0 && whole + places <= 40 && rest[places + (places > 0)] == '\0';
}

static bool is_truth(const char *text)
{
    return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
}

static bool is_side(const char *text)
{
    return strcmp(text, "only_a") == 0 || strcmp(text, "only_b") == 0 || strcmp(text, "both") == 0;
}

static bool are_edges(const char *text)
{
    const char *first = strchr(text, ',');
    return first != NULL && first != text && text[strlen(text) - 1] != ',';
}

static const struct question_kind {
    const char *name;
    int page_size, page_most; /* default and limit; 0: no pages */
    bool (*cursor)(const char *text);
} kinds[] = {
    {"runs", 20, 100, is_run_cursor},
    {"runs_only", 100, 1000, is_run_cursor},
    {"stats", 0, 0, NULL},
    {"trend", 0, 0, NULL},
    {"run", 0, 0, NULL},
    {"run_wallets", 100, 1000, is_uuid},
    {"run_tokens", 100, 1000, is_uuid},
    {"run_errors", 100, 1000, is_uuid},
    {"wallet", 100, 1000, is_run_cursor},
    {"wallets_only", 100, 1000, is_wallet_cursor},
    {"compare", 100, 1000, is_address},
    {"retention", 0, 0, NULL},
};

/* What an argument must look like; one that is not required may be absent.  `name` may be the end
 * of several names. */
static const struct shape {
    const char *name;
    bool (*fits)(const char *text);
    const char *want;
    bool required;
} shapes[] = {
    {"run_id", is_uuid, "an id", true},
    {"a", is_uuid, "an id", true},
    {"b", is_uuid, "an id", true},
    {"address", is_address, "an address of 1 to 44 characters", true},
    {"edges", are_edges, "two or more times with commas between them", true},
    {"side", is_side, "only_a, only_b or both", false},
    {"has_errors", is_truth, "true or false", false},
    {"*_min", is_decimal, "a number", false},
    {"*_max", is_decimal, "a number", false},
};

static const struct question_kind *find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

/* A value as text; NULL for one that is neither text nor a whole number. */
static char *value_text(const json_t *value)
{
    char number[32];
    if (value == NULL || json_is_null(value))
        return strdup("");
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (!json_is_integer(value))
        return NULL;
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return strdup(number);
}

static bool in_range(const char *text, long least, long most)
{
    char *rest;
    long number = strtol(text, &rest, 10);
    return text[0] != '\0' && *rest == '\0' && number >= least && number <= most;
}

static wt_status wrong(const char *name, const char *value, const char *want, char why[WHY_SIZE])
{
    snprintf(why, WHY_SIZE, "%s: \"%.80s\" is not %s", name, value, want);
    return WT_E_ARGUMENT;
}

static bool is_named(const struct shape *s, const char *name)
{
    size_t size = strlen(name), end = strlen(s->name) - 1;
    if (s->name[0] != '*')
        return strcmp(s->name, name) == 0;
    return size > end && strcmp(name + size - end, s->name + 1) == 0;
}

static wt_status check_shape(const char *name, const char *value, char why[WHY_SIZE])
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const struct shape *s = &shapes[i];
        if (is_named(s, name) && (s->required || value[0] != '\0') && !s->fits(value))
            return wrong(name, value, s->want, why);
    }
    return WT_OK;
}

static wt_status check(const struct question_kind *kind, const char *name, const char *value,
                       char why[WHY_SIZE])
{
    char want[64];
    if (strcmp(name, "cursor") == 0 && value[0] != '\0' && !kind->cursor(value))
        return wrong(name, value, "one that an answer gave", why);
    snprintf(want, sizeof want, "a whole number in 1..%d", kind->page_most);
    if (strcmp(name, "page_size") == 0 && !in_range(value, 1, kind->page_most))
        return wrong(name, value, want, why);
    if (strcmp(name, "page") == 0 && value[0] != '\0' && !in_range(value, 1, 100000000))
        return wrong(name, value, "a whole number from 1", why);
    return check_shape(name, value, why);
}

static wt_status take(struct question *q, const struct question_kind *kind, const json_t *args,
                      const char *name, char why[WHY_SIZE])
{
    const json_t *value = json_object_get(args, name);
    char **slot = &q->values[q->n];
    if (value == NULL && strcmp(name, "page_size") == 0)
        *slot = asprintf(slot, "%d", kind->page_size) < 0 ? NULL : *slot;
    else
        *slot = value_text(value);
    if (*slot == NULL) {
        snprintf(why, WHY_SIZE, "%s: neither text nor a whole number", name);
        return WT_E_ARGUMENT;
    }
    q->n++;
    return check(kind, name, *slot, why);
}

wt_status question_parse(const char *name, const char *args, struct question *out,
                         char why[WHY_SIZE])
{
    const struct question_kind *kind = find(name);
    const struct sql_file *file = kind != NULL ? sql_find(name) : NULL;
    char parameter[64];
    json_error_t error;
    if (file == NULL) {
        snprintf(why, WHY_SIZE, "this build does not know the question \"%.80s\"", name);
        return WT_E_UNSUPPORTED;
    }
    json_t *object = json_loads(args, JSON_REJECT_DUPLICATES, &error);
    *out = (struct question){.text = file->text};
    wt_status status = WT_OK;
    if (!json_is_object(object)) {
        snprintf(why, WHY_SIZE, "arguments: %s", object == NULL ? error.text : "not an object");
        status = WT_E_ARGUMENT;
    }
    for (int i = 0; status == WT_OK && i < QUESTION_PARAMS &&
                    sql_parameter(file->text, i, parameter, sizeof parameter) > 0;
         i++)
        status = take(out, kind, object, parameter, why);
    json_decref(object);
    if (status != WT_OK)
        question_free(out);
    return status;
}

void question_free(struct question *q)
{
    for (int i = 0; i < QUESTION_PARAMS; i++)
        free(q->values[i]);
    *q = (struct question){0};
}
