#include "judge_counts.h"

#include <stdlib.h>

#include "judge_report.h"

static uint64_t count(struct database *d, const char *sql)
{
    return strtoull(database_value(d, sql), NULL, 10);
}

void counts_check(struct database *d, const struct gone *g, uint64_t cursor)
{
    static const char *const traces[] = {
        "SELECT count(*) FROM discovery_runs",
        "SELECT count(*) FROM discovery_runs WHERE status <> 'running'",
        "SELECT count(*) FROM discovery_run_wallets",
        "SELECT count(*) FROM discovery_run_tokens",
        "SELECT count(*) FROM discovery_run_errors",
        "SELECT count(*) FROM discovery_slots",
    };
    uint64_t sum = gone_in_gaps(g) + gone_in_quarantine(g);
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++)
        sum += count(d, traces[i]);
    report_many(sum < cursor ? LOST : DUPLICATED, sum < cursor ? cursor - sum : sum - cursor,
                "%llu events left %llu traces", (unsigned long long)cursor,
                (unsigned long long)sum);
}

void counts_check_slots(struct database *d)
{
    static const struct {
        enum damage kind;
        const char *sql, *what;
    } checks[] = {
        {DUPLICATED, "SELECT count(*) - count(DISTINCT (schedule, due)) FROM discovery_slots",
         "a due time has more than one slot"},
        {DUPLICATED,
         "SELECT count(*) - count(DISTINCT (schedule, slot_at)) FROM discovery_runs"
         " WHERE slot_at IS NOT NULL",
         "a due time has more than one run"},
        {LOST,
         "SELECT count(*) FROM discovery_slots s WHERE outcome = 'fired'"
         " AND NOT EXISTS (SELECT FROM discovery_runs r WHERE r.id = s.run_id)",
         "a slot has fired and there is no run"},
        {LOST,
         "SELECT count(*) FROM discovery_runs r WHERE slot_at IS NOT NULL AND NOT EXISTS"
         " (SELECT FROM discovery_slots s WHERE s.run_id = r.id AND s.due = r.slot_at)",
         "a run of a schedule has no slot"},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        report_many(checks[i].kind, count(d, checks[i].sql), "%s", checks[i].what);
}
