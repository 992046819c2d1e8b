/* One call of the host fails: the nth write, sync, allocation, for one n after the other.  What was
 * promised before must be there; the host says what is wrong, or ends as if it were killed; the
 * next one goes on. */
#include "trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/failure.h"
#include "support/process.h"

enum { REACHED_MS = 3000, EFFECT_MS = 1500, TURN_MS = 3 };

static const struct broken {
    const char *name, *call;
    int error;
    unsigned times;
    unsigned short_count, long_count;
    double most; /* the last n                                   */
    bool spread; /* n in ever larger steps, from 1 to the last   */
    bool plain;  /* not where an allocator of its own is in place */
} calls[] = {
    {"journal's nth write fails (EIO)", "pwrite", EIO, 1, 3, 60, 400, true, false},
    {"journal's nth write is short", "pwrite", 0, 1, 2, 40, 400, true, false},
    {"journal's nth write finds no room", "pwrite", ENOSPC, 3, 2, 40, 400, true, false},
    {"nth sync fails (EIO)", "sync", EIO, 1, 3, 40, 120, true, false},
    {"nth truncation fails (EIO)", "truncate", EIO, 1, 1, 6, 6, false, false},
    {"nth opening of a file of the state fails", "open", EMFILE, 1, 2, 20, 20, false, false},
    {"nth allocation fails", "malloc", ENOMEM, 1, 2, 150, 40000, true, true},
};

static long nth(const struct broken *b, unsigned i, unsigned count)
{
    double part = count > 1 ? (double)i / (count - 1) : 0.5;
    if (!b->spread)
        return 1 + (long)(part * (b->most - 1));
    double value = 1;
    for (unsigned step = 0; step < 1000; step++) /* most ^ part */
        value += value * part * (b->most < 1000 ? 0.006 : 0.0106);
    return (long)(value < b->most ? value : b->most);
}

static bool is_noted(struct trial *t)
{
    return access(world_path(t->w, "note"), F_OK) == 0;
}

/* Under load until the call has come; false when it does not, or the host is gone with it. */
static bool await_call(struct trial *t)
{
    long until = process_now_ms() + REACHED_MS;
    while (!is_noted(t) && process_now_ms() < until)
        if (trial_await_end(t, TURN_MS))
            break;
    return is_noted(t);
}

/* The host has ended, or does not record any more and says so. */
static bool is_over(struct trial *t)
{
    if (trial_await_end(t, 0))
        return true;
    (void)client_ask(t->client, "GET", "/health", NULL, 1000);
    const json_t *journal = json_object_get(client_json(t->client), "journal");
    return json_is_true(json_object_get(journal, "failed"));
}

/* Either it is over, or it goes on as before. */
static void take_effect(struct trial *t)
{
    struct cursor_mark now = {0, 0};
    long noted_ms = process_now_ms();
    trial_mark(t);
    while (process_now_ms() - noted_ms < EFFECT_MS) {
        if (is_over(t))
            break;
        if (trial_look(t, &now) && now.seq > t->mark.seq + 1000)
            break;
        process_pause_ms(TURN_MS);
    }
    trial_kill(t);
    trial_mark(t);
    long end_ms = process_now_ms();
    if (!trial_start(t, NULL))
        cannot_go_on("walltrackd does not start again");
    (void)trial_await_recovery(t, end_ms);
}

static void break_once(struct trial *t, const struct broken *b, long n)
{
    (void)snprintf(t->broken, sizeof t->broken, "WALLTRACK_BREAK=%s:%ld:%d:%u:%s", b->call, n,
                   b->error, b->times, world_path(t->w, "note"));
    (void)unlink(world_path(t->w, "note"));
    trial_kill(t);
    t->set[1] = "LD_PRELOAD=" BROKEN_CALLS;
    t->set[2] = "ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0";
    t->set[3] = t->broken;
    (void)trial_start(t, NULL);
    t->set[1] = NULL;
    if (await_call(t)) {
        take_effect(t);
        return;
    }
    trial_kill(t);
    if (!trial_start(t, NULL))
        cannot_go_on("walltrackd does not start again");
}

void loop_calls(const struct fault_plan *plan, struct fault_rows *rows)
{
    struct postgres *pg = postgres_new(NULL);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const struct broken *b = &calls[i];
        struct trial t;
        if (!fault_is_wanted(b->name) || (b->plain && FAULTS_SANITIZED))
            continue;
        struct fault_row *row = fault_row_new(rows, b->name);
        unsigned count = fault_count(plan, b->short_count, b->long_count);
        trial_begin(&t, &(struct trial_spec){.name = b->name, .pg = pg, .excuse = b->plain}, row);
        for (unsigned k = 0; k < count && row->stuck + row->blamed == 0; k++)
            break_once(&t, b, nth(b, k, count));
        trial_end(&t);
    }
    postgres_free(pg);
}
