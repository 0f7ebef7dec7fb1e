/* SPDX-License-Identifier: Apache-2.0 */
/* Types are found by name through a hash with a secret key: the names come from strangers. */
#include "policy/message_policy.h"

#include <stdlib.h>

#include "base/status.h"

int message_policy_build(struct message_policy *policy)
{
    map_init(&policy->by_name, MESSAGE_TYPES_MAX);
    policy->rated_count = 0;
    policy->hooks_count = 0;
    for (uint32_t i = 0; i < policy->count; i++) {
        struct message_type *type = &policy->types[i];
        int rc;

        type->name_view = view_of_text(type->name);
        rc = map_put(&policy->by_name, type->name_view, type);
        if (rc != OK) {
            map_clear(&policy->by_name);
            return rc;
        }
        if (type->rate.has_minute || type->rate.has_hour || type->rate.has_connection)
            type->rated = policy->rated_count++;
        if (type->hook.url != NULL)
            type->hook.index = policy->hooks_count++;
    }
    return OK;
}

static void type_clear(struct message_type *type)
{
    for (uint32_t i = 0; i < type->sanitize_count; i++)
        free((void *)(uintptr_t)type->sanitize[i].pointer.ptr);
    free(type->sanitize);
    for (uint32_t i = 0; i < type->injection_count; i++)
        free(type->injection[i]);
    free(type->injection);
    schema_free(type->schema);
    free(type->open_object);
    free(type->name);
    free(type->publish);
    free(type->data);
    free(type->hook.url);
    free(type->hook.ca_pem);
}

void message_policy_clear(struct message_policy *policy)
{
    map_clear(&policy->by_name);
    for (uint32_t i = 0; i < policy->count; i++)
        type_clear(&policy->types[i]);
    free(policy->types);
    free(policy->by);
    injection_engine_clear(&policy->injection_module);
    *policy = (struct message_policy){.count = 0};
}

const struct message_type *message_policy_find(const struct message_policy *policy,
                                               struct view name)
{
    if (name.len == 0 || name.len > MESSAGE_TYPE_NAME_MAX)
        return NULL;
    return map_find(&policy->by_name, name);
}

int message_policy_fit(const struct message_policy *policy, struct schema_scratch *scratch)
{
    for (uint32_t i = 0; i < policy->count; i++) {
        if (policy->types[i].schema != NULL && schema_scratch_fit(scratch, policy->types[i].schema))
            return E_NOMEM;
    }
    return OK;
}
