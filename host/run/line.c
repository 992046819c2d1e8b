#include "run/line.h"

#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/lines.h"

/* ---- what fields may hold ---- */

static bool is_absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

/* Shows a value in an error, shortened. */
static int refuse(struct error *err, const char *field, const json_t *value, const char *why)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    error_set(err, EINVAL, "%s: %.80s %s", field, text != NULL ? text : "the value", why);
    free(text);
    return -1;
}

/* Printable, no spaces, 1 to 44 characters: addresses are opaque, not every chain is base58. */
static int read_address(const json_t *object, const char *field, bool required, const char **out,
                        struct error *err)
{
    const json_t *value = json_object_get(object, field);
    if (is_absent(value))
        return required ? error_set(err, EINVAL, "%s: missing", field) : 0;
    if (!json_is_string(value))
        return refuse(err, field, value, "is not a string");
    const char *text = json_string_value(value);
    if (text[0] == '\0')
        return error_set(err, EINVAL, "%s: empty", field);
    if (g_utf8_strlen(text, -1) > ADDRESS_CHARACTERS_MAX)
        return refuse(err, field, value, "has more than 44 characters");
    for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
        if (!g_unichar_isgraph(g_utf8_get_char(c)))
            return refuse(err, field, value, "has a space or an unprintable character");
    *out = text;
    return 0;
}

static int read_text(const json_t *object, const char *field, glong characters_max,
                     const char **out, struct error *err)
{
    const json_t *value = json_object_get(object, field);
    if (is_absent(value))
        return 0;
    if (!json_is_string(value))
        return refuse(err, field, value, "is not a string");
    if (g_utf8_strlen(json_string_value(value), -1) > characters_max)
        return error_set(err, EINVAL, "%s: more than %ld characters", field, characters_max);
    *out = json_string_value(value);
    return 0;
}

static int read_number(const json_t *object, const char *field, double *out, struct error *err)
{
    const json_t *value = json_object_get(object, field);
    *out = NAN;
    if (is_absent(value))
        return 0;
    if (!json_is_number(value))
        return refuse(err, field, value, "is not a number");
    *out = json_number_value(value);
    return isfinite(*out) ? 0 : refuse(err, field, value, "is not finite");
}

/* ---- the kinds ---- */

static int read_token(const json_t *object, struct line *l, struct error *err)
{
    wt_token *t = &l->u.token;
    *t = (wt_token){.struct_size = sizeof *t};
    if (read_address(object, "token", true, &t->token, err) != 0 ||
        read_text(object, "symbol", SYMBOL_CHARACTERS_MAX, &t->symbol, err) != 0 ||
        read_number(object, "price_change_pct", &t->price_change_pct, err) != 0 ||
        read_number(object, "volume_usd", &t->volume_usd, err) != 0)
        return -1;
    return 0;
}

static int read_is_new(const json_t *object, wt_wallet *w, struct error *err)
{
    const json_t *value = json_object_get(object, "is_new");
    w->is_new = -1;
    if (is_absent(value))
        return 0;
    if (!json_is_boolean(value))
        return refuse(err, "is_new", value, "is not true or false");
    w->is_new = json_is_true(value) ? 1 : 0;
    return 0;
}

static int read_score(const json_t *object, wt_wallet *w, struct error *err)
{
    double score;
    w->score_e4 = WT_NO_SCORE;
    if (read_number(object, "initial_score", &score, err) != 0)
        return -1;
    if (isnan(score))
        return 0;
    if (score < 0 || score > 1)
        return refuse(err, "initial_score", json_object_get(object, "initial_score"),
                      "is outside 0..1");
    w->score_e4 = (int32_t)lround(score * 10000);
    return 0;
}

static int depth_of(const json_t *value, int limit)
{
    int deepest = 0;
    const char *key;
    json_t *child;
    size_t i;
    if (limit == 0)
        return 1;
    if (json_is_object(value)) {
        json_object_foreach ((json_t *)value, key, child) {
            int depth = depth_of(child, limit - 1);
            deepest = depth > deepest ? depth : deepest;
        }
    } else if (json_is_array(value)) {
        json_array_foreach (value, i, child) {
            int depth = depth_of(child, limit - 1);
            deepest = depth > deepest ? depth : deepest;
        }
    } else {
        return 0;
    }
    return deepest + 1;
}

