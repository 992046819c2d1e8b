/* pages.h: a page of a list, with the way to the others (RFC 8288).
 *
 * Thread: loop thread only.
 */
#ifndef ADMIN_PAGES_H
#define ADMIN_PAGES_H

#include <stddef.h>

#include "admin/request.h"

/* Answers 200 with a page as a plugin gave it: {…, next_cursor, has_more}.  The header Link has the
 * same request for the next and the first page, and for the one before when pages are numbered. */
void page_answer(struct request *r, const char *body, size_t size);

#endif
