/* SPDX-License-Identifier: Apache-2.0 */
/* options_log.h: `log` of a configuration. Private to server/ but through options.h. */
#ifndef SERVER_OPTIONS_LOG_H
#define SERVER_OPTIONS_LOG_H

#include <stdbool.h>

struct log_options {
    char *events; /* "stderr", "stdout", "syslog", "off" or a path */
    char *syslog_socket;
    int syslog_facility; /* index into event_syslog_facilities */
    bool chain;          /* without a key; with one it is always */
    char *chain_key;     /* its file, which is read when the server opens; NULL: none */
    int level;           /* enum log_level */
};
void options_clear_log(struct log_options *log);

#endif
