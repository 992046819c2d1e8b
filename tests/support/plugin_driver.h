/* plugin_driver.h: a second, small host for one plugin: loop, services, a journal in memory.
 *
 * Promise: the plugin contract as include/walltrack/plugin.h has it: nothing calls the plugin from
 *          inside its own call, events come in order from cursor + 1, and closed() with anything
 *          left in the ledger fails the test, as does an acknowledgement of what was not delivered.
 * Fails:   prints why and fails the running test; every wait has a deadline.
 * Thread:  main thread only.
 *
 * An instance is a `wt_host`: several may be open at once, each with its own place in the journal.
 */
#ifndef SUPPORT_PLUGIN_DRIVER_H
#define SUPPORT_PLUGIN_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <walltrack/plugin.h>

struct driver;
struct driver_question;

/* Loads the plugin.  Both live until driver_free(), which closes what is still open. */
struct driver *driver_new(const char *plugin_path);
void driver_free(struct driver *d);
/* The next instances are opened from that file, under that label; it stays loaded. */
void driver_use(struct driver *d, const char *plugin_path, const char *build);
/* Calls `tick` about that often while the loop turns; it may add to the journal. */
void driver_every(struct driver *d, uint64_t ms, void (*tick)(void *arg), void *arg);

/* ---- the journal ---- */

wt_uuid driver_uuid(struct driver *d); /* rising, like UUIDv7 */
wt_uuid driver_start_run(struct driver *d);
wt_uuid driver_start_run_with(struct driver *d, const wt_run_start *start);
void driver_token(struct driver *d, wt_uuid run, const char *token);
/* is_new: 1, 0 or -1 for undecided; score_e4 or WT_NO_SCORE; profile may be NULL. */
void driver_wallet(struct driver *d, wt_uuid run, const char *address, const char *token,
                   int is_new, int score_e4, const char *profile);
void driver_error(struct driver *d, wt_uuid run, const char *message);
void driver_end_run(struct driver *d, wt_uuid run, int status, const char *reason);
void driver_slot(struct driver *d, const char *schedule, int outcome);
uint64_t driver_head(const struct driver *d);
/* Forgets everything before `oldest`, as the retention does. */
void driver_trim(struct driver *d, uint64_t oldest);
/* From now on the journal is another one: empty, with a new id. */
void driver_replace_journal(struct driver *d);
/* An empty journal whose first event is `oldest` (head is oldest - 1), same id. */
wt_uuid driver_journal_id(const struct driver *d);
void driver_set_time(struct driver *d, int64_t us); /* of the next events; a millisecond apart */

/* ---- instances ---- */

wt_host *driver_open(struct driver *d, const char *config); /* returns when prepared or failed */
wt_host *driver_send_open(struct driver *d, const char *config); /* does not wait */
wt_host *driver_open_probe(struct driver *d, const char *config);
void driver_claim(wt_host *h);                              /* returns when claimed or failed */
void driver_send_claim(wt_host *h);                         /* does not wait                  */
void driver_await_claim(wt_host *h);                        /* until claimed or failed        */
wt_host *driver_live(struct driver *d, const char *config); /* open and claim; both must work */
void driver_feed(wt_host *h, bool on); /* events are delivered to it whenever the loop turns */
void driver_send_close(wt_host *h, uint32_t mode); /* does not wait */
void driver_close(wt_host *h, uint32_t mode);      /* until closed; destroys it; `h` is gone */

bool driver_is_prepared(const wt_host *h);
bool driver_is_claimed(const wt_host *h);
bool driver_is_closed(const wt_host *h);
bool driver_failed(const wt_host *h, wt_status *status, const char **message);
uint64_t driver_cursor(const wt_host *h); /* as claimed     */
uint64_t driver_acked(const wt_host *h);
uint64_t driver_delivered(const wt_host *h);
const wt_prepared *driver_prepared(const wt_host *h);
const wt_plugin *driver_plugin(const struct driver *d); /* of the next instance */
void *driver_self(const wt_host *h);
/* Whether the instance has logged a line with that in it. */
bool driver_logged(const wt_host *h, const char *words);
/* The value of a counter or gauge in stats(); -1 when there is none. */
double driver_figure(const wt_host *h, const char *name, const char *label_value);

/* ---- waiting ---- */

void driver_turn(struct driver *d); /* one turn of the loop, which may wait */
void driver_turn_nowait(struct driver *d);
/* Until everything in the journal is acknowledged; fails when the instance does. */
void driver_await_acks(wt_host *h);
void driver_await_failure(wt_host *h, wt_status expected);

/* ---- questions ---- */

/* Asks and waits.  The answer or the message, borrowed until the next question. */
const char *driver_ask(wt_host *h, const char *name, const char *args, wt_status *status);
/* Asks and does not wait; the end is to be asked for once the question has ended. */
struct driver_question *driver_send_question(wt_host *h, const char *name, const char *args);
wt_status driver_question_end(struct driver_question *q); /* frees it */
/* Asks `n` times at once, cancels the one numbered `cancel` (or none: -1), and waits for all;
 * counts the answers by status into counts[12]. */
void driver_ask_many(wt_host *h, const char *name, const char *args, int n, int cancel,
                     int counts[12]);

#endif
