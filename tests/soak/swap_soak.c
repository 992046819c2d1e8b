/* swap-soak: a private server, a host, engines that never rest, and one swap after the other.
 *
 *     swap-soak [--swaps N] [--seconds N] [--rate N] [--kills N] [--crashes N] …     (--help)
 *
 * While swaps go on the host is killed and the server crashed at random moments, as often as was
 * asked for.  At the end the runs that are going end by themselves, the host is stopped, and the
 * judge compares.  The exit status is 0 when it finds nothing, every order has one verdict, and the
 * host holds no more than it did. */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "soak.h"
#include "soak_client.h"
#include "soak_load.h"
#include "soak_process.h"
#include "soak_report.h"
#include "soak_server.h"
#include "soak_swaps.h"
#include "support/failure.h"
#include "support/postgres.h"
#include "support/process.h"
#include "support/scratch.h"
#include "support/world.h"

enum {
    TURN_MS = 5,
    LOOK_MS = 1000,
    TELL_MS = 10000,
    SETTLE_MS = 120000,
    JUDGE_MS = 1800000,
    CYCLE = 24, /* swaps, some of them abrupt */
    QUIET_FIRST = 100,
    EVENTS_MAX = 10000,
    DRAIN_MS = 200
};

/* The growth is looked at between these two. */
static const double first_calm = 0.1, last_calm = 0.97;

struct stage {
    struct soak soak;
    struct postgres *pg;
    struct world *w;
    struct client *client;
    struct load *load;
    struct server_threads *server;
    struct swaps *swaps;
    struct chance chance;
    struct outcome_of_soak outcome;
    double begin_ms, look_ms, tell_ms;
    double *kills, *crashes;      /* how far the soak is then, 0 to 1; sorted */
    double pauses_before, pauses; /* of engines: in lives that are over, in this one */
    bool abrupt, grows;
};

/* ---- setting the stage ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double *choose_moments(struct chance *c, uint64_t n)
{
    if (n > EVENTS_MAX)
        cannot_go_on("more than %d kills or crashes", EVENTS_MAX);
    double *moments = calloc(n + 1, sizeof *moments);
    if (moments == NULL)
        cannot_go_on("out of memory");
    for (uint64_t i = 0; i < n; i++)
        moments[i] = 0.05 + 0.9 * chance_below(c, 100000) / 100000;
    qsort(moments, n, sizeof *moments, by_value);
    moments[n] = 2; /* never */
    return moments;
}

static const char *plugin_config(struct stage *g)
{
    static char text[1024];
    (void)snprintf(text, sizeof text,
                   "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"recorder.so\", \"config\": "
                   "{\"conninfo\": \"%s\"}, \"swap\": {\"drain_ms\": %d}}]}",
                   postgres_conninfo(g->pg), g->abrupt ? 0 : DRAIN_MS);
    return text;
}

static void make_world(struct stage *g)
{
    const struct soak_options *o = &g->soak.options;
    char config[2048], delay[64];
    (void)snprintf(delay, sizeof delay, "commit_delay=%llu",
                   (unsigned long long)o->commit_ms * 1000);
    const char *const settings[] = {"shared_buffers=256MB", "max_wal_size=4GB", delay,
                                    "commit_siblings=0", NULL};
    g->pg = postgres_new(&(struct postgres_options){.settings = settings});
    postgres_fresh_database(g->pg);
    (void)snprintf(config, sizeof config,
                   "{\"engine\": {\"command\": [\"%s\", \"--seed\", \"%llu\", \"--lines\", "
                   "\"%llu\", \"--undecided\", \"%llu\", \"--rate\", \"%llu\"]}, "
                   "\"max_concurrent_runs\": %llu, "
                   "\"schedules\": [{\"name\": \"often\", \"every\": \"3s\"}], "
                   "\"journal\": {\"retain_seconds\": 2000000, \"retain_bytes\": 1000000000000, "
                   "\"max_bytes\": 4000000000000}}",
                   SOAK_ENGINE, (unsigned long long)o->seed, (unsigned long long)o->lines,
                   (unsigned long long)o->undecided,
                   (unsigned long long)(o->rate == 0 ? 0 : o->rate / o->engines + 1),
                   (unsigned long long)o->engines);
    const struct world_options options = {.pg = g->pg, .config = config};
    g->w = world_new(&options);
    given_config(g->w, plugin_config(g));
}

