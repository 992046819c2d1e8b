/* How the host starts and stops.
 *
 * Happy path: every part is made in order, "ready" is logged, the loop turns until a signal comes.
 * Then: running engines are asked to end and their runs recorded as cancelled; the API closes; the
 * scheduler closes; the plugins store what is durable; the journal closes.
 *
 * Failure modes: a part that cannot start takes down what was started before it, in the same
 * order as a stop.  A configuration that cannot be read again leaves the old one in force.
 */
#include "daemon.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/server.h"
#include "journal/journal.h"
#include "log.h"
#include "plugin/plugins.h"
#include "run/runs.h"
#include "schedule/scheduler.h"
#include "service.h"
#include "watch/crash.h"
#include "watch/watchdog.h"

enum { SIGNALS = 3, LEFT_BEHIND_MS = 2000 };

struct daemon {
    uv_loop_t loop;
    struct config *config;
    struct journal *journal;
    struct runs *runs;
    struct plugins *plugins;
    struct scheduler *scheduler;
    struct admin *admin;
    struct watchdog *watchdog;
    struct service *service;
    uv_signal_t signals[SIGNALS];
    uv_timer_t left_behind;
    bool stopping;
};

/* ---- stopping: each step begins when the one before it is done ---- */

/* A plugin's work that has not ended by now cannot be ended; all that counts is durable. */
static void on_left_behind(uv_timer_t *timer)
{
    (void)timer;
    log_line(LOG_WARNING, "daemon", "stopped; a plugin's work had not ended, and ends with it");
    _exit(0);
}

static void on_journal_closed(void *arg)
{
    struct daemon *d = arg;
    d->journal = NULL;
    uv_timer_start(&d->left_behind, on_left_behind, LEFT_BEHIND_MS, 0);
    uv_unref((uv_handle_t *)&d->left_behind);
    for (int i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&d->signals[i], NULL);
}

static void on_plugins_closed(void *arg)
{
    struct daemon *d = arg;
    d->plugins = NULL;
    if (d->journal != NULL)
        journal_close(d->journal, on_journal_closed, d);
    else
        on_journal_closed(d);
}

static void on_scheduler_closed(void *arg)
{
    struct daemon *d = arg;
    d->scheduler = NULL;
    runs_free(d->runs);
    d->runs = NULL;
    if (d->plugins != NULL)
        plugins_close(d->plugins, on_plugins_closed, d);
    else
        on_plugins_closed(d);
}

static void on_admin_closed(void *arg)
{
    struct daemon *d = arg;
    d->admin = NULL;
    if (d->scheduler != NULL)
        scheduler_close(d->scheduler, on_scheduler_closed, d);
    else
        on_scheduler_closed(d);
}

static void on_runs_stopped(void *arg)
{
    struct daemon *d = arg;
    if (d->admin != NULL)
        admin_close(d->admin, on_admin_closed, d);
    else
        on_admin_closed(d);
}

static void stop(struct daemon *d)
{
    d->stopping = true;
    service_stopping(d->service);
    if (d->journal != NULL)
        journal_hurry(d->journal);
    if (d->runs != NULL)
        runs_stop(d->runs, on_runs_stopped, d);
    else
        on_runs_stopped(d);
}

static bool is_stopping(void *arg)
{
    const struct daemon *d = arg;
    return d->stopping;
}

/* ---- reading the configuration again ---- */

struct reload {
    uv_work_t work;
    struct daemon *daemon;
    char *path;
    struct config *config;
    struct error err;
    int status;
};

static void read_config(uv_work_t *work)
{
    struct reload *r = work->data;
    r->status = config_load(r->path, &r->config, &r->err);
}

/* What was decided at the start stays in force: the new value is told of and the old one kept. */
static void keep(const char *key, char **fresh, char **old)
{
    if (g_strcmp0(*old, *fresh) != 0)
        log_line(LOG_WARNING, "daemon",
                 "%s: the change from %s to %s takes effect at the next start", key, *old, *fresh);
    char *dropped = *fresh;
    *fresh = *old;
    *old = dropped;
}

static void put_in_force(struct daemon *d, struct config *fresh)
{
    struct config *old = d->config;
    struct journal_limits limits = {fresh->journal.retain_seconds, fresh->journal.retain_bytes,
                                    fresh->journal.max_bytes};
    keep("state_dir", &fresh->state_dir, &old->state_dir);
    keep("admin.socket", &fresh->admin.socket, &old->admin.socket);
    keep("plugin_dir", &fresh->plugin_dir, &old->plugin_dir);
    keep("host_name", &fresh->host_name, &old->host_name);
    log_setup(fresh->log.level, fresh->log.format);
    d->config = fresh;
    journal_set_limits(d->journal, &limits);
    runs_configure(d->runs, fresh);
    scheduler_configure(d->scheduler, fresh);
    plugins_configure(d->plugins, fresh);
    config_free(old);
    log_line(LOG_INFO, "daemon", "%s was read again and is in force", fresh->path);
}

