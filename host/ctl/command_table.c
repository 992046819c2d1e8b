/* What walltrackctl can do; its help is printed from this. */
#include "ctl/commands.h"

/* One that the API's query does not get. */
#define OPTION(name, value, help)                                                                  \
    {                                                                                              \
        name, value, help, NULL                                                                    \
    }
#define QUERY(name, value, help, parameter)                                                        \
    {                                                                                              \
        name, value, help, parameter                                                               \
    }

#define PAGES(much)                                                                                \
    QUERY("limit", "N", "how many, " much, "page_size"),                                           \
        QUERY("cursor", "CURSOR", "go on where a list ended", "cursor")

#define EXPORT                                                                                     \
    OPTION("format", "FORMAT", "csv or ndjson; default: what FILE ends in, else csv"),             \
        OPTION("output", "FILE", "write to this file, which is replaced when all has come")
#define EXPORT_NOTES                                                                               \
    "Without --output it prints.  What is printed is whole only if the exit status is 0: an\n"     \
    "export that is cut ends with 5.  FILE then stays as it was, or absent.\n"

#define SWAP_WAITING                                                                               \
    OPTION("wait", NULL, "show each step as it passes"),                                           \
        OPTION("timeout", "SECONDS", "with --wait: no longer than this; the swap goes on"),        \
        OPTION("probation", NULL, "with --wait: until the probation is over"),                     \
        OPTION("no-wait", NULL, "only ask for it, and print its number")

