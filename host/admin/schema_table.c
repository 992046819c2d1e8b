#include "admin/schemas.h"

#include <stddef.h>

#include <walltrack/params.h>

#define FIELDS(...)                                                                                \
    (const struct schema_field[])                                                                  \
    {                                                                                              \
        __VA_ARGS__,                                                                               \
        {                                                                                          \
            NULL, NULL, NULL                                                                       \
        }                                                                                          \
    }

#define STATUS "=running|completed|failed|cancelled"
#define TRIGGER "=manual|scheduled|api"

#define TYPE_DECIMAL "number"
#define TYPE_INTEGER "integer"
#define PARAM_KNOWN(SYMBOL, name, type, min, max, def, unit, text)                                 \
    {#name, "?" TYPE_##type, unit ": " text},
#define PARAM_WANTED(SYMBOL, name, type, min, max, def, unit, text) {#name, "~" TYPE_##type, NULL},

/* A list that is given by pages. */
#define PAGE_FIELDS                                                                                \
    {"next_cursor", "?string", "for the parameter cursor; null on the last page"},                 \
    {                                                                                              \
        "has_more", "boolean", NULL                                                                \
    }

const struct schema schemas[] = {
    /* ---- problems ---- */
    {"FieldError", NULL, FIELDS({"field", "string", NULL}, {"message", "string", NULL})},
    {"Problem", NULL,
     FIELDS({"status", "integer", NULL}, {"title", "string", NULL}, {"detail", "string", NULL},
            {"errors", "~[@FieldError]", "every field that is wrong"},
            {"verdict", "~string", "of a swap that failed, as the next three"},
            {"step", "~?string", NULL}, {"reason", "~?string", NULL}, {"swap", "~@Swap", NULL})},

    /* ---- runs ---- */
    {"Params", NULL, (const struct schema_field[]){WT_PARAMS(PARAM_KNOWN){NULL, NULL, NULL}}},
    {"RunError", NULL,
     FIELDS({"message", "?string", NULL}, {"token", "?string", NULL}, {"code", "?string", NULL},
            {"line", "?integer", "of the engine's output"}, {"created_at", "?time", NULL})},
    {"Progress", NULL,
     FIELDS({"done", "integer", NULL}, {"total", "?integer", NULL}, {"stage", "?string", NULL},
            {"percent", "?number", NULL},
            {"rate", "?number", "done in a second, over about the last ten"},
            {"seconds_left", "?number", "if it goes on at this rate"},
            {"wallets", "integer", "found so far"})},
    {"Run", NULL,
     FIELDS({"id", "uuid", NULL}, {"started_at", "time", NULL}, {"completed_at", "?time", NULL},
            {"status", STATUS, NULL}, {"trigger_type", TRIGGER, NULL},
            {"triggered_by", "?string", NULL}, {"params", "@Params", NULL},
            {"profile_immediately", "?boolean", NULL}, {"tokens_analyzed", "integer", NULL},
            {"new_wallets", "?integer", "null while only the host knows the run"},
            {"updated_wallets", "?integer", NULL}, {"profiled_wallets", "?integer", NULL},
            {"duration_seconds", "?number", NULL}, {"errors", "[@RunError]", "the first of them"},
            {"error_count", "integer", NULL}, {"schedule", "?string", NULL},
            {"slot_at", "?time", "when the schedule wanted it"}, {"host", "?string", NULL},
            {"build", "?string", "of the recorder"}, {"builds", "[string]", NULL},
            {"reason", "?string", "why it failed or was cancelled"},
            {"progress", "~?@Progress", "while it goes on here"})},
    {"RunRequest", NULL,
     (const struct schema_field[]){WT_PARAMS(PARAM_WANTED) /* … */
                                   {"profile_immediately", "~boolean", NULL},
                                   {"triggered_by", "~string", "otherwise the user's name"},
                                   {"trigger_type", "~=manual|api", NULL},
                                   {NULL, NULL, NULL}}},
    {"Started", NULL,
     FIELDS({"run_id", "uuid", NULL}, {"status", "=started", NULL}, {"message", "string", NULL})},
    {"Cancelling", NULL, FIELDS({"run_id", "uuid", NULL}, {"status", "=cancelling", NULL})},

    /* ---- figures ---- */
    {"PeriodFigures", NULL,
     FIELDS({"total_runs", "integer", NULL}, {"successful_runs", "integer", NULL},
            {"failed_runs", "integer", NULL}, {"cancelled_runs", "integer", NULL},
            {"running_runs", "integer", NULL}, {"success_rate", "number", "of finished runs, 0..1"},
            {"runs_with_errors", "integer", NULL},
            {"partial_runs", "integer", "completed with errors"},
            {"total_wallets_discovered", "integer", NULL},
            {"total_wallets_updated", "integer", NULL}, {"total_tokens_analyzed", "integer", NULL},
            {"total_errors", "integer", NULL},
            {"avg_wallets_per_run", "?number", "of finished runs"},
            {"avg_duration_seconds", "?number", "of finished runs, as the next three"},
            {"median_duration_seconds", "?number", NULL}, {"p90_duration_seconds", "?number", NULL},
            {"p99_duration_seconds", "?number", NULL})},
    {"Figures", "PeriodFigures", FIELDS({"last_run_at", "?time", NULL})},
    {"Change", NULL,
     FIELDS({"runs", "?number", "0.5: half as many again; null: none before"},
            {"success_rate", "?number", "the difference"}, {"wallets_discovered", "?number", NULL},
            {"avg_wallets_per_run", "?number", NULL}, {"avg_duration_seconds", "?number", NULL})},
    {"Week", "Figures", FIELDS({"start", "time", NULL}, {"end", "time", NULL})},
    {"WeekOverWeek", NULL,
     FIELDS({"period", "=week", NULL}, {"current", "@Week", NULL}, {"previous", "@Week", NULL},
            {"change", "@Change", NULL})},
    {"Statistics", "Figures", FIELDS({"trend", "@WeekOverWeek", NULL})},
    {"Period", "PeriodFigures",
     FIELDS({"start", "time", NULL}, {"end", "time", "half-open"},
            {"partial", "boolean", "it is not over yet"}, {"change", "@Change", NULL})},
    {"Trend", NULL, FIELDS({"periods", "[@Period]", "oldest first"})},
    {"Runs", NULL,
     FIELDS({"runs", "[@Run]", "newest first"}, {"total", "integer", "of all pages"},
            {"page", "?integer", "null on pages by cursor"}, {"page_size", "integer", NULL},
            PAGE_FIELDS, {"summary", "@Figures", "of all pages"})},

    /* ---- what runs found ---- */
    {"FoundWallet", NULL,
     FIELDS({"id", "uuid", NULL}, {"run_id", "uuid", NULL}, {"wallet_address", "string", NULL},
            {"source_token", "string", NULL}, {"is_new", "?boolean", NULL},
            {"initial_score", "?number", NULL}, {"profile", "?object", NULL},
            {"created_at", "?time", NULL})},
    {"Wallets", NULL, FIELDS({"wallets", "[@FoundWallet]", NULL}, PAGE_FIELDS)},
    {"FoundToken", NULL,
     FIELDS({"id", "uuid", NULL}, {"run_id", "uuid", NULL}, {"token", "string", NULL},
            {"symbol", "?string", NULL}, {"price_change_pct", "?number", NULL},
            {"volume_usd", "?number", NULL}, {"created_at", "?time", NULL})},
    {"Tokens", NULL, FIELDS({"tokens", "[@FoundToken]", NULL}, PAGE_FIELDS)},
    {"FoundError", "RunError", FIELDS({"id", "uuid", NULL}, {"run_id", "uuid", NULL})},
    {"Errors", NULL, FIELDS({"errors", "[@FoundError]", NULL}, PAGE_FIELDS)},

    /* ---- a wallet ---- */
    {"DiscoveryRun", NULL,
     FIELDS({"started_at", "time", NULL}, {"status", STATUS, NULL}, {"trigger_type", TRIGGER, NULL},
            {"schedule", "?string", NULL})},
    {"Discovery", NULL,
     FIELDS({"id", "uuid", NULL}, {"run_id", "uuid", NULL}, {"source_token", "string", NULL},
            {"is_new", "?boolean", NULL}, {"initial_score", "?number", NULL},
            {"profile", "?object", NULL}, {"created_at", "?time", NULL},
            {"run", "@DiscoveryRun", NULL})},
    {"Wallet", NULL,
     FIELDS({"wallet_address", "string", NULL}, {"first_seen_at", "?time", NULL},
            {"last_seen_at", "?time", NULL}, {"run_count", "integer", NULL},
            {"token_count", "integer", NULL}, {"discovery_count", "integer", NULL},
            {"first_score", "?number", NULL}, {"last_score", "?number", NULL},
            {"discoveries", "[@Discovery]", "newest first"}, PAGE_FIELDS)},

    /* ---- two runs ---- */
    {"ParamPair", NULL,
     FIELDS({"name", "string", NULL}, {"a", "?number", NULL}, {"b", "?number", NULL})},
    {"CountPair", NULL,
     FIELDS({"name", "string", NULL}, {"a", "?number", NULL}, {"b", "?number", NULL},
            {"change", "?number", "b less a"})},
    {"OnlyA", NULL, FIELDS({"wallet_address", "string", NULL}, {"score_a", "?number", NULL})},
    {"OnlyB", NULL, FIELDS({"wallet_address", "string", NULL}, {"score_b", "?number", NULL})},
    {"Both", NULL,
     FIELDS({"wallet_address", "string", NULL}, {"score_a", "?number", NULL},
            {"score_b", "?number", NULL})},
    {"OnlyAList", NULL, FIELDS({"count", "integer", NULL}, {"wallets", "[@OnlyA]", NULL})},
    {"OnlyBList", NULL, FIELDS({"count", "integer", NULL}, {"wallets", "[@OnlyB]", NULL})},
    {"BothList", NULL, FIELDS({"count", "integer", NULL}, {"wallets", "[@Both]", NULL})},
    {"Comparison", NULL,
     FIELDS({"a", "@Run", NULL}, {"b", "@Run", NULL},
            {"params", "[@ParamPair]", "those that differ"}, {"counts", "[@CountPair]", NULL},
            {"only_a", "@OnlyAList", NULL}, {"only_b", "@OnlyBList", NULL},
            {"both", "@BothList", NULL}, PAGE_FIELDS)},
    {"Removal", NULL,
     FIELDS({"runs", "integer", NULL}, {"wallets", "integer", NULL}, {"tokens", "integer", NULL},
            {"errors", "integer", NULL}, {"oldest", "?time", "started of those runs"},
            {"newest", "?time", NULL}, {"older_than_days", "?integer", "as asked"},
            {"runs_per_schedule", "?integer", NULL})},

    /* ---- the first schedule ---- */
    {"Schedule", NULL,
     FIELDS({"enabled", "boolean", NULL}, {"schedule_hours", "number", NULL},
            {"next_run_at", "?time", NULL}, {"last_run_at", "?time", NULL},
            {"params", "@Params", NULL}, {"profile_immediately", "boolean", NULL})},
    {"ParamsChange", NULL,
     (const struct schema_field[]){WT_PARAMS(PARAM_WANTED){NULL, NULL, NULL}}},
    {"ScheduleChange", NULL,
     FIELDS({"enabled", "~boolean", NULL},
            {"schedule_hours", "~number", "from one second to 8784 hours, in whole seconds"},
            {"params", "~@ParamsChange", NULL}, {"profile_immediately", "~boolean", NULL})},

    /* ---- plugins ---- */
    {"SwapOrder", NULL,
     FIELDS({"path", "string", "a file in the plugin folder"},
            {"sha256", "~string", "what it must have"},
            {"force", "~boolean", "also when it is the build in force"})},
    {"SwapStep", NULL, FIELDS({"step", "string", NULL}, {"ms", "number", NULL})},
    {"Swap", NULL,
     FIELDS({"id", "integer", NULL}, {"plugin", "string", NULL}, {"kind", "string", NULL},
            {"requested_at", "time", NULL}, {"requested_by", "?string", NULL},
            {"path", "?string", NULL}, {"from", "?string", NULL}, {"to", "?string", NULL},
            {"sha256", "?string", NULL}, {"state", "string", NULL}, {"verdict", "?string", NULL},
            {"step", "?string", "in which it failed"}, {"reason", "?string", NULL},
            {"detail", "?string", NULL}, {"generation", "?integer", NULL},
            {"ended_at", "?time", NULL}, {"steps", "[@SwapStep]", NULL},
            {"feed_gap_ms", "?number", NULL}, {"live_after_ms", "?number", NULL},
            {"replayed", "?integer", NULL})},
    {"Swaps", NULL, FIELDS({"swaps", "[@Swap]", "newest first"})},
    {"Plugin", NULL,
     FIELDS({"name", "string", NULL}, {"path", "?string", NULL}, {"build", "?string", NULL},
            {"version", "?string", NULL}, {"sha256", "?string", NULL}, {"state", "string", NULL},
            {"detail", "?string", NULL}, {"state_since", "?time", NULL}, {"live", "boolean", NULL},
            {"server", "?string", NULL}, {"retry_in_seconds", "?number", NULL},
            {"generation", "integer", NULL}, {"cursor", "integer", NULL},
            {"delivered", "integer", NULL}, {"lag", "integer", NULL},
            {"violations", "integer", NULL}, {"leaks", "integer", NULL},
            {"leaked", "integer", NULL}, {"pinned", "integer", NULL}, {"source", "?string", NULL},
            {"good", "?string", NULL}, {"rollback_to", "?string", NULL}, {"swap", "?@Swap", NULL},
            {"queued", "?@Swap", NULL}, {"swaps", "[@Swap]", NULL})},
    {"Plugins", NULL, FIELDS({"plugin_dir", "?string", NULL}, {"plugins", "[@Plugin]", NULL})},
    {"PluginStats", NULL,
     FIELDS({"name", "string", NULL}, {"build", "?string", NULL}, {"state", "string", NULL},
            {"stats", "object", NULL})},

    /* ---- the host ---- */
    {"HealthJournal", NULL,
     FIELDS({"failed", "boolean", NULL}, {"full", "boolean", NULL}, {"oldest", "integer", NULL},
            {"head", "integer", NULL}, {"bytes", "integer", NULL}, {"max_bytes", "integer", NULL},
            {"pending_bytes", "integer", NULL})},
    {"HealthPlugin", NULL,
     FIELDS({"name", "string", NULL}, {"live", "boolean", NULL}, {"state", "string", NULL},
            {"detail", "?string", NULL}, {"lag", "integer", NULL})},
    {"HealthRuns", NULL, FIELDS({"running", "integer", NULL})},
    {"Health", NULL,
     FIELDS({"status", "=ok|degraded|unready", NULL}, {"reasons", "[string]", NULL},
            {"version", "string", NULL}, {"host", "string", NULL}, {"started_at", "time", NULL},
            {"uptime_seconds", "integer", NULL}, {"runs", "@HealthRuns", NULL},
            {"journal", "@HealthJournal", NULL}, {"plugins", "[@HealthPlugin]", NULL})},
    {"IndexRoute", NULL,
     FIELDS({"method", "string", NULL}, {"path", "string", NULL}, {"help", "string", NULL},
            {"query", "[string]", NULL})},
    {"IndexParameter", NULL,
     FIELDS({"name", "string", NULL}, {"help", "string", NULL}, {"expected", "string", NULL},
            {"unit", "?string", NULL})},
    {"Index", NULL,
     FIELDS({"service", "string", NULL}, {"version", "string", NULL},
            {"routes", "[@IndexRoute]", NULL}, {"parameters", "[@IndexParameter]", NULL})},
    {NULL, NULL, NULL},
};
