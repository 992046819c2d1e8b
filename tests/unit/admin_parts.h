/* admin_parts.h: the parts that the admin API speaks about, played by a test, so that each of their
 * answers can be had.
 */
#ifndef ADMIN_PARTS_H
#define ADMIN_PARTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "admin/server.h"
#include "ids.h"
#include "plugin/swap.h"

static struct {
    int start_error; /* errno of the next runs_start(), 0: it works */
    bool start_late; /* `started` is called by the test             */
    int starts;
    char triggered_by[101];
    uint8_t trigger;
    wt_params params;
    run_started started;
    void *started_arg;
    wt_uuid run_id;

    struct run_view view; /* what runs_find() knows */
    struct run_request view_request;
    bool has_view;
    int cancel_error;

    wt_status answer_status;
    const char *answer;
    char *(*answer_to)(const char *name, const char *args); /* malloc'd; NULL: see `answer` */
    bool answer_never, no_plugin;
    int questions;
    char asked[32], args[16384];
    int cancelled;

    bool has_schedule;
    struct schedule_view schedule;
    struct schedule_change change;

    bool plugin_live, journal_full, stopping;

    struct swap *swap;
    enum swap_verdict verdict; /* of the next order; NONE: it is never given */
} play;

static uv_loop_t loop;
static uv_timer_t later;

static inline void on_later_started(uv_timer_t *timer)
{
    (void)timer;
    play.started(play.started_arg, &play.run_id, NULL);
}

int runs_start(struct runs *r, const struct run_request *request, run_started started, void *arg,
               wt_uuid *id, struct error *err)
{
    (void)r;
    if (play.start_error != 0)
        return error_set(err, play.start_error, "refused by the play");
    play.starts++;
    snprintf(play.triggered_by, sizeof play.triggered_by, "%s", request->triggered_by);
    play.trigger = request->trigger;
    play.params = request->params;
    play.run_id = *id = id_make();
    play.started = started;
    play.started_arg = arg;
    if (!play.start_late)
        uv_timer_start(&later, on_later_started, 0, 0);
    return 0;
}

int runs_cancel(struct runs *r, const wt_uuid *id, const char *by, struct error *err)
{
    (void)r, (void)id, (void)by;
    return play.cancel_error == 0 ? 0 : error_set(err, play.cancel_error, "no");
}

const struct run_view *runs_find(const struct runs *r, const wt_uuid *id)
{
    (void)r;
    return play.has_view && id_equal(id, &play.view.id) ? &play.view : NULL;
}

size_t runs_running(const struct runs *r)
{
    (void)r;
    return 0;
}

void runs_stats(const struct runs *r, struct runs_stats *out)
{
    (void)r;
    *out = (struct runs_stats){.started = 3, .completed = 2};
}

struct plugins_question {
    plugins_answer answer;
    void *arg;
    char *body;
    uv_timer_t timer;
};

static inline void free_question(uv_handle_t *handle)
{
    struct plugins_question *q = handle->data;
    free(q->body);
    free(q);
}

static inline void on_answer_time(uv_timer_t *timer)
{
    struct plugins_question *q = timer->data;
    const char *answer = q->body != NULL ? q->body : play.answer;
    const char *body = play.answer_status == WT_OK ? answer : NULL;
    q->answer(q->arg, play.answer_status, body == NULL ? answer : NULL, body,
              body != NULL ? strlen(body) : 0);
    uv_close((uv_handle_t *)timer, free_question);
}

struct plugins_question *plugins_ask(struct plugins *p, const char *name, const char *args,
                                     uint64_t timeout_ms, plugins_answer answer, void *arg)
{
    (void)p, (void)timeout_ms;
    if (play.no_plugin)
        return NULL;
    snprintf(play.asked, sizeof play.asked, "%s", name);
    snprintf(play.args, sizeof play.args, "%s", args);
    play.questions++;
    struct plugins_question *q = calloc(1, sizeof *q);
    q->answer = answer;
    q->arg = arg;
    q->body = play.answer_to != NULL ? play.answer_to(name, args) : NULL;
    uv_timer_init(&loop, &q->timer);
    q->timer.data = q;
    if (!play.answer_never)
        uv_timer_start(&q->timer, on_answer_time, 0, 0);
    return q;
}

void plugins_cancel(struct plugins_question *q)
{
    play.cancelled++;
    uv_close((uv_handle_t *)&q->timer, free_question);
}