static int read_profile(const json_t *object, struct line *l, struct error *err)
{
    const json_t *value = json_object_get(object, "profile");
    if (is_absent(value))
        return 0;
    if (!json_is_object(value))
        return refuse(err, "profile", value, "is not an object");
    if (depth_of(value, PROFILE_DEPTH_MAX + 1) > PROFILE_DEPTH_MAX)
        return error_set(err, EINVAL, "profile: nested deeper than %d", PROFILE_DEPTH_MAX);
    /* 15 digits give back every decimal as it was written, without 0.10000000000000001. */
    l->profile = json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (l->profile == NULL)
        return error_set(err, ENOMEM, "profile: out of memory");
    l->u.wallet.profile = l->profile;
    l->u.wallet.profile_size = (uint32_t)strlen(l->profile);
    return 0;
}

static int read_wallet(const json_t *object, struct line *l, struct error *err)
{
    wt_wallet *w = &l->u.wallet;
    *w = (wt_wallet){.struct_size = sizeof *w};
    if (read_address(object, "wallet_address", true, &w->address, err) != 0 ||
        read_address(object, "source_token", true, &w->source_token, err) != 0 ||
        read_is_new(object, w, err) != 0 || read_score(object, w, err) != 0 ||
        read_profile(object, l, err) != 0)
        return -1;
    return 0;
}

/* Cuts at a character's start, so that what remains is still UTF-8. */
static void cut_message(char *text)
{
    if (strlen(text) <= ERROR_MESSAGE_MAX)
        return;
    char *end = text + ERROR_MESSAGE_MAX;
    while (((unsigned char)*end & 0xc0) == 0x80)
        end--;
    *end = '\0';
}

static int read_error(const json_t *object, struct line *l, struct error *err)
{
    wt_run_error *e = &l->u.error;
    *e = (wt_run_error){.struct_size = sizeof *e};
    if (read_text(object, "message", LINE_SIZE_MAX, &e->message, err) != 0 ||
        read_address(object, "token", false, &e->token, err) != 0 ||
        read_text(object, "code", CODE_CHARACTERS_MAX, &e->code, err) != 0)
        return -1;
    if (e->message == NULL)
        return error_set(err, EINVAL, "message: missing");
    cut_message((char *)e->message); /* the document is ours alone */
    return 0;
}

static int read_count(const json_t *object, const char *field, int64_t absent, int64_t *out,
                      struct error *err)
{
    const json_t *value = json_object_get(object, field);
    *out = absent;
    if (is_absent(value))
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return refuse(err, field, value, "is not a count");
    *out = json_integer_value(value);
    return 0;
}

static int read_progress(const json_t *object, struct line *l, struct error *err)
{
    l->u.progress.stage = NULL;
    if (read_count(object, "done", 0, &l->u.progress.done, err) != 0 ||
        read_count(object, "total", -1, &l->u.progress.total, err) != 0 ||
        read_text(object, "stage", STAGE_CHARACTERS_MAX, &l->u.progress.stage, err) != 0)
        return -1;
    return 0;
}

static const struct {
    const char *name;
    enum line_kind kind;
    int (*read)(const json_t *object, struct line *l, struct error *err);
} kinds[] = {
    {"token", LINE_TOKEN, read_token},
    {"wallet", LINE_WALLET, read_wallet},
    {"error", LINE_ERROR, read_error},
    {"progress", LINE_PROGRESS, read_progress},
};

static int read_object(const json_t *object, struct line *l, struct error *err)
{
    const json_t *event = json_object_get(object, "event");
    if (is_absent(event))
        return error_set(err, EINVAL, "event: missing");
    if (!json_is_string(event))
        return refuse(err, "event", event, "is not a string");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(json_string_value(event), kinds[i].name) == 0) {
            l->kind = kinds[i].kind;
            return kinds[i].read(object, l, err);
        }
    }
    return refuse(err, "event", event, "is not one of token, wallet, error, progress");
}

int line_parse(char *text, size_t size, struct line *out, struct error *err)
{
    if (line_scan_wallet(text, size, out))
        return 0;
    json_error_t why;
    struct line l = {.document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why)};
    if (l.document == NULL)
        return error_set(err, EINVAL, "not JSON: %s at byte %d", why.text, why.position);
    int status = json_is_object(l.document) ? read_object(l.document, &l, err)
                                            : error_set(err, EINVAL, "not a JSON object");
    if (status != 0)
        line_release(&l);
    else
        *out = l;
    return status;
}

void line_release(struct line *l)
{
    json_decref(l->document);
    free(l->profile);
}
