/* metric.h: figures on their way to a reader, as JSON or Prometheus text.
 *
 * A set is filled by those who know the figures and printed by the admin API.
 * Thread: loop thread only.
 */
#ifndef METRIC_H
#define METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <walltrack/plugin.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_TEXT };

enum { METRIC_BUCKETS_MAX = 24 };

struct metric {
    enum metric_type type;
    char name[64]; /* snake_case, without the prefix "walltrack_" */
    char help[128];
    char label[2][32]; /* "" when absent */
    char value[2][64];
    union {
        uint64_t counter;
        double gauge;
        struct {
            double bounds[METRIC_BUCKETS_MAX];
            uint64_t counts[METRIC_BUCKETS_MAX + 1];
            uint32_t n;
            double sum;
        } histogram;
        char text[128];
    } u;
};

struct metric_set {
    struct metric *items;
    size_t count, room;
    bool failed; /* out of memory: something is missing */
};

void metric_set_free(struct metric_set *set);

void metric_counter(struct metric_set *set, const wt_metric *m, uint64_t value);
void metric_gauge(struct metric_set *set, const wt_metric *m, double value);
void metric_histogram(struct metric_set *set, const wt_metric *m, const wt_histogram *h);
void metric_text(struct metric_set *set, const wt_metric *m, const char *value);

/* A sink that fills `set`, for a plugin's stats(). */
wt_stats_sink metric_sink(struct metric_set *set);

/* Adds counters and histograms of `from` to those of the same name and label in `into`;
 * gauges and texts replace.  What is new is appended. */
void metric_set_add(struct metric_set *into, const struct metric_set *from);

/* Puts label="value" (the second label) on every item from index `first` on. */
void metric_set_tag(struct metric_set *set, size_t first, const char *label, const char *value);

/* {"name": 1, "name": {"label value": 2, …}, "histogram": {"le": {…}, "count", "sum"}} or NULL. */
json_t *metric_set_json(const struct metric_set *set);
/* Prometheus text exposition format 0.0.4; malloc'd, or NULL. */
char *metric_set_prometheus(const struct metric_set *set, const char *prefix);

#endif