size_t plugins_count(const struct plugins *p)
{
    (void)p;
    return 1;
}

void plugins_view(const struct plugins *p, size_t i, struct plugin_view *out)
{
    (void)p, (void)i;
    *out = (struct plugin_view){
        .name = "recorder",
        .state = play.plugin_live ? "live" : "waiting",
        .detail = play.plugin_live ? NULL : "connection refused",
        .retry_in_ms = 500,
        .live = play.plugin_live,
        .lag = 7,
    };
}

bool plugins_find(const struct plugins *p, const char *name, size_t *i)
{
    (void)p;
    *i = 0;
    return strcmp(name, "recorder") == 0;
}

const char *plugins_folder(const struct plugins *p)
{
    (void)p;
    return "/plugins";
}

json_t *plugins_swaps(const struct plugins *p, size_t i)
{
    (void)p, (void)i;
    return play.swap != NULL ? json_pack("[o]", swap_json(play.swap)) : json_array();
}

static inline void on_verdict_time(uv_timer_t *timer)
{
    swap_end(play.swap, play.verdict, "the reason");
    uv_close((uv_handle_t *)timer, NULL);
}

static inline int order_swap(enum swap_kind kind, const struct swap_order *order,
                             struct swap_listener *listener, uint64_t *id)
{
    static uv_timer_t timer;
    swap_free(play.swap);
    *id = 7;
    play.swap = swap_new(7, kind, "recorder");
    swap_set(&play.swap->path, order->path);
    swap_set(&play.swap->wanted, order->sha256);
    swap_set(&play.swap->by, order->by);
    play.swap->force = order->force;
    swap_move(play.swap, SWAP_VERIFY);
    if (listener != NULL)
        swap_listen(play.swap, listener);
    uv_timer_init(&loop, &timer);
    if (play.verdict != VERDICT_NONE)
        uv_timer_start(&timer, on_verdict_time, 0, 0);
    else
        uv_close((uv_handle_t *)&timer, NULL);
    return 0;
}

int plugins_swap(struct plugins *p, const char *name, const struct swap_order *order,
                 struct swap_listener *listener, uint64_t *id, struct error *err)
{
    (void)p, (void)name, (void)err;
    return order_swap(SWAP_ORDERED, order, listener, id);
}

int plugins_roll_back(struct plugins *p, const char *name, const char *by,
                      struct swap_listener *listener, uint64_t *id, struct error *err)
{
    (void)p, (void)name;
    if (play.swap == NULL)
        return error_set(err, ENOENT, "there is no build before it");
    return order_swap(SWAP_ROLLBACK, &(struct swap_order){.by = by}, listener, id);
}

int plugins_cancel_swap(struct plugins *p, const char *name, const char *by, uint64_t *id,
                        struct error *err)
{
    (void)p, (void)name, (void)by;
    if (play.swap == NULL || play.swap->state == SWAP_ENDED)
        return error_set(err, EALREADY, "no swap is under way");
    *id = play.swap->id;
    swap_end(play.swap, VERDICT_CANCELLED, NULL);
    return 0;
}

void plugins_stats(const struct plugins *p, size_t i, struct metric_set *out)
{
    (void)p, (void)i;
    const wt_metric m = {"events", "events taken", "kind", "wallet"};
    metric_counter(out, &m, 41);
}

bool scheduler_view(const struct scheduler *s, size_t i, struct schedule_view *out)
{
    (void)s, (void)i;
    *out = play.schedule;
    return play.has_schedule;
}

static journal_done persisted;
static void *persisted_arg;

static inline void on_persisted(uv_timer_t *timer)
{
    (void)timer;
    if (play.change.has_every)
        play.schedule.every_seconds = play.change.every_seconds;
    persisted(persisted_arg, 0, NULL);
}

int scheduler_change(struct scheduler *s, size_t i, const struct schedule_change *change,
                     journal_done done, void *arg, struct error *err)
{
    (void)s, (void)i, (void)err;
    play.change = *change;
    persisted = done;
    persisted_arg = arg;
    uv_timer_start(&later, on_persisted, 0, 0);
    return 0;
}

void journal_stats(const struct journal *j, struct journal_stats *out)
{
    (void)j;
    *out = (struct journal_stats){.head = 12, .oldest = 1};
}

bool journal_is_full(const struct journal *j)
{
    (void)j;
    return play.journal_full;
}

static inline bool is_stopping(void *arg)
{
    (void)arg;
    return play.stopping;
}

#endif
