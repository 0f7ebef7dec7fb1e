/* SPDX-License-Identifier: Apache-2.0 */
/* usage.h: what one connection has used of the rates of message types. Made with the first message
 * of a type that has a rate. What a user has used lies in the server's table and outlives the
 * connection. Not thread-safe: the connection's thread. */
#ifndef POLICY_USAGE_H
#define POLICY_USAGE_H

#include "limit/user_table.h"
#include "policy/message_policy.h"

struct policy_usage;

struct policy_meter {
    struct policy_usage **usage; /* the connection's; *usage NULL until it is needed */
    struct user_table *users;    /* the server's table of users and types */
    struct view user;            /* empty: nobody, who shares one account with all other nobodies */
    uint64_t now_ns;
};
/* Takes one message of this type from all of its limits, or from none. False: over one of them, or
 * nothing can be counted (no memory, table full). *is_first: the first refusal of a run. */
bool policy_usage_take(const struct policy_meter *meter, const struct message_policy *policy,
                       const struct message_type *type, bool *is_first);
void policy_usage_free(struct policy_usage *usage); /* NULL is fine */

#endif
