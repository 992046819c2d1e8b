#include "soak_swaps.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soak_client.h"
#include "support/failure.h"

#define PLUGIN "/api/plugins/recorder"

enum {
    ANSWER_MS = 60000,
    VERDICT_MS = 120000, /* till a swap that was only accepted has its verdict */
    DOOM_MS = 3000,      /* till a doomed build has failed                     */
    LOOK_EVERY = 8,      /* swaps between two looks at the list of the last 20 */
    CALM_MS = 1000       /* so long a disturbance reaches                      */
};

const char *const step_names[STEPS] = {"verify",  "probe", "load",    "prepare",
                                       "cutover", "claim", "catch_up"};
const char *const outcome_names[OUTCOMES] = {
    "LIVE",      "already live", "REFUSED",       "ROLLED BACK",       "SUPERSEDED",
    "CANCELLED", "no way back",  "cut by a kill", "without a verdict",
};

enum kind { PLAIN, FORCED, SAME, BACK, SLOW, DOOMED };

/* What is known of the numbers that the host gave. */
enum { UNKNOWN, SETTLED, LIVE, UNDONE };

struct swaps {
    struct soak *soak;
    struct server_threads *server;
    pthread_t thread;
    struct client *client;
    struct chance chance;
    struct book book;
    unsigned now; /* the build that was ordered last */
    unsigned char *known;
    unsigned long known_room;
    atomic_bool abrupt;
    atomic_ulong disturbed_ms; /* when something last happened beside */
};

/* One order. */
struct order {
    enum kind kind;
    unsigned build;
    bool abrupt, ended;
    unsigned life;
    double begin_ms, end_ms;
    int status;
};

/* ---- choosing ---- */

static bool is_named(const struct swaps *w, unsigned build, const char *word)
{
    return strstr(w->soak->pool[build], word) != NULL;
}

static enum kind kind_of(struct swaps *w, unsigned build)
{
    unsigned turn = chance_below(&w->chance, 64);
    if (w->soak->n_pool == 1 || turn < 3)
        return FORCED;
    if (turn < 5)
        return SAME;
    if (turn < 8)
        return BACK;
    return is_named(w, build, "slow") ? SLOW : is_named(w, build, "doomed") ? DOOMED : PLAIN;
}

/* Slow and doomed builds come less often than the others. */
static unsigned choose_build(struct swaps *w)
{
    unsigned build = w->now;
    for (int i = 0; i < 20; i++) {
        build = chance_below(&w->chance, w->soak->n_pool);
        bool rare = is_named(w, build, "slow") || is_named(w, build, "doomed");
        if (build != w->now && (!rare || chance_below(&w->chance, 4) == 0))
            return build;
    }
    return build;
}

/* As an operator's `install` does: beside, then renamed. */
static void write_over(const char *from, const char *folder)
{
    char fresh[256], to[256];
    struct stat st;
    (void)snprintf(fresh, sizeof fresh, "%s/.recorder.new", folder);
    (void)snprintf(to, sizeof to, "%s/recorder.so", folder);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (in < 0 || out < 0 || fstat(in, &st) != 0)
        cannot_go_on("%s: %s", from, strerror(errno));
    for (off_t at = 0; at < st.st_size;)
        if (sendfile(out, in, &at, (size_t)(st.st_size - at)) <= 0)
            cannot_go_on("%s: %s", fresh, strerror(errno));
    close(in);
    close(out);
    if (rename(fresh, to) != 0)
        cannot_go_on("%s: %s", to, strerror(errno));
}

static void make_body(struct swaps *w, const struct order *o, char body[256])
{
    const char *name = w->soak->pool[o->build];
    if (chance_below(&w->chance, 4) == 0) {
        char from[256];
        (void)snprintf(from, sizeof from, "%s/%s", w->soak->plugin_folder, name);
        write_over(from, w->soak->plugin_folder);
        name = "recorder.so";
    }
    (void)snprintf(body, 256, "{\"path\": \"%s\"%s}", name,
                   o->kind == FORCED ? ", \"force\": true" : "");
}

/* ---- the book ---- */

/* The place for what is known of a number. */
static unsigned char *known_of(struct swaps *w, unsigned long id)
{
    if (id >= w->known_room) {
        unsigned long room = (id + 1) * 2;
        w->known = realloc(w->known, room);
        if (w->known == NULL)
            cannot_go_on("out of memory");
        memset(w->known + w->known_room, UNKNOWN, room - w->known_room);
        w->known_room = room;
    }
    w->book.highest = id > w->book.highest ? id : w->book.highest;
    return &w->known[id];
}

/* The first words of each kind. */
static void note_reason(struct swaps *w, const char *text)
{
    struct book *b = &w->book;
    const char *words = strpbrk(text, "RCSL"); /* behind "swap 41 " */
    words = words != NULL ? words : text;
    for (unsigned i = 0; i < b->n_reasons; i++) {
        const char *old = strpbrk(b->reasons[i], "RCSL");
        if (strncmp(old != NULL ? old : b->reasons[i], words, 24) == 0)
            return;
    }
    if (b->n_reasons < REASONS)
        (void)snprintf(b->reasons[b->n_reasons++], sizeof b->reasons[0], "%s", text);
}

