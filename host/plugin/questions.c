#include "plugin/questions.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATIENCE_MS = 1000, /* how long a question waits for an instance to be there */
    OUTSTANDING_MAX = 256,
    ANSWER_SIZE_MAX = 64 * 1024 * 1024
};

enum state { WAITING, ASKED, ANSWERED };

/* The plugin's wt_query is the question itself. */
struct wt_query {
    enum state state;
    struct questions *all;
    struct plugins_question *next;
    char *name, *args;
    plugins_answer answer; /* NULL: nobody listens any more */
    void *arg;
    uint64_t deadline_ns, patience_ns;
    const struct instance *asked_of;
    GByteArray *body;
    wt_status status;
    char *message;
};

struct plugins_question {
    struct wt_query query; /* first and only: the two are one */
};

struct questions {
    struct plugins_question *list; /* in the order of asking */
    size_t count;
    struct instance *instance; /* can answer; or NULL */
    char *absence;             /* why nobody can */
    uv_idle_t turn;
    uv_timer_t timer; /* the next deadline */
    unsigned handles;
};

static void on_turn(uv_idle_t *idle);
static void on_timer(uv_timer_t *timer);

static void wake(struct questions *q)
{
    uv_idle_start(&q->turn, on_turn);
}

static void finish(struct plugins_question *question, wt_status status, const char *message)
{
    wt_query *query = &question->query;
    if (query->state == ANSWERED)
        return;
    query->state = ANSWERED;
    query->status = status;
    query->message = g_strdup(message);
    wake(query->all);
}

static void free_question(struct plugins_question *question)
{
    wt_query *query = &question->query;
    g_free(query->name);
    g_free(query->args);
    g_free(query->message);
    g_byte_array_free(query->body, TRUE);
    free(question);
}

/* Takes the first answered question out of the list. */
static struct plugins_question *take_answered(struct questions *q)
{
    for (struct plugins_question **at = &q->list; *at != NULL; at = &(*at)->query.next) {
        struct plugins_question *one = *at;
        if (one->query.state == ANSWERED) {
            *at = one->query.next;
            q->count--;
            return one;
        }
    }
    return NULL;
}

static void ask_waiting(struct questions *q)
{
    for (struct plugins_question *one = q->list; one != NULL; one = one->query.next) {
        wt_query *query = &one->query;
        if (query->state != WAITING || q->instance == NULL || !instance_can_answer(q->instance))
            continue;
        wt_query_args args = {
            .struct_size = sizeof args,
            .name = query->name,
            .args = query->args,
            .deadline_ns = query->deadline_ns,
        };
        query->state = ASKED;
        query->asked_of = q->instance;
        instance_query(q->instance, query, &args);
    }
}

static void set_timer(struct questions *q)
{
    uint64_t next = UINT64_MAX;
    for (struct plugins_question *one = q->list; one != NULL; one = one->query.next) {
        const wt_query *query = &one->query;
        uint64_t limit = query->state == WAITING && query->patience_ns < query->deadline_ns
                             ? query->patience_ns
                             : query->deadline_ns;
        next = limit < next ? limit : next;
    }
    if (next == UINT64_MAX) {
        uv_timer_stop(&q->timer);
        return;
    }
    uint64_t now = uv_hrtime();
    uv_update_time(q->timer.loop);
    uv_timer_start(&q->timer, on_timer, next > now ? (next - now) / 1000000 + 1 : 0, 0);
}

static void on_turn(uv_idle_t *idle)
{
    struct questions *q = idle->data;
    struct plugins_question *one;
    uv_idle_stop(idle);
    ask_waiting(q);
    while ((one = take_answered(q)) != NULL) {
        wt_query *query = &one->query;
        if (query->answer != NULL)
            query->answer(query->arg, query->status, query->message, (char *)query->body->data,
                          query->body->len);
        free_question(one);
    }
    set_timer(q);
}

/* Ends what has waited or been asked for too long. */
static void on_timer(uv_timer_t *timer)
{
    struct questions *q = timer->data;
    uint64_t now = uv_hrtime();
    for (struct plugins_question *one = q->list; one != NULL; one = one->query.next) {
        wt_query *query = &one->query;
        if (query->state == ASKED && now >= query->deadline_ns) {
            const struct instance *asked = query->asked_of;
            query->asked_of = NULL; /* its late answer is no longer wanted */
            finish(one, WT_E_CANCELLED, "the answer took too long");
            if (asked == q->instance)
                instance_query_cancel(q->instance, query);
        } else if (query->state == WAITING &&
                   (now >= query->patience_ns || now >= query->deadline_ns)) {
            finish(one, WT_E_AGAIN, q->absence != NULL ? q->absence : "nobody can answer yet");
        }
    }
    wake(q);
}

