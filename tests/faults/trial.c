#include "trial.h"

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak_process.h"
#include "support/failure.h"
#include "support/process.h"
#include "support/scratch.h"
#include "support/world_parts.h"

enum {
    RATE = 1500,
    ENGINES = 2,
    LINES = 700,
    UNDECIDED = 33,
    RECOVER_MS = 15000,
    SETTLE_MS = 60000,
    LEFT_OVER_MS = 3000,
    JUDGE_MS = 300000,
    SLOW_MS = 5000,
    DESCRIPTORS_MOST = 80,
    THREADS_MOST = 24,
    RESIDENT_KIB_MOST = 64 * 1024,
    TURN_MS = 2
};

/* ---- making it ---- */

static void make_soak(struct trial *t)
{
    struct soak *s = &t->soak;
    s->options.engines = ENGINES;
    s->options.lines = t->lines;
    s->options.seed = fault_plan->seed;
    s->socket = world_path(t->w, "admin.sock");
    s->answers = world_path(t->w, "answers");
    s->leaves_room = true;
    s->load = true;
}

static void add_configuration(struct trial *t, uint64_t rate, const char *conninfo)
{
    char text[2048];
    (void)snprintf(
        text, sizeof text,
        "{\"engine\": {\"command\": [\"%s\", \"--seed\", \"%llu\", \"--lines\", \"%llu\", "
        "\"--undecided\", \"%llu\", \"--rate\", \"%llu\"]}, \"max_concurrent_runs\": %d, "
        "\"schedules\": [{\"name\": \"often\", \"every\": \"1s\"}], \"log\": {\"level\": "
        "\"info\"}, "
        "\"journal\": {\"retain_seconds\": 2000000, \"retain_bytes\": 1000000000000, "
        "\"max_bytes\": 4000000000000}, \"plugins\": [{\"name\": \"recorder\", \"path\": "
        "\"recorder.so\", \"config\": {\"conninfo\": \"%s\"%s}, "
        "\"swap\": {\"probation_seconds\": 1}}]}",
        SOAK_ENGINE, (unsigned long long)fault_plan->seed, (unsigned long long)t->lines,
        (unsigned long long)t->undecided, (unsigned long long)(rate / ENGINES + 1), ENGINES + 2,
        conninfo, t->spec.plugin != NULL ? t->spec.plugin : "");
    given_config(t->w, text);
    if (t->spec.config != NULL)
        given_config(t->w, t->spec.config);
}

static void make_world(struct trial *t)
{
    char conninfo[256];
    const struct world_options options = {.pg = t->spec.pg, .set = t->set};
    postgres_fresh_database(t->spec.pg);
    t->w = world_new(&options);
    if (fault_plan->recorder != NULL)
        given_plugin(t->w, fault_plan->recorder, "recorder.so");
    (void)snprintf(conninfo, sizeof conninfo, "%s", postgres_conninfo(t->spec.pg));
    if (t->spec.proxied) {
        const char *database = strrchr(conninfo, '=') + 1;
        char through[256];
        t->proxy = proxy_new(world_path(t->w, ""), postgres_directory(t->spec.pg));
        (void)snprintf(through, sizeof through, "host=%s port=5432 user=postgres dbname=%s",
                       proxy_folder(t->proxy), database);
        (void)snprintf(conninfo, sizeof conninfo, "%s", through);
    }
    add_configuration(t, t->spec.rate != 0 ? t->spec.rate : RATE, conninfo);
}

void trial_begin(struct trial *t, const struct trial_spec *spec, struct fault_row *row)
{
    *t = (struct trial){.spec = *spec, .row = row, .lines = LINES, .undecided = UNDECIDED};
    t->chance = chance_of(fault_plan->seed, (unsigned)row->name[0] * 31 + (unsigned)row->name[4]);
    t->set[0] = "WALLTRACK_FAULT=";
    make_world(t);
    make_soak(t);
    if (spec->before_start != NULL)
        spec->before_start(t, spec->arg);
    world_start(t->w);
    await_plugin(t->w, "recorder", "live");
    t->client = client_new(t->soak.socket);
    t->load = load_start(&t->soak);
    if (!trial_await_progress(t, process_now_ms()))
        cannot_go_on("%s: nothing is recorded at all", spec->name);
    row->timed = row->count = 0;
    row->worst_ms = row->sum_ms = 0;
}

/* ---- watching ---- */

bool trial_look(struct trial *t, struct cursor_mark *out)
{
    if (t->watch == NULL)
        t->watch = PQconnectdb(postgres_conninfo(t->spec.pg));
    PGresult *r = PQstatus(t->watch) == CONNECTION_OK
                      ? PQexec(t->watch, "SELECT token, seq FROM walltrack.recorder_cursor")
                      : NULL;
    bool good = PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) == 1;
    if (good)
        *out = (struct cursor_mark){strtoull(PQgetvalue(r, 0, 0), NULL, 10),
                                    strtoull(PQgetvalue(r, 0, 1), NULL, 10)};
    PQclear(r);
    if (PQstatus(t->watch) != CONNECTION_OK) {
        PQfinish(t->watch);
        t->watch = NULL;
    }
    return good;
}

