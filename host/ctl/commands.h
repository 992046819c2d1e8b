/* commands.h: what walltrackctl can do, in one table, from which its help is printed.
 *
 * Thread: one.
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/client.h"
#include "error.h"

struct arguments;

/* What a command works with. */
struct session {
    const struct arguments *arguments;
    struct client *client;
    FILE *out;
    bool json; /* print the API's answer as it is */
    bool colours;
    bool terminal; /* out is one */
    size_t width;  /* of the terminal; 0: not one */
};

struct command_option {
    const char *name;  /* without "--" */
    const char *value; /* what its value is called; NULL: takes none */
    const char *help;
};

enum { COMMAND_OPTIONS_MAX = 9 };

struct command {
    const char *name;
    const char *synopsis;
    const char *help;
    enum status (*run)(struct session *s, struct error *err);
    size_t min_words, max_words;
    bool takes_parameters; /* --min-profit-pct …, one for each discovery parameter */
    struct command_option options[COMMAND_OPTIONS_MAX];
};

extern const struct command commands_table[];
extern const size_t commands_count;

const struct command *command_find(const char *name); /* or NULL */

/* All commands, or one in full. */
void commands_help(FILE *out);
void command_help(const struct command *command, FILE *out);

/* The commands, by file. */
enum status run_command(struct session *s, struct error *err);  /* commands_run.c */
enum status runs_command(struct session *s, struct error *err); /* commands_history.c */
enum status show_command(struct session *s, struct error *err);
enum status wallets_command(struct session *s, struct error *err);
enum status stats_command(struct session *s, struct error *err);
enum status cancel_command(struct session *s, struct error *err); /* commands_host.c */
enum status plugins_command(struct session *s, struct error *err);
enum status health_command(struct session *s, struct error *err);
enum status help_command(struct session *s, struct error *err); /* commands.c */

#endif
