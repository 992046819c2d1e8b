/* schemas.h: the shapes of bodies and answers, in one table.
 *
 * /openapi.json is made from it, and a test holds real answers of every request against that.
 * Thread: any; no state.
 */
#ifndef ADMIN_SCHEMAS_H
#define ADMIN_SCHEMAS_H

#include <jansson.h>

/* A type is one of
 *     string uuid time integer number boolean object any
 *     =a|b|c    one of these strings
 *     @Name     another schema
 *     [TYPE]    a list
 * and before it "?" when it may be null, before that "~" when it may be absent. */
struct schema_field {
    const char *name, *type;
    const char *help; /* or NULL */
};

struct schema {
    const char *name;
    const char *also;                  /* another schema whose fields it has, too; or NULL */
    const struct schema_field *fields; /* NULL at the end                                  */
};

/* All of them, as components/schemas of an OpenAPI document.  NULL: out of memory. */
json_t *schemas_json(void);

extern const struct schema schemas[]; /* schema_table.c; a NULL name at the end */

#endif
