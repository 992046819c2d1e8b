#include "stats.h"

static const double time_bounds[TIME_BOUNDS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                0.1,   0.25,   0.5,   1,    5,     30};
static const double row_bounds[ROW_BOUNDS] = {1, 10, 100, 500, 1000, 2500, 5000, 10000, 20000};

static const char *const kind_names[KIND_COUNT] = {
    NULL, "run_start", "token", "wallet", "run_error", "run_end", "slot",
};

static size_t bucket(const double *bounds, size_t n, double value)
{
    size_t i = 0;
    while (i < n && value > bounds[i])
        i++;
    return i;
}

void figures_batch(struct figures *f, size_t events, size_t bytes, double seconds)
{
    f->batches++;
    f->bytes += bytes;
    f->commit_count[bucket(time_bounds, TIME_BOUNDS, seconds)]++;
    f->commit_sum += seconds;
    f->batch_count[bucket(row_bounds, ROW_BOUNDS, (double)events)]++;
    f->batch_sum += (double)events;
}

static void report_counters(const struct figures *f, const wt_stats_sink *sink)
{
    const struct {
        const char *name, *help;
        uint64_t value;
    } counters[] = {
        {"acked_events", "events acknowledged as durable", f->acked},
        {"batches", "transactions committed", f->batches},
        {"batch_bytes", "bytes of rows committed", f->bytes},
        {"retries", "batches sent again after a passing refusal", f->retries},
        {"quarantined_events", "events that their tables refuse, kept raw", f->quarantined},
        {"gaps", "times that events were gone from the journal", f->gaps},
        {"gap_events", "events that were gone from the journal", f->gap_events},
        {"fenced", "times that somebody else had claimed the stream", f->fenced},
        {"questions", "questions asked", f->questions},
        {"questions_failed", "questions not answered", f->questions_failed},
        {"retention_sweeps", "sweeps for old runs that have ended", f->sweeps},
        {"retention_sweeps_failed", "those that could not do all they should", f->sweeps_failed},
        {"retention_removed_runs", "old runs removed", f->removed_runs},
        {"retention_removed_wallets", "wallets removed with them", f->removed_wallets},
    };
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        sink->counter(sink->user, &(wt_metric){counters[i].name, counters[i].help, NULL, NULL},
                      counters[i].value);
}

static void report_labelled(const struct figures *f, const wt_stats_sink *sink)
{
    for (int k = WT_RUN_START; k < KIND_COUNT; k++)
        sink->counter(sink->user,
                      &(wt_metric){"taken_events", "events taken", "kind", kind_names[k]},
                      f->taken[k]);
    for (int k = WT_RUN_START; k < KIND_COUNT; k++)
        sink->counter(
            sink->user,
            &(wt_metric){"recorded_events", "events in their tables", "kind", kind_names[k]},
            f->recorded[k]);
    for (int r = 0; r < REACTION_COUNT; r++)
        sink->counter(sink->user,
                      &(wt_metric){"errors", "refusals by the server, by reaction", "class",
                                   reaction_names[r]},
                      f->errors[r]);
}

static void report_levels(const struct levels *l, const wt_stats_sink *sink)
{
    const struct {
        const char *name, *help;
        double value;
    } gauges[] = {
        {"gathering_events", "events taken and not yet sent", (double)l->gathering},
        {"in_flight_events", "events of the transaction that runs", (double)l->in_flight},
        {"waiting_questions", "questions not yet answered", (double)l->questions},
        {"cursor", "the last event that is recorded", (double)l->cursor},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++)
        sink->gauge(sink->user, &(wt_metric){gauges[i].name, gauges[i].help, NULL, NULL},
                    gauges[i].value);
    sink->text(sink->user, &(wt_metric){"state", "of the instance", NULL, NULL}, l->state);
    sink->text(sink->user, &(wt_metric){"connection", "of the writer", NULL, NULL}, l->connection);
}

static void report_sweep(const struct levels *l, const wt_stats_sink *sink)
{
    sink->text(sink->user, &(wt_metric){"retention", "off, waiting or sweeping", NULL, NULL},
               l->retention);
    if (l->sweep.at <= 0)
        return;
    sink->gauge(sink->user,
                &(wt_metric){"retention_last_sweep_end", "when it ended, in seconds since 1970",
                             NULL, NULL},
                l->sweep.at);
    sink->gauge(
        sink->user,
        &(wt_metric){"retention_last_sweep_seconds", "how long the last sweep took", NULL, NULL},
        l->sweep.seconds);
    sink->text(sink->user, &(wt_metric){"retention_error", "why the last sweep failed", NULL, NULL},
               l->sweep.why);
}

void figures_report(const struct figures *f, const struct levels *l, const wt_stats_sink *sink)
{
    report_counters(f, sink);
    report_labelled(f, sink);
    report_levels(l, sink);
    report_sweep(l, sink);
    sink->histogram(
        sink->user,
        &(wt_metric){"commit_seconds", "from a transaction's start to its commit", NULL, NULL},
        &(wt_histogram){time_bounds, f->commit_count, TIME_BOUNDS, f->commit_sum});
    sink->histogram(sink->user, &(wt_metric){"batch_events", "events of a transaction", NULL, NULL},
                    &(wt_histogram){row_bounds, f->batch_count, ROW_BOUNDS, f->batch_sum});
}
