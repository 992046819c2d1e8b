/* history.h: questions about what is recorded, answered by the files of plugin/sql.
 *
 * Promise: every question ends exactly once.  They run one at a time, read-only, on a connection of
 *          their own that is made when the first comes.  When that connection breaks, the
 *          questions that wait end with WT_E_AGAIN and the next one gets a new connection,
 *          with back-off: reading may be tried again, and must not disturb the writer.
 * Bounds:  64 questions wait; more are refused.
 * Thread:  loop only.
 * Knows:   pg_conn, sql, question.  Not: the writer.
 */
#ifndef RECORDER_HISTORY_H
#define RECORDER_HISTORY_H

#include "instance.h"

struct history;

struct history *history_new(struct instance *instance); /* NULL: out of memory */
void history_ask(struct history *h, wt_query *query, const wt_query_args *args);
void history_cancel(struct history *h, wt_query *query);
size_t history_waiting(const struct history *h);
/* Ends all questions with WT_E_CANCELLED; `gone` runs when nothing is left, perhaps inside this
 * call. */
void history_close(struct history *h, void (*gone)(void *arg), void *arg);
void history_free(struct history *h); /* after gone; NULL is fine */

#endif
