/* recording.h: is it recording, which build, how far behind?
 *
 *     RECORDING  recorder 0.2.0 (gen 41, 77aa01ff), lag 12 events, journal 2 MiB of 4 GiB
 *     last swap  #41 LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events; steps in ms: verify 1.2,
 *                probe 7.0; rollback to recorder 0.1.0 (9c1e2b4d) possible
 *
 * Thread: one.
 */
#ifndef CTL_RECORDING_H
#define CTL_RECORDING_H

#include <jansson.h>

#include "ctl/commands.h"

/* The lines of one plugin of GET /api/plugins: is it recording, the swap under way, the one that
 * waits, the last one.  `health` is what GET /health says, or NULL. */
void print_recording(struct session *s, const json_t *plugin, const json_t *health);

#endif
