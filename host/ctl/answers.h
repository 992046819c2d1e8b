/* answers.h: what the commands share when they read the host's answers.
 *
 * Thread: one.
 */
#ifndef CTL_ANSWERS_H
#define CTL_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

#include "ctl/commands.h"
#include "ctl/shown.h"
#include "ctl/table.h"

enum { PLUGIN_NAME_SIZE = 80 }; /* longer ones are none */

/* With --json the answer is printed as it is, also when it is an error: a command then has nothing
 * more to print. */
enum status answer_get(struct session *s, const char *path, struct reply *out, struct error *err);
enum status answer_post(struct session *s, const char *path, const json_t *body, struct reply *out,
                        struct error *err);

/* Prints the body and a newline. */
void answer_print(struct session *s, const struct reply *r);

/* The full id for what the user wrote: an id, or the beginning of one of the latest 100 runs' ids;
 * a longer beginning says when the run started, so it is found however old it is. */
enum status answer_resolve(struct session *s, const char *written, char id[37], struct error *err);

/* The name of the plugin that the user means: `written`, or the only one when that is NULL.  `way`
 * is how to say which ("plugin show NAME"). */
enum status answer_plugin(struct session *s, const char *written, const char *way,
                          char name[PLUGIN_NAME_SIZE], struct error *err);

/* The fields of an object; NULL, or -1, when it is not there or is null. */
const char *field_text(const json_t *object, const char *key);
int64_t field_count(const json_t *object, const char *key);
double field_number(const json_t *object, const char *key);

/* Seconds since a time; less than 0 when it is none. */
double field_age(const json_t *object, const char *key);

/* The same as people read them, "" when absent. */
const char *field_shown_count(const json_t *object, const char *key, char out[SHOWN_SIZE]);
const char *field_shown_time(const json_t *object, const char *key, char out[SHOWN_SIZE]);
const char *field_shown_duration(const json_t *object, const char *key, char out[SHOWN_SIZE]);

enum colour status_colour(const char *status);

/* "name   value", the names in a column; an absent value is "-". */
void print_field(struct session *s, const char *name, const char *value, enum colour colour);

/* "label  text" or "label: text", the label coloured, the text in as many lines as it needs. */
void print_paragraph(struct session *s, const char *label, const char *text, enum colour colour);

/* A whole run's id cut for a table: the first 13 characters are its time to the millisecond, enough
 * to tell runs apart and for answer_resolve(). */
const char *field_short_id(const json_t *object, const char *key, char out[SHOWN_SIZE]);

/* A score as "0.8712", "" when there is none. */
const char *field_shown_score(const json_t *object, const char *key, char out[SHOWN_SIZE]);

/* Prints and frees the table. */
enum status print_table(struct session *s, struct table *t, struct error *err);

#endif
