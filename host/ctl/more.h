/* more.h: where a list goes on.
 *
 * Thread: one.
 */
#ifndef CTL_MORE_H
#define CTL_MORE_H

#include <jansson.h>

#include "ctl/commands.h"

/* When the answer has a next_cursor: "more: walltrackctl COMMAND WORD …", the command for the next
 * page, with the options that were given, to be pasted into a shell.  A cursor goes on within the
 * same filter.  `word` may be NULL. */
void more_say(struct session *s, const json_t *answer, const char *command, const char *word);

#endif
