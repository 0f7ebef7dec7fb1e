/* SPDX-License-Identifier: Apache-2.0 */
/* gate_query.c: the two parameters of a handshake's query that anyone here reads, `ticket` and
 * `csrf`, of which nothing is decoded because neither needs escapes; and how a browser says it came
 * to ask. */
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

bool gate_fetch_mode_ok(const struct http1_request *request, struct view one, struct view other)
{
    const struct http1_header *header = NULL;
    unsigned count = http1_find(request, VIEW("Sec-Fetch-Mode"), &header);

    return count == 0 ||
           (count == 1 && (view_eq(header->value, one) || view_eq(header->value, other)));
}