static void take_build(struct stage *g, const char *path)
{
    struct soak *s = &g->soak;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    if (s->n_pool == POOL_MAX)
        cannot_go_on("more than %d builds in the pool", POOL_MAX);
    given_plugin(g->w, path, name);
    if (s->n_pool == 0)
        given_plugin(g->w, path, "recorder.so"); /* there has to be one at the start */
    s->pool[s->n_pool++] = strdup(name);
}

/* Files, with colons between. */
static void take_pool(struct stage *g)
{
    char *rest = strdup(g->soak.options.pool), *paths = rest, *path = NULL;
    while ((path = strsep(&rest, ":")) != NULL)
        take_build(g, path);
    free(paths);
}

static void begin(struct stage *g)
{
    struct soak *s = &g->soak;
    make_world(g);
    take_pool(g);
    world_start(g->w);
    await_plugin(g->w, "recorder", "live");
    s->socket = world_path(g->w, "admin.sock");
    s->plugin_folder = world_path(g->w, "plugins");
    s->conninfo = strdup(postgres_conninfo(g->pg));
    s->load = true;
    s->most = s->options.swaps;
    g->client = client_new(s->socket);
    g->load = load_start(s);
    g->server = server_threads_start(s);
    g->swaps = swaps_start(s, g->server);
    g->begin_ms = g->look_ms = g->tell_ms = soak_now_ms();
}

/* ---- what happens to it ---- */

static void reload(struct stage *g)
{
    unsigned place = (unsigned)(g->soak.ordered % CYCLE);
    bool abrupt = place * 100 < g->soak.options.abrupt * CYCLE;
    if (abrupt == g->abrupt)
        return;
    g->abrupt = abrupt;
    given_config(g->w, plugin_config(g));
    world_signal(g->w, SIGHUP);
    swaps_set_abrupt(g->swaps, abrupt);
}

static void kill_host(struct stage *g)
{
    g->pauses_before += g->pauses;
    g->pauses = 0;
    g->soak.host_is_down = true;
    g->soak.lives++;
    world_kill(g->w);
    world_start(g->w);
    g->soak.host_is_down = false;
    swaps_disturb(g->swaps);
    g->outcome.kills++;
}

static void crash_server(struct stage *g)
{
    g->soak.server_is_down = true;
    swaps_disturb(g->swaps);
    postgres_restart(g->pg, POSTGRES_IMMEDIATE);
    g->soak.server_is_down = false;
    swaps_disturb(g->swaps);
    g->outcome.crashes++;
}

/* A host that ends by itself ends the soak, and its log is shown. */
static void see_that_it_lives(struct stage *g)
{
    int status = 0;
    if (process_wait(world_pid(g->w), 0, &status))
        world_fail(g->w, __FILE__, __LINE__,
                   "walltrackd ended by itself, status %d (seed %llu, %lu swaps)", status,
                   (unsigned long long)g->soak.options.seed, (unsigned long)g->soak.ordered);
}

static double loop_turn_ms(struct client *c)
{
    double seconds = client_metric(c, "walltrack_loop_turn_seconds_max");
    return seconds < 0 ? -1 : seconds * 1000;
}

static void look(struct stage *g)
{
    double pauses = client_metric(g->client, "walltrack_engine_pauses_total");
    double turn = loop_turn_ms(g->client);
    g->pauses = pauses >= 0 ? pauses : g->pauses;
    g->outcome.loop_ms = turn > g->outcome.loop_ms ? turn : g->outcome.loop_ms;
}

static double progress(const struct stage *g)
{
    const struct soak_options *o = &g->soak.options;
    double passed = (soak_now_ms() - g->begin_ms) / 1000;
    double by_swaps = o->swaps > 0 ? (double)g->soak.ordered / (double)o->swaps : 0;
    double by_time = o->seconds > 0 ? passed / (double)o->seconds : 0;
    return by_swaps > by_time ? by_swaps : by_time;
}

