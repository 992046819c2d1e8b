/* error.h: what went wrong, in words for the operator.
 *
 * An error is set where it happens, wrapped on the way up and logged once, at the top.
 * The caller owns the struct; nothing is allocated.  A NULL `err` is fine everywhere.
 */
#ifndef ERROR_H
#define ERROR_H

struct error {
    int code;      /* an errno value, never 0 once set */
    char msg[512]; /* one line, cut when longer        */
};

/* Set code and message; return -1, so that `return error_set(…)` is one line. */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " in front of the message; returns -1. */
int error_wrap(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
