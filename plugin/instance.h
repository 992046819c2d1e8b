/* instance.h: what every part of one recorder instance knows.
 *
 * One per open(); nothing here is shared between instances or builds.  Thread: loop only.
 */
#ifndef RECORDER_INSTANCE_H
#define RECORDER_INSTANCE_H

#include <stdarg.h>

#include <walltrack/plugin.h>

#include "settings.h"
#include "stats.h"

/* The start of application_name on every connection; claim.c knows our own backends by it. */
#define APPLICATION_PREFIX "walltrack recorder"

struct instance {
    const wt_host_api *api; /* lives as long as the host   */
    wt_host *host;
    struct settings settings;
    char *build;    /* as given to open()                                  */
    char *schema;   /* settings.schema as a quoted SQL identifier, or NULL before connecting */
    uint64_t token; /* the fence's value                                   */
    struct figures figures;
};

/* How a stage of the life cycle ends.  message is borrowed for the call; NULL with WT_OK. */
typedef void (*stage_done)(void *arg, wt_status status, const char *message);

/* One line to the host's log; longer ones are cut. */
void instance_log(const struct instance *i, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
