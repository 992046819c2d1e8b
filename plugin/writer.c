/* Happy path: events gather; when there are enough of them, or the first has waited long enough, or
 * a run starts or ends, or the backlog that was there at the claim does, and nothing is in flight,
 * they go to the sender in one piece.  While something is in flight they gather on, up to the
 * bounds; then the hooks answer WT_ENOUGH until the sender has taken the next batch. */
#include "writer.h"

#include <stdlib.h>

#include "sender.h"

enum {
    BATCH_BYTES = 8 * 1024 * 1024,
    BATCH_MOST = 20000,
    GROWTH = 4,               /* a backlog makes batches this much larger */
    KEEP_BYTES = 1024 * 1024, /* memory that an idle writer keeps         */
};

struct writer {
    struct instance *instance;
    stage_done ended;
    void *arg;
    struct sender *sender;
    struct batch gathering;
    uint64_t gathering_since_ns;
    uint64_t backlog_end; /* events up to this one were there before us */
    wt_timer *timer;      /* the first of them has waited long enough */
    bool urgent;          /* do not wait for more                     */
    bool refused;         /* a hook answered WT_ENOUGH                */
    bool draining;
    bool over; /* `ended` has run                          */
};

static void start(struct writer *w);

static void untime(struct writer *w)
{
    if (w->timer != NULL)
        w->instance->api->untimer(w->instance->host, w->timer);
    w->timer = NULL;
}

static void end(struct writer *w, wt_status status, const char *message)
{
    if (w->over)
        return;
    w->over = true;
    untime(w);
    w->ended(w->arg, status, message);
}

static void on_sender_ended(void *arg, wt_status status, const char *message)
{
    end(arg, status, message);
}

static void release(struct writer *w)
{
    sender_release(w->sender, KEEP_BYTES / 2);
    if (batch_room(&w->gathering) > KEEP_BYTES / 2)
        batch_free(&w->gathering);
}

/* There is room again.  Never from inside a hook: its answer, WT_ENOUGH, would come after it. */
static void lift(struct writer *w)
{
    if (w->refused && !w->over)
        w->instance->api->resume(w->instance->host);
    w->refused = false;
}

static void on_finished(void *arg)
{
    struct writer *w = arg;
    if (w->gathering.count == 0)
        release(w);
    start(w);
    lift(w);
}

static uint64_t now_ns(const struct writer *w)
{
    return w->instance->api->now_ns();
}

static size_t most_events(const struct writer *w)
{
    size_t most = (size_t)w->instance->settings.batch_rows * GROWTH;
    return most < BATCH_MOST ? most : BATCH_MOST;
}

static bool is_full(const struct writer *w)
{
    return w->gathering.count >= most_events(w) || batch_bytes(&w->gathering) >= BATCH_BYTES;
}

static void on_batch_time(void *user)
{
    struct writer *w = user;
    w->timer = NULL;
    w->urgent = true;
    start(w);
    lift(w);
}

static bool worth_sending(const struct writer *w)
{
    uint64_t waited_ms = (now_ns(w) - w->gathering_since_ns) / 1000000;
    return w->urgent || is_full(w) ||
           w->gathering.count >= (size_t)w->instance->settings.batch_rows ||
           waited_ms >= (uint64_t)w->instance->settings.batch_ms;
}

static void wait_for_more(struct writer *w)
{
    const struct instance *i = w->instance;
    if (w->timer == NULL)
        w->timer = i->api->timer(i->host, (uint64_t)i->settings.batch_ms, on_batch_time, w);
    if (w->timer == NULL)
        end(w, WT_E_AGAIN, "out of memory");
}

/* Hands what was gathered over, if nothing is in flight and it is worth it. */
static void start(struct writer *w)
{
    if (w->over || w->gathering.count == 0 || !sender_is_idle(w->sender))
        return;
    if (!worth_sending(w)) {
        wait_for_more(w);
        return;
    }
    w->urgent = false;
    untime(w);
    sender_send(w->sender, &w->gathering);
}

struct batch *writer_room(struct writer *w)
{
    if (!w->over && !w->draining && !is_full(w))
        return &w->gathering;
    w->refused = true;
    return NULL;
}

wt_answer writer_taken(struct writer *w, const wt_event *e, bool kept)
{
    if (!kept && w->gathering.count == 0 && sender_is_idle(w->sender)) {
        end(w, WT_E_AGAIN, "out of memory");
        return WT_ENOUGH;
    }
    if (!kept) { /* what is here goes first; its memory comes back with it */
        w->urgent = true;
        start(w);
        w->refused = true;
        return WT_ENOUGH;
    }
    if (w->gathering.count == 1)
        w->gathering_since_ns = now_ns(w);
    if (e->kind < KIND_COUNT)
        w->instance->figures.taken[e->kind]++;
    w->urgent |= e->kind == WT_RUN_START || e->kind == WT_RUN_END || e->seq == w->backlog_end;
    /* Few events need a look at the clock: the first arms the timer, a full batch goes. */
    if (sender_is_idle(w->sender) &&
        (w->urgent || w->gathering.count == 1 ||
         w->gathering.count >= (size_t)w->instance->settings.batch_rows))
        start(w);
    return WT_TAKEN;
}

void writer_flush(struct writer *w)
{
    w->urgent = w->gathering.count > 0;
    start(w);
}

/* Storing what was gathered would be one more commit for the successor to wait for; replaying it
 * costs nothing that anybody waits for. */
void writer_drain(struct writer *w)
{
    w->draining = true;
    sender_drain(w->sender);
}

void writer_levels(const struct writer *w, struct levels *out)
{
    out->gathering = w->gathering.count;
    out->in_flight = sender_in_flight(w->sender);
    out->cursor = sender_cursor(w->sender);
    out->connection = sender_state(w->sender);
}

struct writer *writer_new(struct instance *instance, struct pg_conn *conn,
                          const wt_claim_args *claimed, uint64_t cursor, stage_done ended,
                          void *arg)
{
    static const struct sender_events events = {.finished = on_finished, .ended = on_sender_ended};
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return NULL;
    *w = (struct writer){
        .instance = instance, .ended = ended, .arg = arg, .backlog_end = claimed->head};
    w->sender = sender_new(instance, conn, claimed, cursor, &events, w);
    if (w->sender == NULL) {
        free(w);
        return NULL;
    }
    return w;
}

void writer_free(struct writer *w)
{
    if (w == NULL)
        return;
    untime(w);
    sender_free(w->sender);
    batch_free(&w->gathering);
    free(w);
}
