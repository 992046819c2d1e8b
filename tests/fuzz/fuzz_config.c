/* links: config */
/* Any text as a configuration file: refused with words, or complete. */
#include <stdlib.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *c = NULL;
    struct error err = {0};
    if (config_parse((const char *)data, size, "/etc/walltrack/walltrack.json", &c, &err) != 0) {
        if (c != NULL || err.code == 0 || err.msg[0] == '\0')
            abort();
        return 0;
    }
    if (c->state_dir[0] != '/' || c->admin.socket[0] != '/' || c->engine.command[0][0] != '/')
        abort();
    config_free(c);
    return 0;
}
