/* daemon.h: the host as a whole.
 *
 * Promise: parts start bottom-up (journal, runs, plugins, scheduler, admin) and stop top-down.
 *          A stop ends running engines, records their runs, lets plugins store what is durable,
 *          and leaves the loop without a handle.
 * Thread:  the thread that calls daemon_run() is the loop thread.
 * Knows:   every part; nobody knows it but main.
 */
#ifndef DAEMON_H
#define DAEMON_H

#include "config/config.h"
#include "error.h"

/* Runs until SIGTERM or SIGINT; a second one ends the process at once.  SIGHUP reads the
 * configuration file again.  Takes `config` over.  Returns 0, or -1 with err when it could not
 * start. */
int daemon_run(struct config *config, struct error *err);

#endif
