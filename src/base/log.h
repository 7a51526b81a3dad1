/*
 * Structured log, one line of JSON to stderr each:
 * {"at":"…","level":"warn","area":"settle","msg":"…", …fields}.
 * The text is a fixed sentence; what varies goes into the fields, so that
 * lines can be counted.  LOG_ERRNO keeps errno's name.
 *
 *   log_warn("store", "connection lost", "lane=%d", lane);
 *
 * A line that belongs to a request has its id, "request": while a request is
 * taken (log_whose), every line; later, those of log_request().
 *
 * The fields are given as "name=value name=value"; a value with spaces is
 * written name='…'.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/check.h"
#include "base/str.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level least);
bool log_is_on(enum log_level level);
void log_line(enum log_level level, const char *area, const char *message,
              const char *fields, ...) PRINTF_LIKE(4, 5);

/* Of the request with this id (copied), whoever is spoken for. */
void log_request(struct str request, enum log_level level, const char *area,
                 const char *message, const char *fields, ...) PRINTF_LIKE(5, 6);
/* From here on this thread's lines belong to that request; STR_NONE: to none. */
void log_whose(struct str request);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
