/* filters.h: the options that choose runs, and how options become the API's query.
 *
 * Every query parameter of the API that chooses runs has an option here; a test compares this
 * table with the API's own.
 *
 * Thread: one.
 */
#ifndef CTL_FILTERS_H
#define CTL_FILTERS_H

#include "ctl/arguments.h"
#include "ctl/commands.h"

enum { PATH_ROOM = 4096 };

struct filter {
    struct command_option option;
    unsigned taken_with; /* enum command_takes: by commands that take any of these       */
    const char *value;   /* what an option without a value says                          */
};

/* Options whose names have '_' are those of parameters' ranges: on the command line it is a '-'. */
extern const struct filter filter_options[];
extern const size_t filter_options_count;

/* The filter of that name, as the user writes it, for a command that takes `takes`; or NULL. */
const struct filter *filter_find(unsigned takes, const char *name);

/* Is that how the user writes the option's name? */
bool filter_is_written(const char *option, const char *name);

/* Appends the command's options to `path`, which has PATH_ROOM bytes.  Days and times are the local
 * zone's unless another is named; then times are shown in that one, too. */
enum status filters_add(const struct arguments *a, char *path, struct error *err);

#endif
