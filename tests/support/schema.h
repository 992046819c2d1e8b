/* schema.h: JSON values held against the schemas of an OpenAPI document.
 *
 * Knows the keywords $ref, type, properties, required, additionalProperties (false), items, enum,
 * anyOf, format (date-time, uuid), minimum, maximum; description and default say nothing.  Any
 * other keyword is refused, so that none goes unchecked. Thread: any; no state.
 */
#ifndef SUPPORT_SCHEMA_H
#define SUPPORT_SCHEMA_H

#include <stdbool.h>

#include <jansson.h>

enum { SCHEMA_WHY_SIZE = 512 };

/* Where a reference ("#/components/…") leads, or NULL. */
const json_t *schema_resolve(const json_t *document, const char *reference);

/* False: `why` says which part of the value is not as the schema has it. */
bool schema_accepts(const json_t *document, const json_t *schema, const json_t *value,
                    char why[SCHEMA_WHY_SIZE]);

#endif
