/* printable.h: which texts may be shown to people.
 *
 * Thread: any; no state.
 */
#ifndef ADMIN_PRINTABLE_H
#define ADMIN_PRINTABLE_H

/* Characters of valid UTF-8, or -1 when one of them is a control character. */
int printable_length(const char *text);

/* The same, and -1 also when there is a space in it. */
int printable_word_length(const char *text);

#endif
