/* Questions across runs: a wallet's history, the trend, two runs side by side, what a retention
 * would remove. */
#include <string.h>
#include <sys/time.h>

#include <glib.h>

#include "admin/filters.h"
#include "admin/live.h"
#include "admin/pages.h"
#include "admin/periods.h"
#include "admin/problem.h"
#include "admin/question.h"
#include "admin/routes.h"
#include "utc.h"

static bool is_null(const char *body, size_t size)
{
    return size == 4 && memcmp(body, "null", 4) == 0;
}

/* ---- a wallet ---- */

static void on_wallet(struct request *r, const char *body, size_t size)
{
    if (is_null(body, size))
        request_problem(r, 404, "Wallet not found");
    else
        page_answer(r, body, size);
}

void history_wallet_get(struct request *r)
{
    static const struct question_answers answers = {on_wallet, NULL};
    struct error err;
    json_t *address;
    if (parameter_read(parameter_at(PARAMETER_WALLET), request_capture(r), &address, &err) != 0) {
        request_problem(r, 404, "Wallet not found");
        return;
    }
    json_t *args = question_args(r);
    if (args == NULL) {
        json_decref(address);
        return;
    }
    json_object_set_new(args, "address", address);
    question_ask(r, "wallet", args, &answers);
}

/* ---- two runs ---- */

static void on_comparison(struct request *r, const char *body, size_t size)
{
    if (is_null(body, size))
        request_problem(r, 404, "Run not found");
    else
        page_answer(r, body, size);
}

void history_compare_get(struct request *r)
{
    static const struct question_answers answers = {on_comparison, NULL};
    json_t *args = question_args(r);
    if (args != NULL)
        question_ask(r, "compare", args, &answers);
}

/* ---- the trend ---- */

static enum period period_of(const struct target *t)
{
    const char *name = filters_name(t, PARAMETER_PERIOD);
    return strcmp(name, "day") == 0    ? PERIOD_DAY
           : strcmp(name, "week") == 0 ? PERIOD_WEEK
                                       : PERIOD_MONTH;
}

/* The edges of the periods that are asked for, as the question takes them. */
static json_t *edges_text(const struct target *t, const struct zone *z, int64_t now_us)
{
    int count = filters_count(t, PARAMETER_COUNT);
    int64_t *edges = g_new(int64_t, (gsize)count + 1);
    char instant[UTC_TEXT_SIZE];
    GString *text = g_string_new(NULL);
    periods_edges(z, period_of(t), now_us, count, edges);
    for (int i = 0; i <= count; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", utc_text(edges[i], instant));
    json_t *value = json_string(text->str);
    g_string_free(text, TRUE);
    g_free(edges);
    return value;
}

void history_trend_get(struct request *r)
{
    struct timeval now;
    struct zone *zone;
    struct error err;
    json_t *args = question_args(r);
    if (args == NULL)
        return;
    if (filters_zone(request_target(r), &zone, &err) != 0) {
        json_decref(args);
        request_problem(r, 500, "%s", err.msg);
        return;
    }
    gettimeofday(&now, NULL);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_usec;
    json_object_set_new(args, "edges", edges_text(request_target(r), zone, now_us));
    json_object_set_new(args, "now", live_time(now_us)); /* the same for both */
    zone_close(zone);
    question_ask(r, "trend", args, NULL);
}

/* ---- what would be removed ---- */

/* A rule that is not given is the one of the recorder's configuration. */
void history_retention_get(struct request *r)
{
    json_t *args = question_args(r);
    if (args != NULL)
        question_ask(r, "retention", args, NULL);
}
