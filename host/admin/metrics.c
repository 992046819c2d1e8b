#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "admin/request.h"
#include "admin/routes.h"
#include "metric.h"

/* A figure of the host: its name, its label and its meaning. */
static void counter(struct metric_set *set, const char *name, const char *label, const char *value,
                    const char *help, uint64_t count)
{
    const wt_metric m = {name, help, label, value};
    metric_counter(set, &m, count);
}

static void gauge(struct metric_set *set, const char *name, const char *help, double value)
{
    const wt_metric m = {name, help, NULL, NULL};
    metric_gauge(set, &m, value);
}

static void add_runs(struct metric_set *set, const struct runs *runs)
{
    static const char ended[] = "runs that have ended since the host started";
    static const char lines[] = "lines that engines have printed";
    static const char found[] = "wallets that engines have reported";
    struct runs_stats s;
    runs_stats(runs, &s);
    gauge(set, "runs_running", "runs that are going", (double)runs_running(runs));
    counter(set, "runs_started", NULL, NULL, "runs started since the host started", s.started);
    counter(set, "runs_ended", "status", "completed", ended, s.completed);
    counter(set, "runs_ended", "status", "failed", ended, s.failed);
    counter(set, "runs_ended", "status", "cancelled", ended, s.cancelled);
    counter(set, "engine_lines", "quality", "good", lines, s.lines - s.bad_lines);
    counter(set, "engine_lines", "quality", "bad", lines, s.bad_lines);
    counter(set, "discoveries", "kind", "first", found, s.discoveries);
    counter(set, "discoveries", "kind", "repeated", found, s.duplicates);
    counter(set, "engine_pauses", NULL, NULL, "how often an engine was not read for want of room",
            s.paused_reads);
}

static void add_loop(struct metric_set *set, const struct watchdog *watchdog)
{
    struct watchdog_stats s = watchdog_stats(watchdog);
    counter(set, "loop_turns", NULL, NULL, "turns of the event loop", s.turns);
    counter(set, "loop_stalls", NULL, NULL, "turns longer than watchdog.trace_ms", s.stalls);
    gauge(set, "loop_turn_seconds_max", "longest turn since the host started",
          (double)s.longest_turn_us / 1e6);
}

static void add_journal(struct metric_set *set, const struct journal *journal)
{
    struct journal_stats s;
    journal_stats(journal, &s);
    gauge(set, "journal_oldest_event", "first event that can be read", (double)s.oldest);
    gauge(set, "journal_head_event", "last durable event", (double)s.head);
    gauge(set, "journal_bytes", "bytes of events kept", (double)s.bytes);
    gauge(set, "journal_max_bytes", "bytes at which the journal is full", (double)s.max_bytes);
    gauge(set, "journal_pending_bytes", "bytes not yet durable", (double)s.pending_bytes);
    gauge(set, "journal_failed", "1 when a write failed for good", s.failed ? 1 : 0);
    gauge(set, "journal_commit_seconds_max", "slowest commit since the host started",
          (double)s.commit_us_max / 1e6);
    counter(set, "journal_commits", NULL, NULL, "commits to disk", s.commits);
    counter(set, "journal_commit_microseconds", NULL, NULL, "time spent in commits",
            s.commit_us_sum);
    counter(set, "journal_events_removed", NULL, NULL, "events removed after their retention",
            s.trimmed);
}

static void add_plugins(struct metric_set *set, const struct plugins *plugins)
{
    for (size_t i = 0; i < plugins_count(plugins); i++) {
        struct plugin_view v;
        size_t first = set->count;
        plugins_view(plugins, i, &v);
        gauge(set, "plugin_live", "1 when the plugin takes events", v.live ? 1 : 0);
        gauge(set, "plugin_lag_events", "durable events not yet acknowledged", (double)v.lag);
        gauge(set, "plugin_cursor_event", "last acknowledged event", (double)v.cursor);
        gauge(set, "plugin_generation", "instances opened so far", (double)v.generation);
        plugins_stats(plugins, i, set);
        metric_set_tag(set, first, "plugin", v.name);
    }
}

static void add_admin(struct metric_set *set, const struct admin *admin)
{
    static const char *const classes[] = {NULL, NULL, "2xx", "3xx", "4xx", "5xx"};
    struct admin_stats s;
    admin_stats(admin, &s);
    for (int i = 2; i < 6; i++)
        counter(set, "http_answers", "status", classes[i], "answers of the admin API",
                s.answers[i]);
    counter(set, "http_connections", NULL, NULL, "connections accepted", s.connections);
    counter(set, "http_connections_refused", NULL, NULL, "connections over the cap", s.refused);
    counter(set, "http_overdue", NULL, NULL, "requests past a deadline", s.overdue);
    gauge(set, "http_connections_open", "connections open now", (double)s.connections_open);
    gauge(set, "http_exports_open", "exports under way", (double)s.exports_open);
}

/* The second number of statm, in pages. */
static double resident_bytes(void)
{
    char line[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    const char *second = fgets(line, sizeof line, file) != NULL ? strchr(line, ' ') : NULL;
    fclose(file);
    double pages = second != NULL ? (double)strtoul(second, NULL, 10) : 0;
    return pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_descriptors(void)
{
    int count = -3; /* ".", ".." and the one that looks */
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void add_process(struct metric_set *set, const struct admin_ports *ports)
{
    const wt_metric build = {"build", "version of the host", NULL, NULL};
    struct timeval now;
    gettimeofday(&now, NULL);
    metric_text(set, &build, ports->version);
    gauge(set, "uptime_seconds", "since the host started",
          (double)now.tv_sec + (double)now.tv_usec / 1e6 - (double)ports->started_us / 1e6);
    gauge(set, "resident_bytes", "memory of the host's process", resident_bytes());
    gauge(set, "open_descriptors", "descriptors of the host's process", open_descriptors());
}

void metrics_get(struct request *r)
{
    const struct admin_ports *ports = request_ports(r);
    struct metric_set set = {0};
    add_process(&set, ports);
    add_loop(&set, ports->watchdog);
    add_runs(&set, ports->runs);
    add_journal(&set, ports->journal);
    add_plugins(&set, ports->plugins);
    add_admin(&set, request_admin(r));
    char *text = set.failed ? NULL : metric_set_prometheus(&set, "walltrack_");
    metric_set_free(&set);
    request_answer(r, 200, "text/plain; version=0.0.4; charset=utf-8", text);
}
