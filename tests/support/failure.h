/* failure.h: when a test's ground gives way: no server, no memory, no file.
 *
 * Prints the message and fails the running test at the caller's line; outside of a test it
 * ends the program.
 */
#ifndef SUPPORT_FAILURE_H
#define SUPPORT_FAILURE_H

#define cannot_go_on(...) failure_at(__FILE__, __LINE__, __VA_ARGS__)
_Noreturn void failure_at(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
