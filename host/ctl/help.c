#include <errno.h>
#include <string.h>

#include "ctl/arguments.h"
#include "ctl/commands.h"
#include "ctl/filters.h"
#include "params.h"

static void print_common(FILE *out)
{
    fputs("\nEvery command takes, anywhere on the line:\n"
          "  --socket PATH    the host's socket; default: $WALLTRACK_SOCKET, else\n"
          "                   $XDG_RUNTIME_DIR/walltrack/admin.sock if it exists, else\n"
          "                   /run/walltrack/admin.sock\n"
          "  --json           print the host's answer as it is\n"
          "  -h, --help       help\n"
          "  --version        version\n"
          "\nAn ID may be cut to its first digits, if only one run begins with them: four or more "
          "of\n"
          "one of the latest 100 runs, ten or more of an older one.\n"
          "\nExit status:\n"
          "  0    done\n"
          "  1    the run failed or was cancelled; or what was waited for has not ended in time\n"
          "  2    the command line is wrong\n"
          "  3    not found\n"
          "  4    refused by the host: a conflict, or a wrong value; or a swap whose verdict is\n"
          "       REFUSED, ROLLED BACK, SUPERSEDED or CANCELLED\n"
          "  5    the host or the database is away, an export was cut, or the output cannot be\n"
          "       written\n"
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
        if (group == NULL || command_is_of_group(&commands_table[i], group))
            fprintf(out, "  %-15s  %s\n", commands_table[i].name, commands_table[i].help);
    print_common(out);
}

/* "--min-profit-pct" and what may follow. */
static void print_parameter_option(int i, const char *end, FILE *out)
{
    fputs("--", out);
    for (const char *c = params_table[i].name; *c != '\0'; c++)
        fputc(*c == '_' ? '-' : *c, out);
    fprintf(out, "%s N", end);
}

static void print_parameters(FILE *out)
{
    char low[PARAM_TEXT_SIZE], high[PARAM_TEXT_SIZE], def[PARAM_TEXT_SIZE];
    fputs("\nParameters:\n", out);
    for (int i = 0; i < WT_PARAM_COUNT; i++) {
        const struct param *p = &params_table[i];
        fputs("  ", out);
        print_parameter_option(i, "", out);
        fprintf(out, "\n      %s; %s to %s %s, default %s\n", p->meaning,
                params_text(i, p->min, low), params_text(i, p->max, high), p->unit,
                params_text(i, p->def, def));
    }
}

static void print_option(const struct command_option *o, FILE *out)
{
    char name[40];
    snprintf(name, sizeof name, "--%s%s%s", o->name, o->value != NULL ? " " : "",
             o->value != NULL ? o->value : "");
    fprintf(out, "  %-22s  %s\n", name, o->help);
}

static bool is_range(const struct filter *f)
{
    return strchr(f->option.name, '_') != NULL;
}

static void print_filters(unsigned takes, FILE *out)
{
    char low[PARAM_TEXT_SIZE], high[PARAM_TEXT_SIZE];
    fputs("\nWhich runs:\n", out);
    for (size_t i = 0; i < filter_options_count; i++)
        if ((filter_options[i].taken_with & takes) != 0 && !is_range(&filter_options[i]))
            print_option(&filter_options[i].option, out);
    fputs("\nWhich runs by their parameters; both ends belong to a range:\n", out);
    for (int i = 0; i < WT_PARAM_COUNT; i++) {
        fputs("  ", out);
        print_parameter_option(i, "-min", out);
        fputs(", ", out);
        print_parameter_option(i, "-max", out);
        fprintf(out, "\n      %s to %s %s\n", params_text(i, params_table[i].min, low),
                params_text(i, params_table[i].max, high), params_table[i].unit);
    }
}

void command_help(const struct command *command, FILE *out)
{
    fprintf(out, "usage: walltrackctl %s\n\n%s\n", command->synopsis, command->help);
    if (command->notes != NULL)
        fprintf(out, "\n%s", command->notes);
    if (command->options[0].name != NULL)
        fputs("\nOptions:\n", out);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL; i++)
        print_option(&command->options[i], out);
    if ((command->takes & TAKES_PARAMETERS) != 0)
        print_parameters(out);
    if ((command->takes & TAKES_CHOICE) != 0)
        print_filters(command->takes, out);
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
