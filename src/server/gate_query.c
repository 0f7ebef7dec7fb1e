/* SPDX-License-Identifier: Apache-2.0 */
/* gate_query.c: the two parameters of a handshake's query that anyone here reads: `ticket` and
 * `csrf`. Nothing in them is decoded: neither needs escapes. */
#include "server/gate_login.h"

unsigned gate_query(const struct http1_request *request, struct view name, struct view *value)
{
    struct view query = request->query;
    unsigned count = 0;

    while (query.len > 0) {
        struct view parameter, key, text;

        (void)view_split(query, '&', &parameter, &query);
        (void)view_split(parameter, '=', &key, &text);
        if (!view_eq(key, name))
            continue;
        if (count++ == 0)
            *value = text;
    }
    return count;
}