static void on_config_read(uv_work_t *work, int status)
{
    struct reload *r = work->data;
    (void)status; /* never cancelled */
    if (r->status != 0)
        log_line(LOG_ERROR, "daemon", "the old configuration stays in force: %s", r->err.msg);
    else if (r->daemon->stopping)
        config_free(r->config);
    else
        put_in_force(r->daemon, r->config);
    if (!r->daemon->stopping)
        service_ready(r->daemon->service,
                      r->status == 0 ? "serving" : "serving; the configuration on disk is wrong");
    g_free(r->path);
    free(r);
}

static void reload(struct daemon *d)
{
    struct reload *r = calloc(1, sizeof *r);
    if (r == NULL)
        return;
    service_reloading(d->service);
    r->work.data = r;
    r->daemon = d;
    r->path = g_strdup(d->config->path);
    uv_queue_work(&d->loop, &r->work, read_config, on_config_read);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct daemon *d = handle->data;
    if (number == SIGHUP) {
        if (!d->stopping)
            reload(d);
        return;
    }
    if (d->stopping) {
        log_line(LOG_WARNING, "daemon", "second signal: ending at once");
        _exit(1);
    }
    log_line(LOG_INFO, "daemon", "stopping on %s", strsignal(number));
    stop(d);
}

/* ---- starting ---- */

static void watch_signals(struct daemon *d)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of its write, not our end */
    for (int i = 0; i < SIGNALS; i++) {
        uv_signal_init(&d->loop, &d->signals[i]);
        d->signals[i].data = d;
        uv_signal_start(&d->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&d->loop, &d->left_behind);
}

/* Not before the plugins are there: their builds are tried out for as long as it takes. */
static void watch_loop(struct daemon *d)
{
    struct watchdog_limits limits = {(uint64_t)d->config->watchdog.trace_ms,
                                     (uint64_t)d->config->watchdog.abort_ms};
    struct error err;
    if (watchdog_start(&d->loop, &limits, &d->watchdog, &err) != 0)
        log_line(LOG_ERROR, "daemon", "no watchdog: %s", err.msg);
}

static int start(struct daemon *d, struct error *err)
{
    const struct config *c = d->config;
    struct journal_limits limits = {c->journal.retain_seconds, c->journal.retain_bytes,
                                    c->journal.max_bytes};
    if (journal_open(&d->loop, c->state_dir, &limits, &d->journal, err) != 0 ||
        runs_new(&d->loop, d->journal, c, &d->runs, err) != 0)
        return -1;
    runs_close_orphans(d->runs);
    if (plugins_new(&d->loop, d->journal, c, &d->plugins, err) != 0 ||
        scheduler_new(&d->loop, d->journal, d->runs, c, &d->scheduler, err) != 0)
        return -1;
    watch_loop(d);
    struct admin_ports ports = {
        .runs = d->runs,
        .scheduler = d->scheduler,
        .plugins = d->plugins,
        .journal = d->journal,
        .watchdog = d->watchdog,
        .host_name = c->host_name,
        .version = WALLTRACK_VERSION,
        .started_us = g_get_real_time(),
        .stopping = is_stopping,
        .arg = d,
    };
    return admin_new(&d->loop, c, &ports, &d->admin, err);
}

/* Turns the loop until nothing is left. */
static void turn(struct daemon *d)
{
    if (d->watchdog != NULL)
        watchdog_run(d->watchdog);
    else
        uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&d->left_behind, NULL);
    service_close(d->service);
    uv_run(&d->loop, UV_RUN_NOWAIT);
    watchdog_stop(d->watchdog);
    d->watchdog = NULL;
}

int daemon_run(struct config *config, struct error *err)
{
    struct daemon *d = calloc(1, sizeof *d);
    if (d == NULL || uv_loop_init(&d->loop) != 0) {
        free(d);
        config_free(config);
        return error_set(err, ENOMEM, "cannot make an event loop");
    }
    d->config = config;
    log_setup(config->log.level, config->log.format);
    crash_watch();
    watch_signals(d);
    d->service = service_new(&d->loop);
    int status = start(d, err);
    if (status == 0) {
        service_ready(d->service, "serving");
        log_line(LOG_INFO, "daemon",
                 "walltrackd " WALLTRACK_VERSION " is ready: state in %s, API on %s",
                 config->state_dir, config->admin.socket);
    } else {
        stop(d);
    }
    turn(d);
    if (uv_loop_close(&d->loop) != 0)
        log_line(LOG_ERROR, "daemon", "handles were left open at the end");
    else if (status == 0)
        log_line(LOG_INFO, "daemon", "stopped");
    config_free(d->config);
    free(d);
    return status;
}
