/* questions.h: questions on their way to a plugin and back.
 *
 * Promise: each is answered exactly once, at its deadline at the latest; one that an instance's end
 *          interrupts is asked again of the next instance.  An answer is at most 64 MiB.
 * Thread:  loop thread only.
 * Knows:   instance.  Not: what a question means.
 *
 *      waiting ──▶ asked ──▶ answered          (waiting: for an instance that can answer)
 *         ▲__________│ the instance broke
 */
#ifndef PLUGIN_QUESTIONS_H
#define PLUGIN_QUESTIONS_H

#include <uv.h>

#include "plugin/instance.h"
#include "plugin/plugins.h"

/* NULL: out of memory. */
struct questions *questions_new(uv_loop_t *loop);

/* Ends all that are left with WT_E_AGAIN, frees q in a later turn. */
void questions_close(struct questions *q);

struct plugins_question *questions_ask(struct questions *q, const char *name, const char *args,
                                       uint64_t timeout_ms, plugins_answer answer, void *arg);
void questions_cancel(struct plugins_question *question);

/* `i` can answer from now on: the waiting ones are asked. */
void questions_use(struct questions *q, struct instance *i);

/* `i` cannot answer any more: what it was asked waits again.  `why` is what the others are told. */
void questions_leave(struct questions *q, struct instance *i, const char *why);

/* From the plugin, through the instance; safe in its call. */
wt_status questions_reply(struct questions *q, const struct instance *from, wt_query *query,
                          const void *bytes, size_t size);
void questions_reply_end(struct questions *q, const struct instance *from, wt_query *query,
                         wt_status status, const char *message);

#endif
