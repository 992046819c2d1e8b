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

#define SWAP_WAITING                                                                               \
    {"wait", NULL, "show each step as it passes"},                                                 \
        {"timeout", "SECONDS", "with --wait: no longer than this; the swap goes on"},              \
        {"probation", NULL, "with --wait: until the probation is over"},                           \
    {                                                                                              \
        "no-wait", NULL, "only ask for it, and print its number"                                   \
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
     .options = {{"plugin", "NAME", "which; may be left out when there is only one"},
                 {"force", NULL, "open it afresh even if it is the build that records now"},
                 {"sha256", "HEX", "what the file must have"},
                 SWAP_WAITING}},
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
     .options = {{"limit", "N", "the last N only"}}},
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

/* ---- names ---- */

/* How many of the words are the name; 0: they are another one. */
static size_t names(const char *name, const char *const words[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(words[i]);
        if (strncmp(name, words[i], size) != 0)
            return 0;
        name += size;
        if (*name == '\0')
            return i + 1;
        if (*name++ != ' ')
            return 0;
    }
    return 0;
}

static bool is_of_group(const struct command *command, const char *group)
{
    size_t size = strlen(group);
    return strncmp(command->name, group, size) == 0 && command->name[size] == ' ';
}

bool command_is_group(const char *word)
{
    for (size_t i = 0; i < commands_count; i++)
        if (is_of_group(&commands_table[i], word))
            return true;
    return false;
}

/* "there is no command 'plugin dance'; there are list, show, …" */
static void say_what_there_is(const char *group, const char *second, struct error *err)
{
    char list[256] = "";
    for (size_t i = 0; i < commands_count; i++) {
        const char *name = commands_table[i].name;
        size_t used = strlen(list);
        if (is_of_group(&commands_table[i], group))
            snprintf(list + used, sizeof list - used, "%s%s", used > 0 ? ", " : "",
                     name + strlen(group) + 1);
    }
    if (second == NULL)
        error_set(err, EINVAL, "%s needs one more word: %s", group, list);
    else
        error_set(err, EINVAL, "there is no command '%s %.60s'; there are %s", group, second, list);
}

const struct command *command_find(const char *const words[], size_t count, size_t *used,
                                   struct error *err)
{
    for (size_t i = 0; i < commands_count; i++) {
        *used = names(commands_table[i].name, words, count);
        if (*used > 0)
            return &commands_table[i];
    }
    if (command_is_group(words[0]))
        say_what_there_is(words[0], count > 1 ? words[1] : NULL, err);
    else
        error_set(err, EINVAL, "there is no command '%.60s'", words[0]);
    return NULL;
}

/* ---- help ---- */

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
          "  0    done\n"
          "  1    the run failed or was cancelled; or what was waited for has not ended in time\n"
          "  2    the command line is wrong\n"
          "  3    not found\n"
          "  4    refused by the host: a conflict, or a wrong value; or a swap whose verdict is\n"
          "       REFUSED, ROLLED BACK, SUPERSEDED or CANCELLED\n"
          "  5    the host or the database is away\n"
          "  130  interrupted while waiting; what was waited for goes on\n",
          out);
}

void commands_help(const char *group, FILE *out)
{
    fprintf(out,
            "walltrackctl: start, follow and look at discovery runs\n\n"
            "usage: walltrackctl %s%sCOMMAND [OPTION …]\n\n",
            group != NULL ? group : "", group != NULL ? " " : "");
    for (size_t i = 0; i < commands_count; i++)
        if (group == NULL || is_of_group(&commands_table[i], group))
            fprintf(out, "  %-15s  %s\n", commands_table[i].name, commands_table[i].help);
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
    if (command->notes != NULL)
        fprintf(out, "\n%s", command->notes);
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
    const struct arguments *a = s->arguments;
    size_t used;
    if (a->count == 0 || (a->count == 1 && command_is_group(a->words[0]))) {
        commands_help(a->words[0], s->out);
        return STATUS_OK;
    }
    const struct command *command = command_find(a->words, a->count, &used, err);
    if (command == NULL)
        return STATUS_USAGE;
    if (used < a->count) {
        error_set(err, EINVAL, "there is no command '%s %.60s'", a->words[0], a->words[1]);
        return STATUS_USAGE;
    }
    command_help(command, s->out);
    return STATUS_OK;
}
