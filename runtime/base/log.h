/* Log lines: time, level, call sid, component, message; one line each, hostile bytes escaped, so
 * that nothing from outside can forge a line. Safe from every thread.
 *
 *   2026-01-01T00:00:00.000Z info  CA0123…  session  answered
 */
#ifndef ALMON_BASE_LOG_H
#define ALMON_BASE_LOG_H

#include "base/error.h"
#include <stdarg.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* `sid` is the call or message the line is about, or NULL. Values are escaped for you. */
void log_debug(const char *component, const char *sid, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_info(const char *component, const char *sid, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_warn(const char *component, const char *sid, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_error(const char *component, const char *sid, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* "info" for all, "info,bridge=debug,http=warn" by component. 0 or ERR_INVALID; the old levels stay
 * on error. */
int log_set_levels(const char *spec, struct error *err);
/* Only says whether log_set_levels() would take it. */
int log_check_levels(const char *spec, struct error *err);
/* Where finished lines go (without the newline); NULL is standard error. Set before threads start.
 */
void log_set_sink(void (*sink)(const char *line, void *arg), void *arg);
/* Where the time comes from: milliseconds since 1970. NULL is the system's clock. */
void log_set_clock(int64_t (*wall_ms)(void *arg), void *arg);

#endif
