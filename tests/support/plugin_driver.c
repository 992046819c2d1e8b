#include "support/plugin_driver.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "support/failure.h"
#include "support/process.h"

enum { WAIT_MS = 30000, TICK_MS = 100, INSTANCES_MOST = 8, BUILDS_MOST = 8, LOG_MOST = 64 };

struct fact {
    wt_event event;
    union {
        wt_run_start run_start;
        wt_token token;
        wt_wallet wallet;
        wt_run_error run_error;
        wt_run_end run_end;
        wt_slot slot;
    } u;
    char body[32]; /* stands for the journal's bytes */
    char *texts[4];
};

struct loaded {
    char *path;
    void *dso;
    const wt_plugin *plugin;
};

struct driver {
    uv_loop_t loop;
    uv_timer_t tick; /* wakes the loop so that deadlines are seen */
    void (*on_tick)(void *arg);
    void *tick_arg;
    struct loaded builds[BUILDS_MOST];
    const struct loaded *build; /* of the next instance */
    char label[128];
    wt_uuid journal_id;
    struct fact *facts; /* facts[0] is event `first` */
    size_t n, room;
    uint64_t first, oldest;
    uint64_t ids;
    int64_t time_us;
    wt_host *hosts[INSTANCES_MOST];
    uint64_t generations;
};

struct wt_host {
    struct driver *d;
    const wt_plugin *plugin;
    void *self;
    bool is_prepared, is_claimed, is_failed, is_closed, feeding, enough;
    bool inside; /* a call of the plugin is on the stack */
    wt_prepared prepared;
    char server[256];
    uint64_t cursor, acked, delivered;
    wt_status status;
    char message[1024];
    int watches, timers, offloads, resolves, queries;
    char *log[LOG_MOST];
    size_t logged;
};

struct wt_watch {
    uv_poll_t poll;
    wt_host *host;
    wt_io_callback callback;
    void *user;
    uint32_t interest;
};

struct wt_timer {
    uv_timer_t timer;
    wt_host *host;
    wt_callback callback;
    void *user;
};

struct wt_query {
    char *text;
    size_t size;
    wt_status status;
    bool ended;
};

#define CALL(h, call)                                                                              \
    do {                                                                                           \
        if ((h)->inside)                                                                           \
            cannot_go_on("the plugin is called from inside its own call");                         \
        (h)->inside = true;                                                                        \
        call;                                                                                      \
        (h)->inside = false;                                                                       \
    } while (0)

