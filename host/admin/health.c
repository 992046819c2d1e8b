/* GET /health: can runs be recorded?
 *
 *     200 "ok"        all is well
 *     200 "degraded"  runs are accepted and journalled, but a plugin is not live: what it would
 *                     have recorded waits in the journal
 *     503 "unready"   no run would be accepted: the journal failed or is full, or the host stops
 *
 * `reasons` says in words what is wrong, the rest in figures.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/time.h>

#include "admin/live.h"
#include "admin/request.h"
#include "admin/routes.h"

struct health {
    bool unready, degraded;
    json_t *reasons;
};

static void add_reason(struct health *h, const char *part, const char *what)
{
    char text[400];
    snprintf(text, sizeof text, "%s: %s", part, what);
    json_array_append_new(h->reasons, live_text(text));
}

static json_t *check_journal(struct health *h, const struct admin_ports *ports)
{
    struct journal_stats s;
    journal_stats(ports->journal, &s);
    bool full = journal_is_full(ports->journal);
    if (s.failed)
        add_reason(h, "journal", s.failure);
    if (full)
        add_reason(h, "journal", "it is full; runs go on when the plugins have caught up");
    h->unready = h->unready || s.failed || full;
    return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I}", "failed", s.failed, "full", full,
                     "oldest", (json_int_t)s.oldest, "head", (json_int_t)s.head, "bytes",
                     (json_int_t)s.bytes, "max_bytes", (json_int_t)s.max_bytes, "pending_bytes",
                     (json_int_t)s.pending_bytes);
}

static json_t *check_plugins(struct health *h, const struct admin_ports *ports)
{
    json_t *list = json_array();
    for (size_t i = 0; i < plugins_count(ports->plugins); i++) {
        struct plugin_view v;
        plugins_view(ports->plugins, i, &v);
        if (!v.live) {
            h->degraded = true;
            add_reason(h, v.name, v.detail != NULL ? v.detail : v.state);
        }
        json_array_append_new(list,
                              json_pack("{s:o, s:b, s:o, s:o, s:I}", "name", live_text(v.name),
                                        "live", v.live, "state", live_text(v.state), "detail",
                                        live_text(v.detail), "lag", (json_int_t)v.lag));
    }
    return list;
}

void health_get(struct request *r)
{
    const struct admin_ports *ports = request_ports(r);
    struct health h = {.reasons = json_array()};
    struct timeval now;
    gettimeofday(&now, NULL);
    int64_t up_us = (int64_t)now.tv_sec * 1000000 + now.tv_usec - ports->started_us;

    if (ports->stopping != NULL && ports->stopping(ports->arg)) {
        h.unready = true;
        add_reason(&h, "walltrackd", "it is stopping");
    }
    json_t *journal = check_journal(&h, ports);
    json_t *plugins = check_plugins(&h, ports);
    const char *status = h.unready ? "unready" : h.degraded ? "degraded" : "ok";
    request_answer_json(
        r, h.unready ? 503 : 200,
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:{s:I}, s:o, s:o}", "status", status, "reasons",
                  h.reasons, "version", live_text(ports->version), "host",
                  live_text(ports->host_name), "started_at", live_time(ports->started_us),
                  "uptime_seconds", (json_int_t)(up_us / 1000000), "runs", "running",
                  (json_int_t)runs_running(ports->runs), "journal", journal, "plugins", plugins));
}
