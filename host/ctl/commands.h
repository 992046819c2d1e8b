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
    bool terminal;      /* the standard error is one, and so is out */
    size_t width;       /* of the terminal that out is; 0: it is none */
    size_t notes_width; /* the same of the standard error */
};

struct command_option {
    const char *name;  /* without "--" */
    const char *value; /* what its value is called; NULL: takes none */
    const char *help;
    const char *parameter; /* of the API's query, which gets the value; NULL: none */
};

enum { COMMAND_OPTIONS_MAX = 7 };

/* Options that several commands take, see arguments.h and filters.h. */
enum command_takes {
    TAKES_PARAMETERS = 1, /* --min-profit-pct …, one for each discovery parameter */
    TAKES_RANGE = 2,      /* --from, --to, --timezone */
    TAKES_PERIODS = 4,    /* --timezone only: the periods are its days, weeks and months */
    TAKES_CHOICE = 8,     /* --status, --wallet, --max-tokens-min …: which runs */
    TAKES_FILTERS = TAKES_RANGE | TAKES_CHOICE
};

struct command {
    const char *name; /* one word, or two */
    const char *synopsis;
    const char *help;
    const char *notes; /* what else there is to know, in lines; or NULL */
    enum status (*run)(struct session *s, struct error *err);
    size_t min_words, max_words;
    unsigned takes; /* enum command_takes */
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

/* Is `group` the first of the command's two words? */
bool command_is_of_group(const struct command *command, const char *group);

/* All commands, or those whose first word is `group`; or one in full.  In help.c. */
void commands_help(const char *group, FILE *out);
void command_help(const struct command *command, FILE *out);

/* The commands, by file. */
enum status run_command(struct session *s, struct error *err); /* commands_run.c */
enum status follow_command(struct session *s, struct error *err);
enum status runs_command(struct session *s, struct error *err); /* commands_history.c */
enum status show_command(struct session *s, struct error *err);
enum status wallets_command(struct session *s, struct error *err);
enum status wallet_command(struct session *s, struct error *err);      /* commands_wallet.c */
enum status compare_command(struct session *s, struct error *err);     /* commands_compare.c */
enum status stats_command(struct session *s, struct error *err);       /* commands_stats.c */
enum status trend_command(struct session *s, struct error *err);       /* commands_trend.c */
enum status export_runs_command(struct session *s, struct error *err); /* commands_export.c */
enum status export_wallets_command(struct session *s, struct error *err);
enum status retention_command(struct session *s, struct error *err); /* commands_retention.c */
enum status cancel_command(struct session *s, struct error *err);    /* commands_host.c */
enum status health_command(struct session *s, struct error *err);
enum status status_command(struct session *s, struct error *err);
enum status plugins_command(struct session *s, struct error *err); /* commands_plugin.c */
enum status plugin_show_command(struct session *s, struct error *err);
enum status plugin_history_command(struct session *s, struct error *err);
enum status plugin_cancel_command(struct session *s, struct error *err);
enum status swap_command(struct session *s, struct error *err); /* commands_swap.c */
enum status rollback_command(struct session *s, struct error *err);
enum status help_command(struct session *s, struct error *err); /* help.c */

#endif
