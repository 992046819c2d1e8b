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
    const char *name; /* one word, or two */
    const char *synopsis;
    const char *help;
    const char *notes; /* what else there is to know, in lines; or NULL */
    enum status (*run)(struct session *s, struct error *err);
    size_t min_words, max_words;
    bool takes_parameters; /* --min-profit-pct …, one for each discovery parameter */
    struct command_option options[COMMAND_OPTIONS_MAX];
};

extern const struct command commands_table[];
extern const size_t commands_count;

/* The command that the first word names, or the first two; *used is how many.  NULL: there is none,
 * and `err` says what there is instead. */
const struct command *command_find(const char *const words[], size_t count, size_t *used,
                                   struct error *err);

/* Is it the first of the two words of some commands? */
bool command_is_group(const char *word);

/* All commands, or those whose first word is `group`; or one in full. */
void commands_help(const char *group, FILE *out);
void command_help(const struct command *command, FILE *out);

/* The commands, by file. */
enum status run_command(struct session *s, struct error *err);  /* commands_run.c */
enum status runs_command(struct session *s, struct error *err); /* commands_history.c */
enum status show_command(struct session *s, struct error *err);
enum status wallets_command(struct session *s, struct error *err);
enum status stats_command(struct session *s, struct error *err);
enum status cancel_command(struct session *s, struct error *err); /* commands_host.c */
enum status health_command(struct session *s, struct error *err);
enum status status_command(struct session *s, struct error *err);
enum status plugins_command(struct session *s, struct error *err); /* commands_plugin.c */
enum status plugin_show_command(struct session *s, struct error *err);
enum status plugin_history_command(struct session *s, struct error *err);
enum status plugin_cancel_command(struct session *s, struct error *err);
enum status swap_command(struct session *s, struct error *err); /* commands_swap.c */
enum status rollback_command(struct session *s, struct error *err);
enum status help_command(struct session *s, struct error *err); /* commands.c */

#endif
