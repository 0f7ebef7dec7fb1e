/* SPDX-License-Identifier: Apache-2.0 */
/* A few names, looked up at a login: a walk will do. */
#include "access/scope.h"

#include <string.h>

#include "base/status.h"

bool scope_name_ok(struct view name)
{
    if (name.len == 0 || name.len > SCOPE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (c < 0x21 || c > 0x7e || c == '"' || c == '\\')
            return false;
    }
    return true;
}

static uint64_t find(const struct scope_set *set, struct view name)
{
    for (uint32_t i = 0; i < set->count; i++)
        if (view_eq(name, view_of_text(set->names[i])))
            return UINT64_C(1) << i;
    return 0;
}

int scope_set_add(struct scope_set *set, struct view name, uint64_t *bit)
{
    if (!scope_name_ok(name))
        return E_INVALID;
    *bit = find(set, name);
    if (*bit != 0)
        return OK;
    if (set->count >= SCOPES_MAX)
        return E_LIMIT;
    memcpy(set->names[set->count], name.ptr, name.len);
    set->names[set->count][name.len] = '\0';
    *bit = UINT64_C(1) << set->count++;
    return OK;
}

uint64_t scope_set_bits(const struct scope_set *set, struct view list)
{
    uint64_t bits = 0;

    while (list.len > 0) {
        struct view name;

        (void)view_split(list, ' ', &name, &list);
        bits |= find(set, name);
    }
    return bits;
}

void scope_set_write(struct wr *w, const struct scope_set *set, uint64_t bits)
{
    bool is_first = true;

    for (uint32_t i = 0; i < set->count; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (!is_first)
            wr_u8(w, ' ');
        wr_text(w, set->names[i]);
        is_first = false;
    }
}