const struct command commands_table[] = {
    {.name = "run",
     .synopsis = "run [--PARAMETER VALUE …] [--wait [--timeout SECONDS]]",
     .help = "start a discovery run",
     .run = run_command,
     .takes = TAKES_PARAMETERS,
     .options = {OPTION("no-profile", NULL, "do not profile wallets at once"),
                 OPTION("by", "NAME", "who wants it; default: the user's name"),
                 OPTION("wait", NULL, "follow the run until it has ended"),
                 OPTION("timeout", "SECONDS", "wait no longer than this; the run goes on")}},
    {.name = "follow",
     .synopsis = "follow ID [--timeout SECONDS]",
     .help = "watch a run until it has ended",
     .run = follow_command,
     .min_words = 1,
     .max_words = 1,
     .options = {OPTION("timeout", "SECONDS", "no longer than this; the run goes on")}},
    {.name = "runs",
     .synopsis = "runs [--status STATUS] [--from TIME] [--to TIME] …",
     .help = "list runs, newest first",
     .run = runs_command,
     .takes = TAKES_FILTERS,
     .options = {PAGES("1 to 100; default 20"),
                 QUERY("page", "N", "the Nth page of that many", "page")}},
    {.name = "show",
     .synopsis = "show ID",
     .help = "all about one run",
     .run = show_command,
     .min_words = 1,
     .max_words = 1},
    {.name = "wallets",
     .synopsis = "wallets ID [--limit N] [--cursor CURSOR]",
     .help = "the wallets that a run found",
     .run = wallets_command,
     .min_words = 1,
     .max_words = 1,
     .options = {PAGES("1 to 1000; default 100")}},
    {.name = "wallet",
     .synopsis = "wallet ADDRESS [--limit N] [--cursor CURSOR]",
     .help = "a wallet: every run and token that found it, its scores over time",
     .notes = "`walltrackctl runs --wallet ADDRESS` lists the runs, with all filters.\n",
     .run = wallet_command,
     .min_words = 1,
     .max_words = 1,
     .options = {PAGES("1 to 1000; default 100")}},
    {.name = "compare",
     .synopsis = "compare ID ID [--side SIDE] [--limit N] [--cursor CURSOR]",
     .help = "two runs: parameters, counts, and the wallets that each of them found",
     .notes = "The first run is A, the second B; changes are from A to B.\n",
     .run = compare_command,
     .min_words = 2,
     .max_words = 2,
     .options = {QUERY("side", "SIDE", "only_a, only_b or both: list these wallets only", "side"),
                 PAGES("1 to 1000 of each; default 100")}},
    {.name = "stats",
     .synopsis = "stats [--from TIME] [--to TIME] [--status STATUS] …",
     .help = "totals, rates, averages and the trend of the week",
     .run = stats_command,
     .takes = TAKES_FILTERS},
    {.name = "trend",
     .synopsis = "trend [--period PERIOD] [--count N] [--timezone ZONE] …",
     .help = "day by day, week by week or month by month",
     .notes =
         "Each period is compared with the one before.  The last is still going: * marks it.\n",
     .run = trend_command,
     .takes = TAKES_PERIODS | TAKES_CHOICE,
     .options = {QUERY("period", "PERIOD", "day, week (from Monday) or month; default week",
                       "period"),
                 QUERY("count", "N", "how many, 1 to 400; default 12", "count")}},
    {.name = "export runs",
     .synopsis = "export runs [--format FORMAT] [--output FILE] [--from TIME] …",
     .help = "all runs that match, for a spreadsheet or a program",
     .notes = EXPORT_NOTES,
     .run = export_runs_command,
     .takes = TAKES_FILTERS,
     .options = {EXPORT}},
    {.name = "export wallets",
     .synopsis = "export wallets [--format FORMAT] [--output FILE] [--from TIME] …",
     .help = "all wallets that the matching runs found",
     .notes = EXPORT_NOTES,
     .run = export_wallets_command,
     .takes = TAKES_FILTERS,
     .options = {EXPORT}},
    {.name = "retention",
     .synopsis = "retention [--older-than DAYS] [--keep-per-schedule N]",
     .help = "what a retention would remove; removes nothing",
     .run = retention_command,
     .options = {OPTION("older-than", "DAYS", "runs that started longer ago: 90d, 12w"),
                 QUERY("keep-per-schedule", "N", "all but the latest N runs of each schedule",
                       "runs_per_schedule")}},
    {.name = "cancel",
     .synopsis = "cancel ID",
     .help = "end a run that is going",
     .run = cancel_command,
     .min_words = 1,
     .max_words = 1},
    {.name = "plugins",
     .synopsis = "plugins",
     .help = "short for plugin list",
     .run = plugins_command},
    {.name = "plugin list",
     .synopsis = "plugin list",
     .help = "build, state and lag of each plugin",
     .run = plugins_command},
    {.name = "plugin show",
     .synopsis = "plugin show [NAME]",
     .help = "all about one plugin and its last swap",
     .run = plugin_show_command,
     .max_words = 1},
    {.name = "plugin swap",
     .synopsis = "plugin swap PATH [--plugin NAME] [--wait] …",
     .help = "swap the build of a plugin while it records",
     .notes =
         "PATH is a file in the host's plugin_dir: its name, or a path with a slash.  Until the\n"
         "new build takes over, the old one goes on recording, and stays if anything is wrong\n"
         "with the new one.  Without --wait and --no-wait it waits for the verdict.\n",
     .run = swap_command,
     .min_words = 1,
     .max_words = 1,
     .options = {OPTION("plugin", "NAME", "which; may be left out when there is only one"),
                 OPTION("force", NULL, "open it afresh even if it is the build that records now"),
                 OPTION("sha256", "HEX", "what the file must have"), SWAP_WAITING}},
    {.name = "plugin rollback",
     .synopsis = "plugin rollback [NAME] [--wait] …",
     .help = "put the build before in charge again",
     .run = rollback_command,
     .max_words = 1,
     .options = {SWAP_WAITING}},
    {.name = "plugin cancel",
     .synopsis = "plugin cancel [NAME]",
     .help = "end a swap before the new build takes over",
     .run = plugin_cancel_command,
     .max_words = 1},
    {.name = "plugin history",
     .synopsis = "plugin history [NAME] [--limit N]",
     .help = "the swaps of a plugin, newest first",
     .run = plugin_history_command,
     .max_words = 1,
     .options = {OPTION("limit", "N", "the last N only")}},
    {.name = "status",
     .synopsis = "status",
     .help = "is it recording, with which build, how far behind; and the rest",
     .notes =
         "With --json it prints {\"health\": …, \"plugins\": …}: the answers of GET /health and\n"
         "GET /api/plugins.\n",
     .run = status_command},
    {.name = "health",
     .synopsis = "health",
     .help = "is everything well, and if not, why",
     .run = health_command},
    {.name = "help",
     .synopsis = "help [COMMAND]",
     .help = "this list, or all about one command",
     .run = help_command,
     .max_words = 2},
};
const size_t commands_count = sizeof commands_table / sizeof commands_table[0];
