#include "metric.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- filling -------------------------------------------------------------------------- */

/* Copies text, cut between two characters of UTF-8, control characters as '?'. */
static void copy_text(char *out, size_t room, const char *text)
{
    size_t n = text != NULL ? strlen(text) : 0;
    if (n >= room) {
        n = room - 1;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
            n--;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
    out[n] = '\0';
}

/* Copies a name; what Prometheus does not allow in one becomes '_'. */
static void copy_name(char *out, size_t room, const char *text)
{
    copy_text(out, room, text);
    for (char *c = out; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
        bool digit = *c >= '0' && *c <= '9';
        if (!letter && !(digit && c != out))
            *c = '_';
    }
}

static struct metric *append(struct metric_set *set)
{
    if (set->count == set->room) {
        size_t room = set->room == 0 ? 32 : set->room * 2;
        struct metric *items = realloc(set->items, room * sizeof *items);
        if (items == NULL) {
            set->failed = true;
            return NULL;
        }
        set->items = items;
        set->room = room;
    }
    struct metric *m = &set->items[set->count++];
    memset(m, 0, sizeof *m);
    return m;
}

static struct metric *add(struct metric_set *set, enum metric_type type, const wt_metric *from)
{
    struct metric *m = append(set);
    if (m == NULL)
        return NULL;
    m->type = type;
    copy_name(m->name, sizeof m->name, from->name);
    copy_text(m->help, sizeof m->help, from->help);
    if (from->label != NULL) {
        copy_name(m->label[0], sizeof m->label[0], from->label);
        copy_text(m->value[0], sizeof m->value[0], from->value);
    }
    return m;
}

void metric_set_free(struct metric_set *set)
{
    free(set->items);
    *set = (struct metric_set){0};
}

void metric_counter(struct metric_set *set, const wt_metric *m, uint64_t value)
{
    struct metric *to = add(set, METRIC_COUNTER, m);
    if (to != NULL)
        to->u.counter = value;
}

void metric_gauge(struct metric_set *set, const wt_metric *m, double value)
{
    struct metric *to = add(set, METRIC_GAUGE, m);
    if (to != NULL)
        to->u.gauge = value;
}

void metric_histogram(struct metric_set *set, const wt_metric *m, const wt_histogram *h)
{
    struct metric *to = add(set, METRIC_HISTOGRAM, m);
    if (to == NULL)
        return;
    uint32_t n = h->n < METRIC_BUCKETS_MAX ? h->n : METRIC_BUCKETS_MAX;
    to->u.histogram.n = n;
    to->u.histogram.sum = h->sum;
    for (uint32_t i = 0; i < n; i++)
        to->u.histogram.bounds[i] = h->bounds[i];
    for (uint32_t i = 0; i <= h->n; i++) /* buckets that do not fit count as above the last */
        to->u.histogram.counts[i < n ? i : n] += h->counts[i];
}

void metric_text(struct metric_set *set, const wt_metric *m, const char *value)
{
    struct metric *to = add(set, METRIC_TEXT, m);
    if (to != NULL)
        copy_text(to->u.text, sizeof to->u.text, value);
}

static void sink_counter(void *user, const wt_metric *m, uint64_t value)
{
    metric_counter(user, m, value);
}

static void sink_gauge(void *user, const wt_metric *m, double value)
{
    metric_gauge(user, m, value);
}

static void sink_histogram(void *user, const wt_metric *m, const wt_histogram *h)
{
    metric_histogram(user, m, h);
}

static void sink_text(void *user, const wt_metric *m, const char *value)
{
    metric_text(user, m, value);
}

wt_stats_sink metric_sink(struct metric_set *set)
{
    return (wt_stats_sink){
        .struct_size = sizeof(wt_stats_sink),
        .user = set,
        .counter = sink_counter,
        .gauge = sink_gauge,
        .histogram = sink_histogram,
        .text = sink_text,
    };
}

/* ---- adding up ------------------------------------------------------------------------ */

static bool same_series(const struct metric *a, const struct metric *b)
{
    if (a->type != b->type || strcmp(a->name, b->name) != 0)
        return false;
    for (int i = 0; i < 2; i++)
        if (strcmp(a->label[i], b->label[i]) != 0 || strcmp(a->value[i], b->value[i]) != 0)
            return false;
    return true;
}

static bool same_bounds(const struct metric *a, const struct metric *b)
{
    if (a->u.histogram.n != b->u.histogram.n)
        return false;
    for (uint32_t i = 0; i < a->u.histogram.n; i++)
        if (a->u.histogram.bounds[i] != b->u.histogram.bounds[i])
            return false;
    return true;
}

static void combine(struct metric *into, const struct metric *from)
{
    if (into->type == METRIC_COUNTER) {
        into->u.counter += from->u.counter;
    } else if (into->type == METRIC_HISTOGRAM && same_bounds(into, from)) {
        for (uint32_t i = 0; i <= from->u.histogram.n; i++)
            into->u.histogram.counts[i] += from->u.histogram.counts[i];
        into->u.histogram.sum += from->u.histogram.sum;
    } else {
        into->u = from->u; /* the newer one: a gauge, a text, or other buckets */
    }
}

void metric_set_add(struct metric_set *into, const struct metric_set *from)
{
    into->failed = into->failed || from->failed;
    for (size_t i = 0; i < from->count; i++) {
        const struct metric *m = &from->items[i];
        size_t k = 0;
        while (k < into->count && !same_series(&into->items[k], m))
            k++;
        if (k < into->count) {
            combine(&into->items[k], m);
            continue;
        }
        struct metric *to = append(into);
        if (to != NULL)
            *to = *m;
    }
}

void metric_set_tag(struct metric_set *set, size_t first, const char *label, const char *value)
{
    for (size_t i = first; i < set->count; i++) {
        copy_name(set->items[i].label[1], sizeof set->items[i].label[1], label);
        copy_text(set->items[i].value[1], sizeof set->items[i].value[1], value);
    }
}

/* ---- JSON ----------------------------------------------------------------------------- */

static const char *bound_text(double bound, char out[32])
{
    snprintf(out, 32, "%.15g", bound);
    return out;
}

static json_t *histogram_json(const struct metric *m)
{
    json_t *le = json_object();
    uint64_t count = 0;
    char bound[32];
    for (uint32_t i = 0; i < m->u.histogram.n; i++) {
        count += m->u.histogram.counts[i];
        json_object_set_new(le, bound_text(m->u.histogram.bounds[i], bound),
                            json_integer((json_int_t)count));
    }
    count += m->u.histogram.counts[m->u.histogram.n];
    json_object_set_new(le, "+Inf", json_integer((json_int_t)count));
    return json_pack("{s:o, s:I, s:f}", "le", le, "count", (json_int_t)count, "sum",
                     isfinite(m->u.histogram.sum) ? m->u.histogram.sum : 0.0);
}

static json_t *value_json(const struct metric *m)
{
    json_t *text;
    switch (m->type) {
    case METRIC_COUNTER:
        return json_integer((json_int_t)m->u.counter);
    case METRIC_GAUGE:
        return isfinite(m->u.gauge) ? json_real(m->u.gauge) : json_null();
    case METRIC_HISTOGRAM:
        return histogram_json(m);
    case METRIC_TEXT:
        break;
    }
    text = json_string(m->u.text);
    return text != NULL ? text : json_string("?"); /* not UTF-8 */
}

/* The object `key` of `parent`, made when there is none. */
static json_t *inner(json_t *parent, const char *key)
{
    json_t *object = json_object_get(parent, key);
    if (json_is_object(object))
        return object;
    object = json_object();
    if (json_object_set_new(parent, key, object) != 0)
        return NULL;
    return object;
}

json_t *metric_set_json(const struct metric_set *set)
{
    json_t *all = json_object();
    for (size_t i = 0; all != NULL && i < set->count; i++) {
        const struct metric *m = &set->items[i];
        json_t *parent = all;
        const char *key = m->name;
        for (int label = 0; label < 2; label++) {
            if (m->label[label][0] == '\0')
                continue;
            parent = inner(parent, key);
            key = m->value[label];
        }
        if (parent == NULL || json_object_set_new(parent, key, value_json(m)) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}

/* ---- Prometheus ----------------------------------------------------------------------- */

static void print_escaped(FILE *out, const char *text, bool quotes)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' || (quotes && *c == '"'))
            fputc('\\', out);
        fputc(*c, out);
    }
}

/* {a="x",b="y",extra="z"}, or nothing without labels. */
static void print_labels(FILE *out, const struct metric *m, const char *extra, const char *value)
{
    char separator = '{';
    for (int i = 0; i < 2; i++) {
        if (m->label[i][0] == '\0')
            continue;
        fprintf(out, "%c%s=\"", separator, m->label[i]);
        print_escaped(out, m->value[i], true);
        fputc('"', out);
        separator = ',';
    }
    if (extra != NULL) {
        fprintf(out, "%c%s=\"", separator, extra);
        print_escaped(out, value, true);
        fputc('"', out);
        separator = ',';
    }
    if (separator == ',')
        fputc('}', out);
}

static void print_number(FILE *out, double number)
{
    if (isnan(number))
        fputs(" NaN\n", out);
    else if (isinf(number))
        fputs(number > 0 ? " +Inf\n" : " -Inf\n", out);
    else
        fprintf(out, " %.15g\n", number);
}

static void print_histogram(FILE *out, const char *name, const struct metric *m)
{
    uint64_t count = 0;
    char bound[32];
    for (uint32_t i = 0; i <= m->u.histogram.n; i++) {
        count += m->u.histogram.counts[i];
        bool last = i == m->u.histogram.n;
        fprintf(out, "%s_bucket", name);
        print_labels(out, m, "le", last ? "+Inf" : bound_text(m->u.histogram.bounds[i], bound));
        fprintf(out, " %" PRIu64 "\n", count);
    }
    fprintf(out, "%s_sum", name);
    print_labels(out, m, NULL, NULL);
    print_number(out, m->u.histogram.sum);
    fprintf(out, "%s_count", name);
    print_labels(out, m, NULL, NULL);
    fprintf(out, " %" PRIu64 "\n", count);
}

static void print_sample(FILE *out, const char *name, const struct metric *m)
{
    if (m->type == METRIC_HISTOGRAM) {
        print_histogram(out, name, m);
        return;
    }
    fputs(name, out);
    print_labels(out, m, m->type == METRIC_TEXT ? "text" : NULL, m->u.text);
    if (m->type == METRIC_COUNTER)
        fprintf(out, " %" PRIu64 "\n", m->u.counter);
    else
        print_number(out, m->type == METRIC_TEXT ? 1 : m->u.gauge);
}

/* Counters end in _total; a text is told by a label of a figure that is always 1. */
static void printed_name(const struct metric *m, const char *prefix, char *out, size_t room)
{
    size_t n = strlen(m->name);
    bool total = n > 6 && strcmp(m->name + n - 6, "_total") == 0;
    const char *suffix = "";
    if (m->type == METRIC_COUNTER && !total)
        suffix = "_total";
    else if (m->type == METRIC_TEXT)
        suffix = "_info";
    snprintf(out, room, "%s%s%s", prefix, m->name, suffix);
}

/* The samples of one name stand together, as the format demands. */
static void print_family(FILE *out, const struct metric_set *set, size_t first, const char *prefix)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "gauge"};
    const struct metric *head = &set->items[first];
    for (size_t i = 0; i < first; i++)
        if (strcmp(set->items[i].name, head->name) == 0)
            return; /* printed, or left out: a name has one type */

    char name[128];
    printed_name(head, prefix, name, sizeof name);
    if (head->help[0] != '\0') {
        fprintf(out, "# HELP %s ", name);
        print_escaped(out, head->help, false);
        fputc('\n', out);
    }
    fprintf(out, "# TYPE %s %s\n", name, types[head->type]);
    for (size_t i = first; i < set->count; i++)
        if (set->items[i].type == head->type && strcmp(set->items[i].name, head->name) == 0)
            print_sample(out, name, &set->items[i]);
}

char *metric_set_prometheus(const struct metric_set *set, const char *prefix)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < set->count; i++)
        print_family(out, set, i, prefix);
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        free(text);
        return NULL;
    }
    return text;
}
