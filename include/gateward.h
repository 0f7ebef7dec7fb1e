/* SPDX-License-Identifier: Apache-2.0 */
/* gateward.h: the engine inside your own program. Link with -lgateward (pkg-config gateward).
 *
 * Threads: gw_server_open, gw_server_run and gw_server_free belong to one thread; gw_server_drain
 * and gw_server_publish may be called from any. Errors: functions return 0 or a negative gw_status,
 * and fill `why` (always NUL-terminated) with one or more lines of English for people. Strings
 * passed in are copied. */
#ifndef GATEWARD_H
#define GATEWARD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GW_API __attribute__((visibility("default")))

enum gw_status { GW_OK = 0, GW_ERROR = -1, GW_INVALID = -2, GW_BUSY = -3 };

typedef struct gw_server gw_server;

/* "0.1.0" */
GW_API const char *gw_version(void);

/* Reads a configuration file, checks it whole, and binds its listeners. `why` (why_bytes long, may
 * be NULL) gets every fault as "file:line:col: text". The caller owns *server and frees it with
 * gw_server_free. */
GW_API int gw_server_open(gw_server **server, const char *config_path, char *why, size_t why_bytes);

/* The port that listener `index` (in the order of the file) is bound to: useful when the file says
 * port 0. 0 if no such. */
GW_API uint16_t gw_server_port(const gw_server *server, unsigned index);

/* Serves until a drain has ended. Blocks. Installs no signal handlers. */
GW_API int gw_server_run(gw_server *server);

/* Starts a graceful end (RFC 6455 section 7.1: Close 1001 to everyone, spread over server.drain);
 * called again: ends now. */
GW_API void gw_server_drain(gw_server *server);

/* Sends {"type":"message","channel":...,"data":...,"from":{"server":true}} to all subscribers of
 * `channel`. `json` is one JSON value of `json_bytes` bytes. GW_INVALID: no channel name or no
 * JSON; GW_BUSY: queues are full, nothing was sent. */
GW_API int gw_server_publish(gw_server *server, const char *channel, const char *json,
                             size_t json_bytes);

GW_API void gw_server_free(gw_server *server);

#ifdef __cplusplus
}
#endif
#endif
