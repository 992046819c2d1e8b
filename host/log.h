/* log.h: one line an occurrence, on standard error.
 *
 * Text for people ("12:00:01.123 INFO  run: …"), JSON for programs; "auto" is text on a
 * terminal and JSON elsewhere.  Control characters are escaped, so that no engine or
 * client can forge a line; a line is cut at 4 KiB.
 * Thread: any.
 */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG }; /* as WT_LOG_… */
enum log_format { LOG_AUTO, LOG_TEXT, LOG_JSON };

void log_setup(enum log_level level, enum log_format format);
bool log_wants(enum log_level level);

/* `part` names who speaks: "run", "journal", "plugin recorder". */
void log_line(enum log_level level, const char *part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a message that is ready.  Async-signal-safe. */
void log_text(enum log_level level, const char *part, const char *message);

#endif
