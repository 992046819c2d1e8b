/* arguments.h: the command line, taken apart by the table of commands.
 *
 * Promise: options may stand anywhere, as "--name value" or "--name=value"; "--" ends them.  What
 *          is not known, is missing or is too much is an error that names it.
 * Thread:  any; no state.
 */
#ifndef CTL_ARGUMENTS_H
#define CTL_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/commands.h"
#include "error.h"

enum { ARGUMENTS_MAX = 10, OPTIONS_MAX = 32 };

struct arguments {
    const struct command *command;    /* NULL: none was named */
    const char *group;                /* or only its first word, with --help ("plugin") */
    const char *socket;               /* --socket, or NULL    */
    bool json, help, version;         /* the other options that every command takes */
    const char *words[ARGUMENTS_MAX]; /* after the command's name */
    size_t count;
    struct {
        const char *name, *value; /* name without "--"; value "" for one that takes none */
    } options[OPTIONS_MAX];
    size_t n_options;
};

int arguments_read(int argc, char *const argv[], struct arguments *out, struct error *err);

/* The value of an option of the command, or NULL. */
const char *arguments_option(const struct arguments *a, const char *name);

/* The command's own option of that name, or NULL; filters.h has those that several take. */
const struct command_option *arguments_find_option(const struct command *command, const char *name);

/* Does an option of that name need a value?  It is the same for each command that has it. */
bool arguments_takes_value(const char *name);

/* The index of the parameter behind an option's name ("min-profit-pct"), or -1. */
int arguments_parameter(const char *name);

#endif
