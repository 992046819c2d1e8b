/* sql.h: SQL as it stands in plugin/sql and migrations, compiled in.
 *
 * The files run in psql as they are: :"schema" is the schema, :'name' a parameter.  The build
 * embeds them (embed.cmake); sql_prepare() makes of one what the server takes: the schema as an
 * identifier and $1, $2 … in the order of the file's line "-- parameters: name …", or of several
 * such lines that follow each other.
 *
 * Thread:  any; the texts are constant.
 * Knows:   nothing else.
 */
#ifndef RECORDER_SQL_H
#define RECORDER_SQL_H

#include <stddef.h>

struct sql_file {
    const char *name; /* without folder and ".sql" */
    const char *text;
    const char *sha256; /* of the text, 64 hex digits */
};

extern const struct sql_file sql_files[];
extern const size_t sql_file_count;
extern const struct sql_file sql_migrations[]; /* by rising number */
extern const size_t sql_migration_count;

/* The file of that name in sql_files, or NULL. */
const struct sql_file *sql_find(const char *name);
/* The same, prepared. */
char *sql_named(const char *name, const char *schema);

/* `schema` is a quoted identifier.  The result is yours to free(); NULL: out of memory, or a
 * parameter that the file's first lines do not name. */
char *sql_prepare(const char *text, const char *schema);
/* The same with a literal, already quoted, in the place of each parameter: for several statements
 * in one message, which the server takes without parameters only. */
char *sql_fill(const char *text, const char *schema, const char *const *literals);

/* The parameter's name at `position` (0 …) in the file's list, copied to `out`; 0 when there is
 * none. */
size_t sql_parameter(const char *text, int position, char *out, size_t room);

#endif
