/* inspect.h: the checks of a server before anything is claimed.  Reads only.
 *
 * Thread: loop only.  Knows: pg_conn, schema.  Not: the cursor, events.
 */
#ifndef RECORDER_INSPECT_H
#define RECORDER_INSPECT_H

#include "instance.h"
#include "pg_conn.h"

struct inspect {
    struct instance *instance;
    struct pg_conn *conn;
    stage_done done;
    void *arg;
    int step;
    bool has_schema;
    wt_status status;
    char why[WHY_SIZE];
    /* what was found */
    uint32_t server_version, schema_found;
    bool complete; /* no migration is missing */
    int32_t backend_pid;
    char place[256];
};

/* Takes the connection over once it is ready; `done` gives it back, idle unless it is broken.
 * `s` must live that long.  Fills instance->schema. */
void inspect_start(struct inspect *s, struct instance *instance, struct pg_conn *conn,
                   stage_done done, void *arg);

#endif
