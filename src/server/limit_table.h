/* SPDX-License-Identifier: Apache-2.0 */
/* limit_table.h: the limits of a connection as one row, made for every listener, route and set of
 * roles that has numbers of its own when a configuration comes into force. A connection looks its
 * row up when it opens, logs in or is judged anew, and then only points at it. Private to server/.
 * Immutable. */
#ifndef SERVER_LIMIT_TABLE_H
#define SERVER_LIMIT_TABLE_H

#include "limit/flow.h"
#include "limit/rate.h"
#include "server/effective_limits.h"
#include "wire/ws_message.h"

struct limit_row {
    struct rate_limit per_minute, per_hour, control_frames, subscribes;
    struct flow_limit bytes_in;
    struct ws_limits open, first; /* first: of what comes before the login */
    uint32_t connections_per_user;
};

struct limit_table;
/* E_NOMEM. There are at most LIMIT_ROWS_MAX rows: options_finish_limits sees to it. */
int limit_table_new(struct limit_table **out, const struct options *o);
void limit_table_free(struct limit_table *t); /* NULL is fine */
const struct limit_row *limit_table_row(const struct limit_table *t, const struct limits_place *at);

#endif