void trial_mark(struct trial *t)
{
    (void)trial_look(t, &t->mark);
}

void trial_count(struct trial *t)
{
    t->row->count++;
}

void trial_blame(struct trial *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (t->row->blamed++ == 0)
        (void)vsnprintf(t->row->note, sizeof t->row->note, format, args);
    va_end(args);
}

static void see_that_it_lives(struct trial *t)
{
    int status = 0;
    if (world_pid(t->w) <= 0 || !process_wait(world_pid(t->w), 0, &status))
        return;
    t->w->pid = -1;
    world_fail(t->w, __FILE__, __LINE__, "%s: walltrackd ended by itself, status %d", t->spec.name,
               status);
}

static bool await_beyond(struct trial *t, long end_ms, bool fresh)
{
    struct cursor_mark now = {0, 0};
    bool is_planted = fault_plan->recorder != NULL; /* it may leave no token */
    t->row->count++;
    for (;;) {
        bool good = trial_look(t, &now);
        if (good && now.seq > t->mark.seq && (!fresh || now.token != t->mark.token || is_planted))
            break;
        if (process_now_ms() - end_ms > RECOVER_MS) {
            t->row->stuck++;
            (void)snprintf(t->row->note, sizeof t->row->note,
                           "nothing recorded after fault %lu, event %llu", t->row->count, now.seq);
            return false;
        }
        see_that_it_lives(t);
        process_pause_ms(TURN_MS);
    }
    double took = (double)(process_now_ms() - end_ms);
    t->row->timed++;
    t->row->sum_ms += took;
    t->row->worst_ms = took > t->row->worst_ms ? took : t->row->worst_ms;
    return true;
}

bool trial_await_detail(struct trial *t, const char *words, long ms)
{
    long until = process_now_ms() + ms;
    for (;;) {
        int status = client_ask(t->client, "GET", "/api/plugins/recorder", NULL, 5000);
        if (status == 200 && strstr(client_text(t->client), words) != NULL)
            return true;
        if (process_now_ms() > until)
            return false;
        process_pause_ms(TURN_MS);
    }
}

bool trial_await_recovery(struct trial *t, long end_ms)
{
    return await_beyond(t, end_ms, true);
}

bool trial_await_progress(struct trial *t, long end_ms)
{
    return await_beyond(t, end_ms, false);
}

/* ---- the host ---- */

/* How many engines of this trial are there: their command line names the world's seed, and the
 * environment that a keeper leaves them its directory. */
static unsigned count_engines(void)
{
    unsigned count = 0;
    char path[64], line[512], seed[32];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)fault_plan->seed);
    DIR *d = opendir("/proc");
    const struct dirent *e = NULL;
    while (d != NULL && (e = readdir(d)) != NULL) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof path, "/proc/%.20s/cmdline", e->d_name);
        FILE *f = fopen(path, "re");
        size_t n = f != NULL ? fread(line, 1, sizeof line - 1, f) : 0;
        if (f != NULL)
            (void)fclose(f);
        line[n] = '\0';
        count += n > 0 && strcmp(line, SOAK_ENGINE) == 0 && memmem(line, n, seed, strlen(seed));
    }
    if (d != NULL)
        (void)closedir(d);
    return count;
}

static void see_that_no_engine_is_left(struct trial *t)
{
    long until = process_now_ms() + LEFT_OVER_MS;
    unsigned left;
    while ((left = count_engines()) > 0 && process_now_ms() < until)
        process_pause_ms(TURN_MS);
    if (left > 0)
        trial_blame(t, "%u engines outlived the host", left);
}

void trial_kill(struct trial *t)
{
    world_kill(t->w);
    see_that_no_engine_is_left(t);
}

bool trial_start(struct trial *t, const char *point)
{
    int status = 0;
    long until = process_now_ms() + WORLD_MS;
    t->set[0] = "WALLTRACK_FAULT=";
    if (point != NULL) {
        (void)snprintf(t->point, sizeof t->point, "WALLTRACK_FAULT=%s", point);
        t->set[0] = t->point;
    }
    world_launch(t->w);
    while (client_ask(t->client, "GET", "/health", NULL, 1000) == 0) {
        if (process_wait(world_pid(t->w), TURN_MS, &status)) {
            t->w->pid = -1;
            return false;
        }
        if (process_now_ms() > until)
            world_fail(t->w, __FILE__, __LINE__, "walltrackd does not answer");
    }
    return true;
}

bool trial_await_end(struct trial *t, int ms)
{
    int status = 0;
    if (world_pid(t->w) > 0 && !process_wait(world_pid(t->w), ms, &status))
        return false;
    t->w->pid = -1;
    return true;
}