struct questions *questions_new(uv_loop_t *loop)
{
    struct questions *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    uv_idle_init(loop, &q->turn);
    uv_timer_init(loop, &q->timer);
    q->turn.data = q->timer.data = q;
    q->handles = 2;
    return q;
}

struct plugins_question *questions_ask(struct questions *q, const char *name, const char *args,
                                       uint64_t timeout_ms, plugins_answer answer, void *arg)
{
    struct plugins_question *one = q->count < OUTSTANDING_MAX ? calloc(1, sizeof *one) : NULL;
    if (one == NULL)
        return NULL;
    uint64_t now = uv_hrtime();
    one->query = (wt_query){
        .all = q,
        .name = g_strdup(name),
        .args = g_strdup(args),
        .answer = answer,
        .arg = arg,
        .deadline_ns = now + timeout_ms * 1000000,
        .patience_ns = now + PATIENCE_MS * 1000000ULL,
        .body = g_byte_array_new(),
    };
    struct plugins_question **end = &q->list;
    while (*end != NULL)
        end = &(*end)->query.next;
    *end = one;
    q->count++;
    wake(q);
    return one;
}

void questions_cancel(struct plugins_question *question)
{
    wt_query *query = &question->query;
    struct questions *q = query->all;
    const struct instance *asked = query->state == ASKED ? query->asked_of : NULL;
    query->answer = NULL;
    query->asked_of = NULL;
    finish(question, WT_E_CANCELLED, "nobody listens any more");
    if (asked != NULL && asked == q->instance)
        instance_query_cancel(q->instance, query);
}

void questions_use(struct questions *q, struct instance *i)
{
    q->instance = i;
    wake(q);
}

void questions_leave(struct questions *q, struct instance *i, const char *why)
{
    if (q->instance != i && q->instance != NULL)
        return;
    q->instance = NULL;
    g_free(q->absence);
    q->absence = g_strdup(why);
    for (struct plugins_question *one = q->list; one != NULL; one = one->query.next) {
        wt_query *query = &one->query;
        if (query->state != ASKED)
            continue;
        query->state = WAITING;
        query->asked_of = NULL;
        query->patience_ns = uv_hrtime() + PATIENCE_MS * 1000000ULL;
        g_byte_array_set_size(query->body, 0);
    }
    wake(q);
}

/* The question, if that instance is being asked it now. */
static struct plugins_question *find(struct questions *q, const struct instance *from,
                                     const wt_query *query)
{
    for (struct plugins_question *one = q->list; one != NULL; one = one->query.next)
        if (&one->query == query)
            return query->state == ASKED && query->asked_of == from ? one : NULL;
    return NULL;
}

wt_status questions_reply(struct questions *q, const struct instance *from, wt_query *query,
                          const void *bytes, size_t size)
{
    struct plugins_question *one = find(q, from, query);
    if (one == NULL)
        return WT_E_CANCELLED;
    if (query->body->len + size > ANSWER_SIZE_MAX) {
        query->asked_of = NULL;
        finish(one, WT_E_INTERNAL, "the answer is larger than 64 MiB");
        return WT_E_CANCELLED;
    }
    g_byte_array_append(query->body, bytes, (guint)size);
    return WT_OK;
}

void questions_reply_end(struct questions *q, const struct instance *from, wt_query *query,
                         wt_status status, const char *message)
{
    struct plugins_question *one = find(q, from, query);
    if (one != NULL)
        finish(one, status, message);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct questions *q = handle->data;
    if (--q->handles > 0)
        return;
    g_free(q->absence);
    free(q);
}

void questions_close(struct questions *q)
{
    if (q == NULL)
        return;
    q->instance = NULL;
    for (struct plugins_question *one = q->list; one != NULL; one = one->query.next)
        finish(one, WT_E_AGAIN, "walltrackd is stopping");
    on_turn(&q->turn);
    uv_close((uv_handle_t *)&q->turn, on_handle_closed);
    uv_close((uv_handle_t *)&q->timer, on_handle_closed);
}