static const char *text_of(const json_t *swap, const char *key)
{
    const char *text = json_string_value(json_object_get(swap, key));
    return text != NULL ? text : "";
}

static double number_of(const json_t *swap, const char *key)
{
    const json_t *value = json_object_get(swap, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

static void note_steps(struct book *b, const json_t *swap)
{
    size_t i;
    const json_t *step;
    json_array_foreach (json_object_get(swap, "steps"), i, step)
        for (int k = 0; k < STEPS; k++)
            if (strcmp(text_of(step, "step"), step_names[k]) == 0)
                figures_add(&b->steps[k], number_of(step, "ms"));
}

static bool was_disturbed(const struct swaps *w, const struct order *o)
{
    return (double)w->disturbed_ms + CALM_MS > o->begin_ms || w->soak->lives != o->life ||
           w->soak->server_is_down;
}

static void note_times(struct swaps *w, const struct order *o, const json_t *swap)
{
    struct book *b = &w->book;
    double gap = number_of(swap, "feed_gap_ms"), live = number_of(swap, "live_after_ms");
    double replayed = number_of(swap, "replayed");
    b->replayed += replayed > 0 ? (unsigned long)replayed : 0;
    if (was_disturbed(w, o)) {
        b->disturbed++;
        return;
    }
    b->ended += o->ended;
    if (gap >= 0)
        figures_add(o->ended ? &b->gap_ended : o->abrupt ? &b->gap_abrupt : &b->gap, gap);
    if (o->kind == SLOW || o->ended)
        return;
    if (live >= 0)
        figures_add(&b->live, live);
    figures_add(&b->seen, o->end_ms - o->begin_ms);
    note_steps(b, swap);
}

/* A build that has nothing against it should not be rolled back. */
static void note_rollback(struct swaps *w, const json_t *swap)
{
    const char *reason = text_of(swap, "reason");
    if (strstr(reason, "doomed") != NULL)
        return;
    w->book.unplanned++;
    note_reason(w, reason);
}

static enum outcome outcome_of(const json_t *swap)
{
    const char *verdict = text_of(swap, "verdict");
    if (strcmp(verdict, "LIVE") == 0)
        return strncmp(text_of(swap, "reason"), "already", 7) == 0 ? OUTCOME_ALREADY : OUTCOME_LIVE;
    for (int i = 0; i < OUTCOMES; i++)
        if (strcmp(verdict, outcome_names[i]) == 0)
            return (enum outcome)i;
    return OUTCOME_NONE;
}

/* ---- asking ---- */

static const json_t *swap_in_answer(const struct client *c)
{
    const json_t *answer = client_json(c), *inner = json_object_get(answer, "swap");
    return json_is_object(inner) ? inner : answer;
}

/* Asks after one order until it has its verdict; NULL when the host cannot say it any more. */
static const json_t *await_verdict(struct swaps *w, const struct order *o, unsigned long id)
{
    char path[64];
    double until = soak_now_ms() + VERDICT_MS;
    (void)snprintf(path, sizeof path, PLUGIN "/swaps/%lu", id);
    while (soak_now_ms() < until && w->soak->lives == o->life) {
        if (client_ask(w->client, "GET", path, NULL, ANSWER_MS) == 200 &&
            outcome_of(client_json(w->client)) != OUTCOME_NONE)
            return client_json(w->client);
        soak_pause_ms(20);
    }
    return NULL;
}

/* What became of all of the last orders, also of those that were not ours. */
static void look_at_list(struct swaps *w)
{
    size_t i;
    const json_t *swap;
    if (client_ask(w->client, "GET", PLUGIN "/swaps", NULL, ANSWER_MS) != 200)
        return;
    json_array_foreach (json_object_get(client_json(w->client), "swaps"), i, swap) {
        unsigned long id = (unsigned long)number_of(swap, "id");
        enum outcome outcome = outcome_of(swap);
        if (outcome == OUTCOME_NONE)
            continue;
        unsigned char *known = known_of(w, id);
        if (*known == UNKNOWN)
            *known = SETTLED;
        if (*known == LIVE && outcome == OUTCOME_ROLLED_BACK) {
            *known = UNDONE;
            w->book.undone++;
            note_rollback(w, swap);
        }
    }
}

static void take_answer(struct swaps *w, struct order *o)
{
    struct book *b = &w->book;
    const json_t *swap = swap_in_answer(w->client);
    unsigned long id = (unsigned long)number_of(swap, "id");
    if (o->status == 202)
        swap = await_verdict(w, o, id);
    if (swap == NULL) {
        b->outcomes[w->soak->lives != o->life ? OUTCOME_KILLED : OUTCOME_NONE]++;
        return;
    }
    o->end_ms = soak_now_ms();
    enum outcome outcome = outcome_of(swap);
    b->outcomes[outcome]++;
    unsigned char *known = known_of(w, id);
    b->repeated += *known != UNKNOWN;
    *known = outcome == OUTCOME_LIVE ? LIVE : SETTLED;
    if (outcome == OUTCOME_LIVE) {
        w->soak->live++;
        note_times(w, o, swap);
    } else if (outcome != OUTCOME_ALREADY) {
        if (outcome == OUTCOME_ROLLED_BACK)
            note_rollback(w, swap);
        note_reason(w, text_of(client_json(w->client), "detail"));
    }
}

/* A host that was killed comes back; one that says nothing without that is at fault. */
static void take_silence(struct swaps *w, const struct order *o)
{
    bool killed = w->soak->lives != o->life || w->soak->host_is_down;
    w->book.outcomes[killed ? OUTCOME_KILLED : OUTCOME_NONE]++;
    if (!killed)
        note_reason(w, "no answer");
    while (w->soak->host_is_down && !w->soak->stop)
        soak_pause_ms(5);
}

static void send_order(struct swaps *w, struct order *o)
{
    char body[256];
    if (o->kind != BACK)
        make_body(w, o, body);
    if (chance_percent(&w->chance, w->soak->options.terminate)) {
        o->ended = true;
        server_end_backend(w->server);
    }
    o->life = w->soak->lives;
    o->begin_ms = soak_now_ms();
    if (o->kind == BACK)
        o->status = client_ask(w->client, "POST", PLUGIN "/rollback", NULL, ANSWER_MS);
    else
        o->status = client_ask(w->client, "PUT", PLUGIN, body, ANSWER_MS);
    o->end_ms = soak_now_ms();
}

/* Events have to come for it to fail; the next order would take its place before. */
static void await_doom(struct swaps *w)
{
    unsigned long before = w->book.undone;
    double until = soak_now_ms() + DOOM_MS;
    while (w->book.undone == before && soak_now_ms() < until && w->soak->load && !w->soak->stop) {
        soak_pause_ms(20);
        look_at_list(w);
    }
}

static void order_one(struct swaps *w)
{
    struct order o = {.build = choose_build(w), .abrupt = w->abrupt};
    o.kind = kind_of(w, o.build);
    if (o.kind == FORCED || o.kind == SAME)
        o.build = w->now;
    send_order(w, &o);
    w->soak->ordered++;
    if (o.status == 0) {
        take_silence(w, &o);
        return;
    }
    const json_t *swap = swap_in_answer(w->client);
    if (json_is_integer(json_object_get(swap, "id"))) {
        take_answer(w, &o);
    } else if (o.kind == BACK && o.status == 409) {
        w->book.outcomes[OUTCOME_NO_WAY_BACK]++;
    } else {
        w->book.outcomes[OUTCOME_NONE]++;
        note_reason(w, client_text(w->client));
    }
    w->now = o.build;
    if (o.kind == DOOMED && o.status == 200)
        await_doom(w);
}

static void *work(void *arg)
{
    struct swaps *w = arg;
    while (!w->soak->stop) {
        if (w->soak->hold_swaps || swaps_are_done(w)) {
            soak_pause_ms(5);
            continue;
        }
        w->soak->swap_is_going = true;
        order_one(w);
        w->soak->swap_is_going = false;
        if (w->soak->ordered % LOOK_EVERY == 0)
            look_at_list(w);
    }
    look_at_list(w);
    return NULL;
}

/* ---- life ---- */

struct swaps *swaps_start(struct soak *s, struct server_threads *server)
{
    struct swaps *w = calloc(1, sizeof *w);
    if (w == NULL)
        cannot_go_on("out of memory");
    w->soak = s;
    w->server = server;
    w->client = client_new(s->socket);
    w->chance = chance_of(s->options.seed, 2);
    if (pthread_create(&w->thread, NULL, work, w) != 0)
        cannot_go_on("no thread");
    return w;
}

bool swaps_are_done(const struct swaps *w)
{
    unsigned long most = w->soak->most;
    return most != 0 && w->soak->ordered >= most && !w->soak->swap_is_going;
}

void swaps_set_abrupt(struct swaps *w, bool abrupt)
{
    w->abrupt = abrupt;
}

void swaps_disturb(struct swaps *w)
{
    w->disturbed_ms = (unsigned long)soak_now_ms();
}

void swaps_join(struct swaps *w, struct book *out)
{
    pthread_join(w->thread, NULL);
    for (unsigned long id = 1; id <= w->book.highest; id++)
        w->book.unknown += w->known[id] == UNKNOWN;
    *out = w->book;
    client_free(w->client);
    free(w->known);
    free(w);
}

void book_free(struct book *b)
{
    struct figures *all[] = {&b->gap, &b->gap_abrupt, &b->gap_ended, &b->live, &b->seen};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        figures_free(all[i]);
    for (int i = 0; i < STEPS; i++)
        figures_free(&b->steps[i]);
}
