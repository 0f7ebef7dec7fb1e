/* SPDX-License-Identifier: Apache-2.0 */
/* syslog_link.h: datagrams to the system's log on this machine. Not syslog(3): that has one state
 * for the whole process, which may be somebody else's when we are a library, knows one path only,
 * and waits for a daemon that has stopped reading. One thread. */
#ifndef NET_SYSLOG_LINK_H
#define NET_SYSLOG_LINK_H

#include <stddef.h>

#define SYSLOG_PATH_MAX 107 /* of a Unix socket */

struct syslog_link {
    const char *path; /* must outlive the link */
    int fd;           /* -1: not connected */
};
/* Connects at the first line. */
void syslog_link_init(struct syslog_link *link, const char *path);
void syslog_link_close(struct syslog_link *link);
/* Never waits, connects again where that is needed. E_FULL: the daemon does not read now; E_CLOSED:
 * none is there (errno says why); E_LIMIT: too long for it, and always will be. */
int syslog_link_send(struct syslog_link *link, const void *bytes, size_t len);
/* Until it may take something again, at most so long. */
void syslog_link_wait(const struct syslog_link *link, int timeout_ms);

#endif