static void tell(struct stage *g)
{
    struct holdings h = process_holdings(world_pid(g->w));
    printf("%4.0f s  %lu swaps, %lu of them LIVE; %lu kills, %lu crashes; host %ld KiB, %ld "
           "descriptors, %ld mappings, %ld threads\n",
           (soak_now_ms() - g->begin_ms) / 1000, (unsigned long)g->soak.ordered,
           (unsigned long)g->soak.live, g->outcome.kills, g->outcome.crashes, h.resident_kib,
           h.descriptors, h.mappings, h.threads);
    (void)fflush(stdout);
}

/* ---- calm ---- */

static bool is_settled(struct client *c)
{
    if (client_metric(c, "walltrack_runs_running") != 0 ||
        client_ask(c, "GET", "/api/plugins/recorder", NULL, 5000) != 200)
        return false;
    const json_t *lag = json_object_get(client_json(c), "lag");
    return json_is_true(json_object_get(client_json(c), "live")) && json_is_integer(lag) &&
           json_integer_value(lag) == 0;
}

static void await_settled(struct stage *g)
{
    double until = soak_now_ms() + SETTLE_MS;
    while (!is_settled(g->client)) {
        see_that_it_lives(g);
        if (!g->soak.stop)
            reload(g);
        if (soak_now_ms() > until)
            world_fail(g->w, __FILE__, __LINE__,
                       "after %d s runs are going or events are not recorded: %s", SETTLE_MS / 1000,
                       client_text(g->client));
        soak_pause_ms(TURN_MS * 4);
    }
}

/* What the host holds with nothing to do, after swaps with nothing to do. */
static struct holdings holdings_in_calm(struct stage *g, unsigned long *swaps)
{
    struct holdings least = {0};
    g->soak.load = false;
    await_settled(g);
    unsigned long until = g->soak.ordered + 10;
    while (g->soak.ordered < until && !swaps_are_done(g->swaps))
        soak_pause_ms(TURN_MS);
    g->soak.hold_swaps = true;
    while (g->soak.swap_is_going)
        soak_pause_ms(TURN_MS);
    await_settled(g);
    *swaps = g->soak.ordered;
    for (int i = 0; i < 10; i++) {
        soak_pause_ms(30);
        struct holdings h = process_holdings(world_pid(g->w));
        if (i == 0 || h.resident_kib < least.resident_kib)
            least = h;
    }
    g->soak.hold_swaps = false;
    g->soak.load = true;
    return least;
}

static void look_at_growth(struct stage *g, double at)
{
    struct outcome_of_soak *r = &g->outcome;
    if (!g->grows)
        return;
    if (at >= first_calm && r->calm_swaps == 0) {
        r->calm = holdings_in_calm(g, &r->calm_swaps);
    } else if (at >= last_calm && !r->grown && r->calm_swaps > 0) {
        r->end = holdings_in_calm(g, &r->end_swaps);
        r->grown = r->end_swaps > r->calm_swaps + 20;
    }
}

static void await_swaps(struct stage *g, unsigned long more)
{
    g->soak.most = g->soak.ordered + more;
    while (!swaps_are_done(g->swaps)) {
        see_that_it_lives(g);
        soak_pause_ms(TURN_MS);
    }
}

/* What stays behind of a swap, and of nothing else: there is nothing else. */
static void look_at_quiet_swaps(struct stage *g)
{
    pid_t pid = world_pid(g->w);
    if (g->soak.options.quiet == 0)
        return;
    g->soak.load = false;
    given_config(g->w, "{\"schedules\": []}");
    world_signal(g->w, SIGHUP);
    await_settled(g);
    await_swaps(g, QUIET_FIRST);
    long before = process_holdings(pid).resident_kib;
    await_swaps(g, g->soak.options.quiet);
    g->outcome.quiet_kib = process_holdings(pid).resident_kib - before;
}

/* ---- the soak ---- */