static void *allocate(size_t size)
{
    void *p = calloc(1, size);
    if (p == NULL)
        cannot_go_on("out of memory");
    return p;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

/* ---- reports ---- */

static void host_prepared(wt_host *h, const wt_prepared *p)
{
    h->prepared = *p;
    snprintf(h->server, sizeof h->server, "%s", p->server != NULL ? p->server : "");
    h->prepared.server = h->server;
    h->is_prepared = true;
}

static void host_claimed(wt_host *h, uint64_t cursor)
{
    h->cursor = h->acked = h->delivered = cursor;
    h->is_claimed = true;
}

static void host_ack(wt_host *h, uint64_t seq)
{
    if (seq > h->delivered)
        cannot_go_on("event %llu acknowledged, delivered only %llu", (unsigned long long)seq,
                     (unsigned long long)h->delivered);
    h->acked = seq;
}

static void host_resume(wt_host *h)
{
    h->enough = false;
}

static void host_fail(wt_host *h, wt_status status, const char *message)
{
    if (h->is_failed)
        cannot_go_on("fail() twice: %s, then %s", h->message, message);
    h->is_failed = true;
    h->status = status;
    snprintf(h->message, sizeof h->message, "%s", message);
}

static void host_closed(wt_host *h)
{
    if (h->watches + h->timers + h->offloads + h->resolves + h->queries != 0)
        cannot_go_on("closed() with %d watches, %d timers, %d offloads, %d look-ups, %d questions",
                     h->watches, h->timers, h->offloads, h->resolves, h->queries);
    if (h->is_closed)
        cannot_go_on("closed() twice");
    h->is_closed = true;
}

/* ---- services ---- */

static void host_rewatch(wt_host *h, wt_watch *w, uint32_t events);

static void on_poll(uv_poll_t *poll, int status, int events)
{
    wt_watch *w = poll->data;
    uint32_t io = 0;
    if (status < 0) /* libuv has stopped it */
        host_rewatch(w->host, w, w->interest);
    if (status < 0 || events & UV_DISCONNECT)
        io |= WT_IO_ERROR;
    if (events & UV_READABLE)
        io |= WT_IO_READ;
    if (events & UV_WRITABLE)
        io |= WT_IO_WRITE;
    CALL(w->host, w->callback(w->user, io));
}

static int poll_events(uint32_t events)
{
    return (events & WT_IO_READ ? UV_READABLE : 0) | (events & WT_IO_WRITE ? UV_WRITABLE : 0);
}

static wt_watch *host_watch(wt_host *h, int fd, uint32_t events, wt_io_callback callback,
                            void *user)
{
    wt_watch *w = allocate(sizeof *w);
    *w = (wt_watch){.host = h, .callback = callback, .user = user};
    w->poll.data = w;
    if (uv_poll_init(&h->d->loop, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    host_rewatch(h, w, events);
    h->watches++;
    return w;
}

static void host_rewatch(wt_host *h, wt_watch *w, uint32_t events)
{
    (void)h;
    w->interest = events;
    uv_poll_start(&w->poll, poll_events(events), on_poll);
}

static void host_unwatch(wt_host *h, wt_watch *w)
{
    if (w == NULL)
        return;
    h->watches--;
    uv_close((uv_handle_t *)&w->poll, free_handle);
}

static void on_timer(uv_timer_t *timer)
{
    wt_timer *t = timer->data;
    wt_host *h = t->host;
    wt_callback callback = t->callback;
    void *user = t->user;
    h->timers--;
    uv_close((uv_handle_t *)timer, free_handle);
    CALL(h, callback(user));
}

static wt_timer *host_timer(wt_host *h, uint64_t ms, wt_callback callback, void *user)
{
    wt_timer *t = allocate(sizeof *t);
    *t = (wt_timer){.host = h, .callback = callback, .user = user};
    uv_timer_init(&h->d->loop, &t->timer);
    t->timer.data = t;
    uv_timer_start(&t->timer, on_timer, ms, 0);
    h->timers++;
    return t;
}

static void host_untimer(wt_host *h, wt_timer *t)
{
    h->timers--;
    uv_close((uv_handle_t *)&t->timer, free_handle);
}

struct offload {
    uv_work_t work;
    wt_host *host;
    wt_callback run, done;
    void *user;
};

static void on_work(uv_work_t *work)
{
    struct offload *o = work->data;
    o->run(o->user);
}

static void on_work_done(uv_work_t *work, int status)
{
    struct offload *o = work->data;
    (void)status;
    o->host->offloads--;
    CALL(o->host, o->done(o->user));
    free(o);
}

static int host_offload(wt_host *h, wt_callback run, wt_callback done, void *user)
{
    struct offload *o = allocate(sizeof *o);
    *o = (struct offload){.host = h, .run = run, .done = done, .user = user};
    o->work.data = o;
    h->offloads++;
    return uv_queue_work(&h->d->loop, &o->work, on_work, on_work_done);
}

struct look_up {
    uv_getaddrinfo_t request;
    wt_host *host;
    wt_resolved callback;
    void *user;
};

static void on_address(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct look_up *l = request->data;
    char addresses[1024] = "";
    for (struct addrinfo *a = status == 0 ? found : NULL; a != NULL; a = a->ai_next) {
        size_t used = strlen(addresses);
        if (used > 0 && used + 1 < sizeof addresses)
            addresses[used++] = ',';
        uv_ip_name(a->ai_addr, addresses + used, sizeof addresses - used);
    }
    uv_freeaddrinfo(found);
    l->host->resolves--;
    CALL(l->host, l->callback(l->user, status == 0 ? addresses : NULL,
                              status == 0 ? NULL : uv_strerror(status)));
    free(l);
}

static int host_resolve(wt_host *h, const char *name, wt_resolved callback, void *user)
{
    struct look_up *l = allocate(sizeof *l);
    *l = (struct look_up){.host = h, .callback = callback, .user = user};
    l->request.data = l;
    h->resolves++;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    return uv_getaddrinfo(&h->d->loop, &l->request, on_address, name, NULL, &hints);
}

static uint64_t host_now_ns(void)
{
    return uv_hrtime();
}

static void host_log(wt_host *h, int level, const char *message)
{
    if (getenv("DRIVER_LOG") != NULL)
        fprintf(stderr, "plugin log %d: %s\n", level, message);
    if (h->logged < LOG_MOST && level != WT_LOG_DEBUG)
        h->log[h->logged++] = strdup(message);
}

static wt_status host_reply(wt_host *h, wt_query *q, const void *bytes, size_t size)
{
    (void)h;
    char *longer = realloc(q->text, q->size + size + 1);
    if (longer == NULL)
        cannot_go_on("out of memory");
    memcpy(longer + q->size, bytes, size);
    q->text = longer;
    q->size += size;
    q->text[q->size] = '\0';
    return WT_OK;
}

static void host_reply_end(wt_host *h, wt_query *q, wt_status status, const char *message)
{
    if (q->ended)
        cannot_go_on("reply_end() twice");
    q->ended = true;
    q->status = status;
    h->queries--;
    if (message != NULL && q->text == NULL)
        q->text = strdup(message);
}

static const void *host_extension(wt_host *h, const char *id)
{
    (void)h;
    (void)id;
    return NULL;
}

static const wt_host_api api = {
    .struct_size = sizeof api,
    .abi_major = WT_ABI_MAJOR,
    .abi_minor = WT_ABI_MINOR,
    .prepared = host_prepared,
    .claimed = host_claimed,
    .ack = host_ack,
    .resume = host_resume,
    .fail = host_fail,
    .closed = host_closed,
    .watch = host_watch,
    .rewatch = host_rewatch,
    .unwatch = host_unwatch,
    .timer = host_timer,
    .untimer = host_untimer,
    .offload = host_offload,
    .resolve = host_resolve,
    .now_ns = host_now_ns,
    .log = host_log,
    .reply = host_reply,
    .reply_end = host_reply_end,
    .get_extension = host_extension,
};

/* ---- the journal ---- */

wt_uuid driver_uuid(struct driver *d)
{
    wt_uuid id = {{0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80}};
    uint64_t n = ++d->ids;
    for (int i = 15; i > 8; i--, n >>= 8)
        id.bytes[i] = (uint8_t)n;
    return id;
}

static char *keep(struct fact *f, int i, const char *text)
{
    f->texts[i] = text != NULL ? strdup(text) : NULL;
    return f->texts[i];
}

static struct fact *append(struct driver *d, int kind, wt_uuid run, size_t struct_size)
{
    if (d->n == d->room) {
        d->room = d->room > 0 ? d->room * 2 : 256;
        d->facts = reallocarray(d->facts, d->room, sizeof *d->facts);
        if (d->facts == NULL)
            cannot_go_on("out of memory");
    }
    struct fact *f = &d->facts[d->n];
    memset(f, 0, sizeof *f);
    d->time_us += 1000;
    f->event = (wt_event){.struct_size = sizeof(wt_event),
                          .kind = (uint16_t)kind,
                          .body_version = 1,
                          .seq = d->first + d->n++,
                          .time_us = d->time_us,
                          .id = kind == WT_RUN_START ? run : driver_uuid(d),
                          .run_id = run};
    f->event.body_size = (uint32_t)snprintf(f->body, sizeof f->body, "body of %llu",
                                            (unsigned long long)f->event.seq);
    f->u.token.struct_size = (uint32_t)struct_size; /* the first field of each */
    return f;
}

wt_uuid driver_start_run_with(struct driver *d, const wt_run_start *start)
{
    wt_uuid run = driver_uuid(d);
    struct fact *f = append(d, WT_RUN_START, run, 0);
    f->u.run_start = *start;
    f->u.run_start.struct_size = sizeof *start;
    f->u.run_start.triggered_by = keep(f, 0, start->triggered_by);
    f->u.run_start.schedule = keep(f, 1, start->schedule);
    f->u.run_start.host_name = keep(f, 2, start->host_name);
    return run;
}

#define DEFAULT_VALUE(SYMBOL, name, type, min, max, def, unit, text) [WT_PARAM_##SYMBOL] = (def),

wt_uuid driver_start_run(struct driver *d)
{
    static const wt_run_start start = {.trigger = WT_TRIGGER_MANUAL,
                                       .profile_immediately = 1,
                                       .triggered_by = "operator",
                                       .slot_at_us = WT_NO_TIME,
                                       .host_name = "here",
                                       .params = {{WT_PARAMS(DEFAULT_VALUE)}}};
    return driver_start_run_with(d, &start);
}

void driver_token(struct driver *d, wt_uuid run, const char *token)
{
    struct fact *f = append(d, WT_TOKEN, run, sizeof(wt_token));
    f->u.token.token = keep(f, 0, token);
    f->u.token.symbol = keep(f, 1, "SYM");
    f->u.token.price_change_pct = 123.5;
    f->u.token.volume_usd = NAN;
}

void driver_wallet(struct driver *d, wt_uuid run, const char *address, const char *token,
                   int is_new, int score_e4, const char *profile)
{
    struct fact *f = append(d, WT_WALLET, run, sizeof(wt_wallet));
    f->u.wallet.is_new = (int8_t)is_new;
    f->u.wallet.score_e4 = score_e4;
    f->u.wallet.address = keep(f, 0, address);
    f->u.wallet.source_token = keep(f, 1, token);
    f->u.wallet.profile = keep(f, 2, profile);
    f->u.wallet.profile_size = profile != NULL ? (uint32_t)strlen(profile) : 0;
}

void driver_error(struct driver *d, wt_uuid run, const char *message)
{
    struct fact *f = append(d, WT_RUN_ERROR, run, sizeof(wt_run_error));
    f->u.run_error.message = keep(f, 0, message);
    f->u.run_error.line = 7;
}

void driver_end_run(struct driver *d, wt_uuid run, int status, const char *reason)
{
    struct fact *f = append(d, WT_RUN_END, run, sizeof(wt_run_end));
    f->u.run_end.status = (uint8_t)status;
    f->u.run_end.duration_us = 2500000;
    f->u.run_end.errors_dropped = 0;
    f->u.run_end.reason = keep(f, 0, reason);
}

void driver_slot(struct driver *d, const char *schedule, int outcome)
{
    static const wt_uuid none;
    struct fact *f = append(d, WT_SLOT, none, sizeof(wt_slot));
    f->u.slot.outcome = (uint8_t)outcome;
    f->u.slot.due_us = d->time_us;
    f->u.slot.schedule = keep(f, 0, schedule);
    f->u.slot.reason = keep(f, 1, "as told");
}

uint64_t driver_head(const struct driver *d)
{
    return d->first + d->n - 1;
}

void driver_trim(struct driver *d, uint64_t oldest)
{
    d->oldest = oldest;
}

static void drop_facts(struct driver *d)
{
    for (size_t i = 0; i < d->n; i++)
        for (int t = 0; t < 4; t++)
            free(d->facts[i].texts[t]);
    d->n = 0;
}

void driver_replace_journal(struct driver *d)
{
    drop_facts(d);
    d->first = d->oldest = 1;
    d->journal_id = driver_uuid(d);
}

wt_uuid driver_journal_id(const struct driver *d)
{
    return d->journal_id;
}

void driver_set_time(struct driver *d, int64_t us)
{
    d->time_us = us;
}

/* ---- delivering ---- */

static wt_answer deliver(wt_host *h, struct fact *f)
{
    const wt_plugin *p = h->plugin;
    wt_answer answer = WT_ENOUGH;
    f->event.body = f->body;
    switch (f->event.kind) {
    case WT_RUN_START:
        CALL(h, answer = p->on_run_start(h->self, &f->event, &f->u.run_start));
        break;
    case WT_TOKEN:
        CALL(h, answer = p->on_token(h->self, &f->event, &f->u.token));
        break;
    case WT_WALLET:
        CALL(h, answer = p->on_wallet(h->self, &f->event, &f->u.wallet));
        break;
    case WT_RUN_ERROR:
        CALL(h, answer = p->on_run_error(h->self, &f->event, &f->u.run_error));
        break;
    case WT_RUN_END:
        CALL(h, answer = p->on_run_end(h->self, &f->event, &f->u.run_end));
        break;
    default:
        CALL(h, answer = p->on_slot(h->self, &f->event, &f->u.slot));
        break;
    }
    return answer;
}

static bool can_feed(const wt_host *h)
{
    return h->is_claimed && h->feeding && !h->enough && !h->is_failed && !h->is_closed &&
           h->delivered < driver_head(h->d);
}

static void feed(wt_host *h)
{
    for (int i = 0; i < 1000 && can_feed(h); i++) {
        h->delivered++; /* before: an acknowledgement may follow at once */
        if (deliver(h, &h->d->facts[h->delivered - h->d->first]) == WT_ENOUGH) {
            h->delivered--;
            h->enough = true;
        }
    }
}

static void turn(struct driver *d, uv_run_mode mode)
{
    bool more = false;
    for (int i = 0; i < INSTANCES_MOST; i++)
        if (d->hosts[i] != NULL) {
            feed(d->hosts[i]);
            more = more || can_feed(d->hosts[i]);
        }
    uv_run(&d->loop, more ? UV_RUN_NOWAIT : mode);
}

void driver_turn(struct driver *d)
{
    turn(d, UV_RUN_ONCE);
}

void driver_turn_nowait(struct driver *d)
{
    turn(d, UV_RUN_NOWAIT);
}

#define TURN_UNTIL(d, condition, what)                                                             \
    do {                                                                                           \
        long end_ms = process_now_ms() + WAIT_MS;                                                  \
        while (!(condition)) {                                                                     \
            if (process_now_ms() > end_ms)                                                         \
                cannot_go_on("waited %d ms for %s", WAIT_MS, what);                                \
            driver_turn(d);                                                                        \
        }                                                                                          \
    } while (0)

/* ---- instances ---- */

static wt_host *open_mode(struct driver *d, const char *config, uint32_t mode)
{
    wt_host *h = allocate(sizeof *h);
    int slot = 0;
    while (slot < INSTANCES_MOST && d->hosts[slot] != NULL)
        slot++;
    if (slot == INSTANCES_MOST)
        cannot_go_on("more than %d instances", INSTANCES_MOST);
    d->hosts[slot] = h;
    h->d = d;
    h->plugin = d->build->plugin;
    wt_open_args args = {.struct_size = sizeof args,
                         .mode = mode,
                         .config = config,
                         .name = "recorder",
                         .build = d->label,
                         .host_name = "here",
                         .generation = ++d->generations,
                         .deadline_ns = uv_hrtime() + 10000000000u};
    args.token = uv_hrtime() * 2654435761u >> 1;
    wt_status status = WT_E_INTERNAL;
    CALL(h, status = h->plugin->open(&api, h, &args, &h->self));
    if (status != WT_OK)
        cannot_go_on("open() answered %d", status);
    if (h->is_prepared || h->is_failed)
        cannot_go_on("a report from inside open()");
    return h;
}

static wt_host *await_open(wt_host *h)
{
    TURN_UNTIL(h->d, h->is_prepared || h->is_failed, "open()");
    return h;
}

wt_host *driver_send_open(struct driver *d, const char *config)
{
    return open_mode(d, config, WT_OPEN_LIVE);
}

wt_host *driver_open(struct driver *d, const char *config)
{
    return await_open(open_mode(d, config, WT_OPEN_LIVE));
}

wt_host *driver_open_probe(struct driver *d, const char *config)
{
    return await_open(open_mode(d, config, WT_OPEN_PROBE));
}

void driver_send_claim(wt_host *h)
{
    struct driver *d = h->d;
    wt_claim_args args = {.struct_size = sizeof args,
                          .journal_id = d->journal_id,
                          .oldest = d->oldest,
                          .head = driver_head(d)};
    CALL(h, h->plugin->claim(h->self, &args));
}

void driver_await_claim(wt_host *h)
{
    TURN_UNTIL(h->d, h->is_claimed || h->is_failed, "claim()");
}

void driver_claim(wt_host *h)
{
    driver_send_claim(h);
    driver_await_claim(h);
}

wt_host *driver_live(struct driver *d, const char *config)
{
    wt_host *h = driver_open(d, config);
    if (!h->is_failed)
        driver_claim(h);
    if (h->is_failed)
        cannot_go_on("instance failed (%d): %s", h->status, h->message);
    h->feeding = true;
    return h;
}

void driver_feed(wt_host *h, bool on)
{
    h->feeding = on;
}

void driver_send_close(wt_host *h, uint32_t mode)
{
    h->feeding = false;
    CALL(h, h->plugin->close(h->self, mode));
}

void driver_close(wt_host *h, uint32_t mode)
{
    struct driver *d = h->d;
    if (!h->is_closed)
        driver_send_close(h, mode);
    TURN_UNTIL(d, h->is_closed, "closed()");
    driver_turn_nowait(d);
    CALL(h, h->plugin->destroy(h->self));
    for (int i = 0; i < INSTANCES_MOST; i++)
        if (d->hosts[i] == h)
            d->hosts[i] = NULL;
    for (size_t i = 0; i < h->logged; i++)
        free(h->log[i]);
    free(h);
}

bool driver_is_prepared(const wt_host *h)
{
    return h->is_prepared;
}

bool driver_is_claimed(const wt_host *h)
{
    return h->is_claimed;
}

bool driver_is_closed(const wt_host *h)
{
    return h->is_closed;
}

bool driver_failed(const wt_host *h, wt_status *status, const char **message)
{
    if (status != NULL)
        *status = h->status;
    if (message != NULL)
        *message = h->message;
    return h->is_failed;
}

uint64_t driver_cursor(const wt_host *h)
{
    return h->cursor;
}

uint64_t driver_acked(const wt_host *h)
{
    return h->acked;
}

uint64_t driver_delivered(const wt_host *h)
{
    return h->delivered;
}

const wt_prepared *driver_prepared(const wt_host *h)
{
    return &h->prepared;
}

const wt_plugin *driver_plugin(const struct driver *d)
{
    return d->build->plugin;
}

void *driver_self(const wt_host *h)
{
    return h->self;
}

bool driver_logged(const wt_host *h, const char *words)
{
    for (size_t i = 0; i < h->logged; i++)
        if (strstr(h->log[i], words) != NULL)
            return true;
    return false;
}

struct sought {
    const char *name, *value;
    double found;
};

static void look_at(struct sought *s, const wt_metric *m, double value)
{
    bool same =
        s->value == NULL ? m->value == NULL : m->value != NULL && strcmp(m->value, s->value) == 0;
    if (strcmp(m->name, s->name) == 0 && same)
        s->found = value;
}

static void on_counter(void *user, const wt_metric *m, uint64_t value)
{
    look_at(user, m, (double)value);
}

static void on_gauge(void *user, const wt_metric *m, double value)
{
    look_at(user, m, value);
}

static void on_histogram(void *user, const wt_metric *m, const wt_histogram *histogram)
{
    look_at(user, m, histogram->sum);
}

static void on_text(void *user, const wt_metric *m, const char *value)
{
    (void)user;
    (void)m;
    (void)value;
}

double driver_figure(const wt_host *h, const char *name, const char *label_value)
{
    struct sought sought = {name, label_value, -1};
    wt_stats_sink sink = {.struct_size = sizeof sink,
                          .user = &sought,
                          .counter = on_counter,
                          .gauge = on_gauge,
                          .histogram = on_histogram,
                          .text = on_text};
    h->plugin->stats(h->self, &sink);
    return sought.found;
}

/* ---- waiting and asking ---- */

void driver_await_acks(wt_host *h)
{
    TURN_UNTIL(h->d, h->is_failed || h->acked == driver_head(h->d), "acknowledgements");
    if (h->is_failed)
        cannot_go_on("instance failed (%d): %s", h->status, h->message);
}

void driver_await_failure(wt_host *h, wt_status expected)
{
    TURN_UNTIL(h->d, h->is_failed, "a failure");
    if (h->status != expected)
        cannot_go_on("failed with %d, not %d: %s", h->status, expected, h->message);
}

static void ask(wt_host *h, wt_query *q, const char *name, const char *args)
{
    wt_query_args question = {.struct_size = sizeof question,
                              .name = name,
                              .args = args,
                              .deadline_ns = uv_hrtime() + 10000000000u};
    h->queries++;
    CALL(h, h->plugin->query(h->self, q, &question));
}

const char *driver_ask(wt_host *h, const char *name, const char *args, wt_status *status)
{
    static char *answer;
    wt_query q = {0};
    ask(h, &q, name, args);
    TURN_UNTIL(h->d, q.ended, "an answer");
    free(answer);
    answer = q.text;
    if (status != NULL)
        *status = q.status;
    else if (q.status != WT_OK)
        cannot_go_on("%s %s: %d %s", name, args, q.status, q.text);
    return answer != NULL ? answer : "";
}

struct driver_question {
    wt_query query;
};

struct driver_question *driver_send_question(wt_host *h, const char *name, const char *args)
{
    struct driver_question *q = allocate(sizeof *q);
    ask(h, &q->query, name, args);
    return q;
}

wt_status driver_question_end(struct driver_question *q)
{
    wt_status status = q->query.status;
    if (!q->query.ended)
        cannot_go_on("a question has not ended");
    free(q->query.text);
    free(q);
    return status;
}

void driver_ask_many(wt_host *h, const char *name, const char *args, int n, int cancel,
                     int counts[12])
{
    wt_query *q = allocate((size_t)n * sizeof *q);
    memset(counts, 0, 12 * sizeof *counts);
    for (int i = 0; i < n; i++)
        ask(h, &q[i], name, args);
    if (cancel >= 0)
        CALL(h, h->plugin->query_cancel(h->self, &q[cancel]));
    TURN_UNTIL(h->d, h->queries == 0, "all answers");
    for (int i = 0; i < n; i++) {
        counts[q[i].status]++;
        free(q[i].text);
    }
    free(q);
}

/* ---- the driver ---- */

static void on_tick(uv_timer_t *timer)
{
    struct driver *d = timer->data;
    if (d->on_tick != NULL)
        d->on_tick(d->tick_arg);
}

void driver_every(struct driver *d, uint64_t ms, void (*tick)(void *arg), void *arg)
{
    d->on_tick = tick;
    d->tick_arg = arg;
    uv_timer_start(&d->tick, on_tick, ms, ms);
}

static void load(struct loaded *build, const char *path)
{
    wt_entry entry;
    build->dso = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (build->dso == NULL)
        cannot_go_on("%s", dlerror());
    *(void **)&entry = dlsym(build->dso, WT_ENTRY_SYMBOL);
    if (entry == NULL)
        cannot_go_on("%s", dlerror());
    build->path = strdup(path);
    build->plugin = entry();
}

void driver_use(struct driver *d, const char *plugin_path, const char *build)
{
    size_t i = 0;
    while (i < BUILDS_MOST && d->builds[i].path != NULL &&
           strcmp(d->builds[i].path, plugin_path) != 0)
        i++;
    if (i == BUILDS_MOST)
        cannot_go_on("more than %d builds", BUILDS_MOST);
    if (d->builds[i].path == NULL)
        load(&d->builds[i], plugin_path);
    d->build = &d->builds[i];
    snprintf(d->label, sizeof d->label, "%s", build);
}

struct driver *driver_new(const char *plugin_path)
{
    struct driver *d = allocate(sizeof *d);
    uv_loop_init(&d->loop);
    uv_timer_init(&d->loop, &d->tick);
    d->tick.data = d;
    driver_every(d, TICK_MS, NULL, NULL);
    driver_use(d, plugin_path, "recorder test");
    d->time_us = 1782000000000000; /* a day in June 2026 */
    d->first = d->oldest = 1;
    d->journal_id = driver_uuid(d);
    return d;
}

void driver_free(struct driver *d)
{
    for (int i = 0; i < INSTANCES_MOST; i++)
        if (d->hosts[i] != NULL)
            driver_close(d->hosts[i], WT_CLOSE_ABORT);
    uv_close((uv_handle_t *)&d->tick, NULL);
    uv_run(&d->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&d->loop) != 0)
        cannot_go_on("handles are left on the loop");
    drop_facts(d);
    free(d->facts);
    for (size_t i = 0; i < BUILDS_MOST && d->builds[i].path != NULL; i++) {
        dlclose(d->builds[i].dso);
        free(d->builds[i].path);
    }
    free(d);
}
