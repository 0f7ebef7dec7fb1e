/* SPDX-License-Identifier: Apache-2.0 */
/* redis_url.h: where a Redis or Valkey server is, as one line of a configuration. Pure. No password
 * stands in a URL: it would be read along with it in lists of processes and in error messages. */
#ifndef NET_REDIS_URL_H
#define NET_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

#define REDIS_URL_MAX      512
#define REDIS_PATH_MAX     107 /* sun_path without its NUL */
#define REDIS_DATABASE_MAX 65535

struct redis_url {
    char host[256];               /* or the path of a Unix socket */
    char user[REDIS_URL_MAX + 1]; /* "": none was named */
    uint16_t port;
    uint32_t database;
    bool is_unix, has_tls;
};

/* redis://[user@]host[:port][/database], the same with rediss:// (TLS), or
 * unix:/path[?db=database]. E_INVALID with *why. */
int redis_url_parse(struct redis_url *out, struct view text, struct error *why);
/* Does what is said to it stay on this machine? Judged by name: an address of 127.0.0.0/8, ::1,
 * localhost, or a Unix socket. */
bool redis_url_is_local(const struct redis_url *url);

#endif