static void one_turn(struct stage *g)
{
    double at = progress(g), now = soak_now_ms();
    see_that_it_lives(g);
    if (at >= g->kills[g->outcome.kills])
        kill_host(g);
    else if (at >= g->crashes[g->outcome.crashes])
        crash_server(g);
    else
        reload(g);
    look_at_growth(g, at);
    if (now - g->look_ms >= LOOK_MS) {
        look(g);
        g->look_ms = now;
    }
    if (now - g->tell_ms >= TELL_MS) {
        tell(g);
        g->tell_ms = now;
    }
    soak_pause_ms(TURN_MS);
}

static void run_soak(struct stage *g)
{
    while (progress(g) < 1 && !swaps_are_done(g->swaps))
        one_turn(g);
    while (g->outcome.crashes < g->soak.options.crashes)
        crash_server(g);
    look_at_quiet_swaps(g);
}

static void finish(struct stage *g)
{
    struct outcome_of_soak *r = &g->outcome;
    r->seconds = (soak_now_ms() - g->begin_ms) / 1000;
    g->soak.load = false;
    g->soak.stop = true;
    given_config(g->w, "{\"schedules\": []}");
    world_signal(g->w, SIGHUP);
    swaps_join(g->swaps, &r->book);
    r->runs = load_join(g->load, &r->held_seconds);
    r->backends_ended = server_threads_join(g->server, &r->commit_ms);
    await_settled(g);
    look(g);
    r->engine_pauses = g->pauses_before + g->pauses;
    world_stop(g->w);
}

static const char *numeral(uint64_t number, char out[24])
{
    (void)snprintf(out, 24, "%llu", (unsigned long long)number);
    return out;
}

static void call_judge(struct stage *g)
{
    char seed[24], lines[24], undecided[24];
    const struct soak_options *o = &g->soak.options;
    const char *out = world_path(g->w, "judge.out");
    const char *const argv[] = {SOAK_JUDGE,
                                "--journal",
                                world_path(g->w, "state/journal.db"),
                                "--database",
                                g->soak.conninfo,
                                "--seed",
                                numeral(o->seed, seed),
                                "--lines",
                                numeral(o->lines, lines),
                                "--undecided",
                                numeral(o->undecided, undecided),
                                NULL};
    const struct process_options options = {.output = out};
    pid_t pid = process_start(argv, &options);
    if (!process_wait(pid, JUDGE_MS, &g->outcome.judged)) {
        (void)process_stop(pid, SIGKILL, 1000);
        cannot_go_on("the judge did not come to an end");
    }
    char *text = scratch_read(out);
    (void)snprintf(g->outcome.verdict, sizeof g->outcome.verdict, "%.*s",
                   text != NULL ? (int)strcspn(text, "\n") : 0, text != NULL ? text : "");
    free(text);
}

static void keep(struct stage *g)
{
    const char *folder = g->soak.options.keep;
    if (folder == NULL)
        return;
    const char *const argv[] = {"cp", world_path(g->w, "log"), world_path(g->w, "state/journal.db"),
                                folder, NULL};
    const struct process_options options = {0};
    (void)process_run(argv, &options);
}

static void drop(struct stage *g)
{
    client_free(g->client);
    world_free(g->w);
    postgres_free(g->pg);
    book_free(&g->outcome.book);
    figures_free(&g->outcome.commit_ms);
    for (unsigned i = 0; i < g->soak.n_pool; i++)
        free(g->soak.pool[i]);
    free((char *)g->soak.conninfo);
    free(g->kills);
    free(g->crashes);
}

int main(int argc, char **argv)
{
    static struct stage g = {.outcome.loop_ms = -1};
    struct soak_options *o = &g.soak.options;
    soak_options_read(argc, argv, o);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    g.chance = chance_of(o->seed, 1);
    g.kills = choose_moments(&g.chance, o->kills);
    g.crashes = choose_moments(&g.chance, o->crashes);
    g.grows = o->kills == 0 && o->crashes == 0 && SOAK_SEES_GROWTH;
    begin(&g);
    run_soak(&g);
    finish(&g);
    call_judge(&g);
    keep(&g);
    bool good = report_soak(o, &g.outcome);
    drop(&g);
    return good ? 0 : 1;
}
