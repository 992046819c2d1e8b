/* json_memory.h: what becomes of JSON when memory is out.
 *
 * Promise: from json_memory_guard() on, no text is ever read or written with a part of it missing:
 *          an allocation of jansson's that fails ends the process, as one of GLib's does.
 *          (By itself its reader drops the characters that found no room, and goes on.)
 * Thread:  to be called first of all, once.
 */
#ifndef JSON_MEMORY_H
#define JSON_MEMORY_H

void json_memory_guard(void);

#endif
