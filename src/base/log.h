/*
 * Structured log, one line of JSON to stderr each:
 * {"at":"…","level":"warn","area":"settle","msg":"…", …fields}.
 * The text is a fixed sentence; what varies goes into the fields, so that
 * lines can be counted.  LOG_ERRNO keeps errno's name.
 *
 *   log_warn("store", "connection lost", "lane=%d", lane);
 *
 * The fields are given as "name=value name=value"; a value with spaces is
 * written name='…'.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/check.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_set_level(enum log_level least);
void log_line(enum log_level level, const char *area, const char *message,
              const char *fields, ...) PRINTF_LIKE(4, 5);

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
