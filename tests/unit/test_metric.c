/* Figures in, JSON and Prometheus text out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "metric.h"

static const wt_metric plain = {"runs", "runs so far", NULL, NULL};
static const wt_metric wallet = {"events", "events taken", "kind", "wallet"};
static const wt_metric token = {"events", "events taken", "kind", "token"};
static const wt_metric took = {"commit_seconds", NULL, NULL, NULL};

static void then_json_is(const struct metric_set *set, const char *expected)
{
    json_t *json = metric_set_json(set);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    assert_string_equal(text, expected);
    free(text);
    json_decref(json);
}

static void then_text_is(const struct metric_set *set, const char *expected)
{
    char *text = metric_set_prometheus(set, "walltrack_");
    assert_string_equal(text, expected);
    free(text);
}

static void add_histogram(struct metric_set *set)
{
    static const double bounds[] = {0.001, 0.1};
    static const uint64_t counts[] = {1, 2, 3};
    const wt_histogram h = {bounds, counts, 2, 1.5};
    metric_histogram(set, &took, &h);
}

static void test_families_stand_together(void **state)
{
    (void)state;
    struct metric_set set = {0};
    metric_counter(&set, &wallet, 7);
    metric_gauge(&set, &plain, 2.5);
    metric_counter(&set, &token, 9);
    then_text_is(&set, "# HELP walltrack_events_total events taken\n"
                       "# TYPE walltrack_events_total counter\n"
                       "walltrack_events_total{kind=\"wallet\"} 7\n"
                       "walltrack_events_total{kind=\"token\"} 9\n"
                       "# HELP walltrack_runs runs so far\n"
                       "# TYPE walltrack_runs gauge\n"
                       "walltrack_runs 2.5\n");
    then_json_is(&set, "{\"events\":{\"token\":9,\"wallet\":7},\"runs\":2.5}");
    metric_set_free(&set);
}

static void test_buckets_are_cumulative(void **state)
{
    (void)state;
    struct metric_set set = {0};
    add_histogram(&set);
    metric_set_tag(&set, 0, "plugin", "recorder");
    then_text_is(&set, "# TYPE walltrack_commit_seconds histogram\n"
                       "walltrack_commit_seconds_bucket{plugin=\"recorder\",le=\"0.001\"} 1\n"
                       "walltrack_commit_seconds_bucket{plugin=\"recorder\",le=\"0.1\"} 3\n"
                       "walltrack_commit_seconds_bucket{plugin=\"recorder\",le=\"+Inf\"} 6\n"
                       "walltrack_commit_seconds_sum{plugin=\"recorder\"} 1.5\n"
                       "walltrack_commit_seconds_count{plugin=\"recorder\"} 6\n");
    metric_set_free(&set);

    add_histogram(&set);
    then_json_is(&set, "{\"commit_seconds\":{\"count\":6,\"le\":{\"+Inf\":6,\"0.001\":1,"
                       "\"0.1\":3},\"sum\":1.5}}");
    metric_set_free(&set);
}

static void test_more_buckets_than_fit_count_as_above(void **state)
{
    (void)state;
    struct metric_set set = {0};
    double bounds[METRIC_BUCKETS_MAX + 6];
    uint64_t counts[METRIC_BUCKETS_MAX + 7];
    for (size_t i = 0; i < METRIC_BUCKETS_MAX + 7; i++)
        counts[i] = 1;
    for (size_t i = 0; i < METRIC_BUCKETS_MAX + 6; i++)
        bounds[i] = (double)i;
    const wt_histogram h = {bounds, counts, METRIC_BUCKETS_MAX + 6, 0};
    metric_histogram(&set, &took, &h);
    assert_int_equal(set.items[0].u.histogram.n, METRIC_BUCKETS_MAX);
    assert_int_equal(set.items[0].u.histogram.counts[METRIC_BUCKETS_MAX], 7);
    metric_set_free(&set);
}

static void test_instances_are_added_up(void **state)
{
    (void)state;
    struct metric_set into = {0}, from = {0};
    metric_counter(&into, &wallet, 7);
    metric_gauge(&into, &plain, 1);
    add_histogram(&into);
    metric_counter(&from, &wallet, 3);
    metric_counter(&from, &token, 1);
    metric_gauge(&from, &plain, 5);
    add_histogram(&from);
    metric_set_add(&into, &from);
    then_json_is(&into, "{\"commit_seconds\":{\"count\":12,\"le\":{\"+Inf\":12,\"0.001\":2,"
                        "\"0.1\":6},\"sum\":3.0},\"events\":{\"token\":1,\"wallet\":10},"
                        "\"runs\":5.0}");
    metric_set_free(&into);
    metric_set_free(&from);
}

static void test_a_plugin_cannot_break_the_format(void **state)
{
    (void)state;
    struct metric_set set = {0};
    const wt_metric odd = {"9 lives{", "a\nb\\", "la bel", "x\"y\\z\n"};
    wt_stats_sink sink = metric_sink(&set);
    sink.gauge(sink.user, &odd, NAN);
    sink.text(sink.user, &plain, "live \"now\"");
    sink.counter(sink.user, &plain, 4); /* the same name with another type is left out */
    then_text_is(&set, "# HELP walltrack___lives_ a?b\\\\\n"
                       "# TYPE walltrack___lives_ gauge\n"
                       "walltrack___lives_{la_bel=\"x\\\"y\\\\z?\"} NaN\n"
                       "# HELP walltrack_runs_info runs so far\n"
                       "# TYPE walltrack_runs_info gauge\n"
                       "walltrack_runs_info{text=\"live \\\"now\\\"\"} 1\n");
    metric_set_free(&set);
}

static void test_long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    struct metric_set set = {0};
    char text[200];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "é", 3);
    metric_text(&set, &plain, text);
    json_t *json = metric_set_json(&set);
    const char *kept = json_string_value(json_object_get(json, "runs"));
    assert_non_null(kept);
    assert_int_equal(strlen(kept), 126);
    json_decref(json);
    metric_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families_stand_together),
        cmocka_unit_test(test_buckets_are_cumulative),
        cmocka_unit_test(test_more_buckets_than_fit_count_as_above),
        cmocka_unit_test(test_instances_are_added_up),
        cmocka_unit_test(test_a_plugin_cannot_break_the_format),
        cmocka_unit_test(test_long_texts_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
