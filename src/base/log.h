/* SPDX-License-Identifier: Apache-2.0 */
/* log.h: the operator's text log on stderr (not the security event log, which is
 * server/event_log.h). Any thread. Only server/, cli/ and tools call it; rooms below return errors.
 * Level is the one mutable global (STYLE section 1). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_level_set(enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
