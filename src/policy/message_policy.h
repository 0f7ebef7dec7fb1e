/* SPDX-License-Identifier: Apache-2.0 */
/* message_policy.h: the message types of one configuration and what each of them must be. Filled
 * row by row while the configuration is read, then built, then only read, by all threads. */
#ifndef POLICY_MESSAGE_POLICY_H
#define POLICY_MESSAGE_POLICY_H

#include "access/role.h"
#include "base/map.h"
#include "limit/rate.h"
#include "message/injection.h"
#include "message/sanitize.h"
#include "message/schema.h"
#include "policy/channel_template.h"

#define MESSAGE_TYPES_MAX     1024
#define MESSAGE_TYPE_NAME_MAX 64 /* bytes */

enum violation_action {
    VIOLATION_ERROR, /* an answer that says what is wrong */
    VIOLATION_DROP,  /* silence */
    VIOLATION_CLOSE  /* 1008 "Policy violation" */
};
enum hook_fallback { HOOK_REFUSE, HOOK_ACCEPT };

/* The application is asked about each message. url NULL: it is not. */
struct message_hook {
    char *url, *ca_pem;
    size_t ca_bytes;
    uint32_t timeout_ms;
    enum hook_fallback on_unavailable;
    bool allows_loopback_http;
    uint32_t index; /* among the hooks; message_policy_build sets it */
};

/* Two limits at once; the flag says which of them there are. */
struct message_rate {
    bool has_minute, has_hour, has_connection;
    struct rate_limit per_minute, per_hour; /* of a user, over all connections and workers */
    struct rate_limit connection;           /* of one connection */
};

/* Texts and arrays are on the heap and belong to the type. */
struct message_type {
    char *name;
    struct view name_view;
    bool is_builtin; /* the checks stand before what the server does with this type anyway */
    bool is_observed;
    bool is_brief; /* clients hear that something is wrong, not what */
    enum violation_action on_violation;
    uint64_t bytes_max; /* 0: as every message */
    /* Who may send it. 0: not asked. */
    uint64_t allow, deny, scopes;
    unsigned permission;
    uint32_t max_auth_age_s;
    struct message_rate rate;
    uint32_t rated; /* index among those with a rate; build sets it */
    struct schema *schema;
    char *open_object; /* pointer into the schema (schema_find_open); NULL: none is open */
    char **injection;  /* pointers below which texts are searched for signs */
    uint32_t injection_count;
    unsigned injection_score;    /* refused from this on */
    bool is_injection_by_module; /* judged by the policy's injection_module, not by score */
    struct sanitize_rule *sanitize;
    uint32_t sanitize_count;
    char *publish; /* NULL: goes nowhere */
    struct channel_template channel;
    char *data;     /* pointer to what is published; NULL: the message without its id */
    bool is_silent; /* no ack */
    struct message_hook hook;
    int line;
};

struct message_policy {
    struct message_type *types;
    uint32_t count;
    char *by; /* pointer of the member that names the type; NULL: /type */
    struct map by_name;
    struct injection_engine injection_module; /* owned; usually none */
    uint32_t rated_count, hooks_count;
};
/* When all types stand. Pointers to them stay good if the policy struct itself is moved. E_EXISTS
 * (two of one name), E_NOMEM. */
int message_policy_build(struct message_policy *policy);
/* Frees the types and all they own, and the engine. Harmless twice and on a zeroed policy. */
void message_policy_clear(struct message_policy *policy);
/* NULL: there is no such type. */
const struct message_type *message_policy_find(const struct message_policy *policy,
                                               struct view name);
/* Grows it to what the schemas need: once a worker. E_NOMEM. */
int message_policy_fit(const struct message_policy *policy, struct schema_scratch *scratch);

#endif