/* ---- the end ---- */

static bool is_settled(struct trial *t)
{
    if (client_metric(t->client, "walltrack_runs_running") != 0 ||
        client_ask(t->client, "GET", "/api/plugins/recorder", NULL, 5000) != 200)
        return false;
    const json_t *lag = json_object_get(client_json(t->client), "lag");
    return json_is_true(json_object_get(client_json(t->client), "live")) && json_is_integer(lag) &&
           json_integer_value(lag) == 0;
}

/* Whatever was done to it, an idle host holds little. */
static void see_what_it_holds(struct trial *t)
{
    struct holdings h = process_holdings(world_pid(t->w));
    if (h.descriptors > DESCRIPTORS_MOST || h.threads > THREADS_MOST ||
        (!FAULTS_SANITIZED && h.resident_kib > RESIDENT_KIB_MOST))
        trial_blame(t, "the host holds %ld KiB, %ld descriptors, %ld threads", h.resident_kib,
                    h.descriptors, h.threads);
}

static void settle(struct trial *t)
{
    long until = process_now_ms() + SETTLE_MS;
    double held = 0;
    t->soak.load = false;
    given_config(t->w, "{\"schedules\": []}");
    world_signal(t->w, SIGHUP);
    t->soak.stop = true;
    (void)load_join(t->load, &held);
    while (!is_settled(t)) {
        see_that_it_lives(t);
        if (process_now_ms() > until) {
            trial_blame(t, "not all was recorded in %d s: %.100s", SETTLE_MS / 1000,
                        client_text(t->client));
            break;
        }
        process_pause_ms(TURN_MS * 5);
    }
    see_what_it_holds(t);
    world_stop(t->w);
    see_that_no_engine_is_left(t);
}

static long figure(const char *text, const char *name)
{
    const char *at = text != NULL ? strstr(text, name) : NULL;
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void take_verdict(struct trial *t, int status, const char *text)
{
    static const char *const others[] = {
        "reordered=", "altered=", "foreign=", "runs_wrong=", "quarantined=", "gaps=", "lag="};
    struct fault_row *r = t->row;
    if (figure(text, "lost=") < 0) {
        trial_blame(t, "the judge could not judge, status %d: %.120s", status,
                    text != NULL ? text : "");
        return;
    }
    r->judged = true;
    r->lost = figure(text, "lost=");
    r->doubled = figure(text, "duplicated=");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        r->wrong += figure(text, others[i]);
    if (status != 0)
        (void)snprintf(r->note, sizeof r->note, "%.190s", text);
}

static void judge(struct trial *t)
{
    char seed[24], lines[24], undecided[24];
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)fault_plan->seed);
    (void)snprintf(lines, sizeof lines, "%llu", (unsigned long long)t->lines);
    (void)snprintf(undecided, sizeof undecided, "%llu", (unsigned long long)t->undecided);
    const char *out = world_path(t->w, "judge.out");
    const char *const argv[] = {SOAK_JUDGE,
                                "--journal",
                                world_path(t->w, "state/journal.db"),
                                "--database",
                                postgres_conninfo(t->spec.pg),
                                "--seed",
                                seed,
                                "--lines",
                                lines,
                                "--undecided",
                                undecided,
                                t->spec.gone ? "--gone" : "--acknowledged",
                                t->spec.gone ? "--gone" : t->soak.answers,
                                t->spec.excuse ? "--excuse" : NULL,
                                "memory",
                                NULL};
    const struct process_options options = {.log = out};
    int status = -1;
    pid_t pid = process_start(argv, &options);
    if (!process_wait(pid, JUDGE_MS, &status))
        (void)process_stop(pid, SIGKILL, 1000);
    char *text = scratch_read(out);
    take_verdict(t, status, text);
    if (status != 0)
        (void)fprintf(stderr, "%s: %s\n", t->spec.name, text != NULL ? text : "");
    free(text);
}

/* Only the last one that was wrong, or slow. */
static void keep(struct trial *t)
{
    const char *const argv[] = {"cp",
                                "-r",
                                world_path(t->w, "log"),
                                world_path(t->w, "answers"),
                                world_path(t->w, "judge.out"),
                                world_path(t->w, "state/journal.db"),
                                fault_plan->keep,
                                NULL};
    const struct process_options options = {0};
    if (fault_plan->keep != NULL)
        (void)process_run(argv, &options);
}

void trial_end(struct trial *t)
{
    struct fault_row *r = t->row;
    settle(t);
    judge(t);
    if (r->worst_ms > SLOW_MS || !r->judged || r->lost + r->doubled + r->wrong > 0 ||
        r->blamed + r->stuck > 0)
        keep(t);
    PQfinish(t->watch);
    if (t->spec.after_end != NULL)
        t->spec.after_end(t);
    client_free(t->client);
    proxy_free(t->proxy);
    world_free(t->w);
}
