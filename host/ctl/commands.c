#include "ctl/commands.h"

#include <errno.h>
#include <string.h>

#include "ctl/arguments.h"
#include "params.h"

#define RANGE                                                                                      \
    {"from", "TIME", "from this day or time on (2026-06-30, 2026-06-30T12:00)"},                   \
        {"to", "TIME", "up to this time, or to the end of this day"},                              \
    {                                                                                              \
        "timezone", "ZONE", "of these times; default: the local one"                               \
    }

const struct command commands_table[] = {
    {.name = "run",
     .synopsis = "run [--PARAMETER VALUE …] [--wait [--timeout SECONDS]]",
     .help = "start a discovery run",
     .run = run_command,
     .takes_parameters = true,
     .options = {{"no-profile", NULL, "do not profile wallets at once"},
                 {"by", "NAME", "who wants it; default: the user's name"},
                 {"wait", NULL, "follow the run until it has ended"},
                 {"timeout", "SECONDS", "wait no longer than this; the run goes on"}}},
    {.name = "runs",
     .synopsis = "runs [--status STATUS] [--from TIME] [--to TIME] …",
     .help = "list runs, newest first",
     .run = runs_command,
     .options = {RANGE,
                 {"status", "STATUS", "running, completed, failed or cancelled"},
                 {"trigger", "TRIGGER", "manual, scheduled or api"},
                 {"schedule", "NAME", "those of a schedule"},
                 {"limit", "N", "how many, 1 to 100; default 20"},
                 {"page", "N", "the Nth page of that many"},
                 {"cursor", "CURSOR", "go on where a list ended"}}},
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
     .options = {{"limit", "N", "how many, 1 to 1000; default 100"},
                 {"cursor", "CURSOR", "go on where a list ended"}}},
    {.name = "stats",
     .synopsis = "stats [--from TIME] [--to TIME]",
     .help = "totals, rates, averages and the trend of the week",
     .run = stats_command,
     .options = {RANGE}},
    {.name = "cancel",
     .synopsis = "cancel ID",
     .help = "end a run that is going",
     .run = cancel_command,
     .min_words = 1,
     .max_words = 1},
    {.name = "plugins",
     .synopsis = "plugins",
     .help = "build, state and lag of each plugin",
     .run = plugins_command},
    {.name = "health",
     .synopsis = "health",
     .help = "is everything well, and if not, why",
     .run = health_command},
    {.name = "help",
     .synopsis = "help [COMMAND]",
     .help = "this list, or all about one command",
     .run = help_command,
     .max_words = 1},
};
const size_t commands_count = sizeof commands_table / sizeof commands_table[0];

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < commands_count; i++)
        if (strcmp(commands_table[i].name, name) == 0)
            return &commands_table[i];
    return NULL;
}

static void print_common(FILE *out)
{
    fputs("\nEvery command takes, anywhere on the line:\n"
          "  --socket PATH    the host's socket; default: $WALLTRACK_SOCKET, else\n"
          "                   $XDG_RUNTIME_DIR/walltrack/admin.sock if it exists, else\n"
          "                   /run/walltrack/admin.sock\n"
          "  --json           print the host's answer as it is\n"
          "  -h, --help       help\n"
          "  --version        version\n"
          "\nAn ID may be cut to its first digits, at least four, if only one of the latest 100\n"
          "runs begins with them.\n"
          "\nExit status:\n"
          "  0  done\n"
          "  1  run --wait: the run failed, was cancelled, or did not end in time\n"
          "  2  the command line is wrong\n"
          "  3  not found\n"
          "  4  refused by the host: a conflict, or a wrong value\n"
          "  5  the host or the database is away\n"
          "  130  run --wait was interrupted; the run goes on\n",
          out);
}

void commands_help(FILE *out)
{
    fputs("walltrackctl: start, follow and look at discovery runs\n\n"
          "usage: walltrackctl COMMAND [OPTION …]\n\n",
          out);
    for (size_t i = 0; i < commands_count; i++)
        fprintf(out, "  %-10s %s\n", commands_table[i].name, commands_table[i].help);
    print_common(out);
}

static void print_parameters(FILE *out)
{
    char low[PARAM_TEXT_SIZE], high[PARAM_TEXT_SIZE], def[PARAM_TEXT_SIZE];
    fputs("\nParameters:\n", out);
    for (int i = 0; i < WT_PARAM_COUNT; i++) {
        const struct param *p = &params_table[i];
        fputs("  --", out);
        for (const char *c = p->name; *c != '\0'; c++)
            fputc(*c == '_' ? '-' : *c, out);
        fprintf(out, " N\n      %s; %s to %s %s, default %s\n", p->meaning,
                params_text(i, p->min, low), params_text(i, p->max, high), p->unit,
                params_text(i, p->def, def));
    }
}

void command_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: walltrackctl %s\n\n%s\n", command->synopsis, command->help);
    if (command->options[0].name != NULL)
        fputs("\nOptions:\n", out);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL; i++) {
        const struct command_option *o = &command->options[i];
        char name[40];
        snprintf(name, sizeof name, "--%s%s%s", o->name, o->value != NULL ? " " : "",
                 o->value != NULL ? o->value : "");
        fprintf(out, "  %-20s %s\n", name, o->help);
    }
    if (command->takes_parameters)
        print_parameters(out);
    print_common(out);
}

enum status help_command(struct session *s, struct error *err)
{
    if (s->arguments->count == 0) {
        commands_help(s->out);
        return STATUS_OK;
    }
    const struct command *command = command_find(s->arguments->words[0]);
    if (command == NULL) {
        error_set(err, EINVAL, "there is no command '%.60s'", s->arguments->words[0]);
        return STATUS_USAGE;
    }
    command_help(command, s->out);
    return STATUS_OK;
}
