#include "ctl/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/filters.h"
#include "params.h"

int arguments_parameter(const char *name)
{
    char text[64];
    size_t n = strlen(name);
    if (n >= sizeof text || strchr(name, '_') != NULL)
        return -1;
    memcpy(text, name, n + 1);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '-')
            *c = '_';
    return params_find(text);
}

const struct command_option *arguments_find_option(const struct command *command, const char *name)
{
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX && command->options[i].name != NULL; i++)
        if (strcmp(command->options[i].name, name) == 0)
            return &command->options[i];
    return NULL;
}

/* An option may stand before its command, so whether a value follows is asked of all commands; a
 * name means the same for each of them. */
bool arguments_takes_value(const char *name)
{
    const struct filter *filter = filter_find(~0U, name);
    if (strcmp(name, "socket") == 0 || arguments_parameter(name) >= 0)
        return true;
    if (filter != NULL)
        return filter->option.value != NULL;
    for (size_t i = 0; i < commands_count; i++) {
        const struct command_option *option = arguments_find_option(&commands_table[i], name);
        if (option != NULL)
            return option->value != NULL;
    }
    return false;
}

/* The options that every command takes. */
static bool set_global(struct arguments *out, const char *name, const char *value)
{
    if (strcmp(name, "socket") == 0)
        out->socket = value;
    else if (strcmp(name, "json") == 0)
        out->json = true;
    else if (strcmp(name, "help") == 0)
        out->help = true;
    else if (strcmp(name, "version") == 0)
        out->version = true;
    else
        return false;
    return true;
}

/* Takes argv[*i], an option, and its value.  `kept` holds the names without "=value". */
static int read_option(int argc, char *const argv[], int *i, struct arguments *out,
                       struct error *err)
{
    const char *name = strcmp(argv[*i], "-h") == 0 ? "help" : argv[*i] + 2;
    const char *value = "";
    char *equals = strchr(argv[*i], '=');
    if (equals != NULL)
        *equals = '\0'; /* our own copy of the command line */
    if (argv[*i][1] != '-' && strcmp(argv[*i], "-h") != 0)
        return error_set(err, EINVAL, "unknown option %s", argv[*i]);
    if (!arguments_takes_value(name) && equals != NULL)
        return error_set(err, EINVAL, "--%s takes no value", name);
    if (arguments_takes_value(name)) {
        if (equals == NULL && *i + 1 >= argc)
            return error_set(err, EINVAL, "--%s needs a value", name);
        value = equals != NULL ? equals + 1 : argv[++*i];
    }
    if (set_global(out, name, value))
        return 0;
    if (arguments_option(out, name) != NULL)
        return error_set(err, EINVAL, "--%s is given twice", name);
    if (out->n_options == OPTIONS_MAX)
        return error_set(err, EINVAL, "too many options");
    out->options[out->n_options].name = name;
    out->options[out->n_options++].value = value;
    return 0;
}

static int read_word(const char *word, struct arguments *out, struct error *err)
{
    if (out->count == ARGUMENTS_MAX)
        return error_set(err, EINVAL, "too many arguments");
    out->words[out->count++] = word;
    return 0;
}

/* Which command do the first words name?  They go, the others stay. */
static int name_command(struct arguments *out, struct error *err)
{
    size_t used;
    if (out->count == 1 && out->help && command_is_group(out->words[0]))
        out->group = out->words[0];
    if (out->count == 0 || out->group != NULL)
        return 0;
    out->command = command_find(out->words, out->count, &used, err);
    if (out->command == NULL)
        return -1;
    out->count -= used;
    memmove(out->words, out->words + used, out->count * sizeof out->words[0]);
    memset(out->words + out->count, 0, used * sizeof out->words[0]);
    return 0;
}

static bool takes_option(const struct command *command, const char *name)
{
    bool parameter = (command->takes & TAKES_PARAMETERS) != 0 && arguments_parameter(name) >= 0;
    return parameter || arguments_find_option(command, name) != NULL ||
           filter_find(command->takes, name) != NULL;
}

static int refuse_option(const struct command *command, const char *name, struct error *err)
{
    if ((command->takes & TAKES_CHOICE) != 0 && arguments_parameter(name) >= 0)
        return error_set(err, EINVAL, "%s has no option --%.60s, but --%.60s-min and --%.60s-max",
                         command->name, name, name, name);
    return error_set(err, EINVAL, "%s has no option --%.60s", command->name, name);
}

/* Does the command take what was given? */
static int check(const struct arguments *a, struct error *err)
{
    const struct command *command = a->command;
    if (command == NULL || a->help || a->version)
        return 0;
    for (size_t i = 0; i < a->n_options; i++)
        if (!takes_option(command, a->options[i].name))
            return refuse_option(command, a->options[i].name, err);
    if (a->count < command->min_words)
        return error_set(err, EINVAL, "%s needs more: %s", command->name, command->synopsis);
    if (a->count > command->max_words)
        return error_set(err, EINVAL, "%s: '%.60s' is too much", command->name,
                         a->words[command->max_words]);
    return 0;
}

int arguments_read(int argc, char *const argv[], struct arguments *out, struct error *err)
{
    bool options = true;
    *out = (struct arguments){0};
    for (int i = 1; i < argc; i++) {
        int status = 0;
        if (options && strcmp(argv[i], "--") == 0)
            options = false;
        else if (options && argv[i][0] == '-' && argv[i][1] != '\0')
            status = read_option(argc, argv, &i, out, err);
        else
            status = read_word(argv[i], out, err);
        if (status != 0)
            return -1;
    }
    return name_command(out, err) == 0 ? check(out, err) : -1;
}

const char *arguments_option(const struct arguments *a, const char *name)
{
    for (size_t i = 0; i < a->n_options; i++)
        if (strcmp(a->options[i].name, name) == 0)
            return a->options[i].value;
    return NULL;
}
