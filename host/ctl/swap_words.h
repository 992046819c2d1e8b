/* swap_words.h: a swap of builds, as the API tells of it, in words.
 *
 * Promise: the words name what ended it or what it waits for; whoever prints them makes them
 *          harmless for the terminal.
 * Thread:  any; no state.
 */
#ifndef CTL_SWAP_WORDS_H
#define CTL_SWAP_WORDS_H

#include <stdbool.h>

#include <jansson.h>

enum { SWAP_WORDS = 2048 };

/* The one of the highest number of a list, or NULL. */
const json_t *swap_latest(const json_t *swaps);

/* "swap 41", "rollback 41"; "reload 41" or "start 41" when nobody asked for it. */
void swap_title(const json_t *swap, char out[SWAP_WORDS]);

/* "LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events", "REFUSED verify: forbidden import fork", or
 * without a verdict what is under way, "prepare: waiting for the TLS handshake". */
void swap_outcome(const json_t *swap, char out[SWAP_WORDS]);

/* "steps in ms: verify 1.2, probe 7.0", "" before the first has passed. */
void swap_steps(const json_t *swap, char out[SWAP_WORDS]);

/* "recorder 0.1.0 (9c1e2b4d) → recorder 0.2.0 (77aa01ff)"; the file's name while the build behind
 * it is not known. */
void swap_change(const json_t *swap, char out[SWAP_WORDS]);

/* In probation a swap is LIVE and may still be rolled back. */
bool swap_is_in_probation(const json_t *swap);

/* Nothing was done: it was the same build as the live one. */
bool swap_was_needless(const json_t *swap);

#endif
