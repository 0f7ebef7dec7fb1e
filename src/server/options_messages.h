/* SPDX-License-Identifier: Apache-2.0 */
/* options_messages.h: private to server/options_message*.c: one type while it is read. */
#ifndef SERVER_OPTIONS_MESSAGES_H
#define SERVER_OPTIONS_MESSAGES_H

#include "server/options_load.h"

struct message_draft {
    struct loading *l;
    struct message_type *type;
    struct node *entry, *schema; /* schema: written in the file itself; NULL: it is not */
    char *schema_file, *hook_ca;
    int permission, reply, on_violation, mode, errors, injection_by; /* indexes into words */
    uint64_t max_auth_age_ms, size, injection_score, hook_timeout_ms;
    uint64_t per_minute, per_hour, burst, connection_per_minute; /* 0: not said */
    int on_unavailable;
};

/* options_message_schema.c: compiles `schema` or `schema_file` into the type; faults are reported
 * where they stand. */
void options_message_schema(struct message_draft *draft, struct problems *problems);
/* options_injection.c: `injection_engine`, whose module is loaded when all rows are read, and
 * whether the keys of one type go together. */
extern const struct option options_injection_rows[];
void options_finish_injection(struct loading *l, struct node *root, struct problems *problems);
void options_check_injection(const struct message_draft *draft, struct problems *problems);

#endif
