/* SPDX-License-Identifier: Apache-2.0 */
/* Roles are a set of exact strings: no prefix, no substring, no case folding (W-19). A role that is
 * not in the set has no bit, so it can neither give nor take anything. */
#include "access/role.h"

#include "access/grammar.h"
#include "base/status.h"

static const struct {
    const char *text;
    enum permission permission;
} permission_names[] = {
    {"read", PERMISSION_READ},
    {"write", PERMISSION_WRITE},
    {"moderate", PERMISSION_MODERATE},
    {"admin", PERMISSION_ADMIN},
};

#define PERMISSION_COUNT (sizeof(permission_names) / sizeof(permission_names[0]))
#define PERMISSION_ALL   (PERMISSION_READ | PERMISSION_WRITE | PERMISSION_MODERATE | PERMISSION_ADMIN)

static bool text_is(const char *text, struct view v)
{
    return strlen(text) == v.len && (v.len == 0 || memcmp(text, v.ptr, v.len) == 0);
}

bool permission_from_text(struct view text, enum permission *out)
{
    size_t i;

    for (i = 0; i < PERMISSION_COUNT; i++) {
        if (text_is(permission_names[i].text, text)) {
            *out = permission_names[i].permission;
            return true;
        }
    }
    return false;
}

const char *permission_text(enum permission p)
{
    size_t i;

    for (i = 0; i < PERMISSION_COUNT; i++) {
        if (permission_names[i].permission == p)
            return permission_names[i].text;
    }
    return "nothing";
}

int role_set_add(struct role_set *set, struct view name, unsigned permissions)
{
    struct role *role;

    if (name.len < 1 || name.len >= sizeof(set->roles[0].name) || !grammar_is_id(name))
        return E_INVALID;
    if ((permissions & ~(unsigned)PERMISSION_ALL) != 0)
        return E_INVALID;
    if (role_set_bit(set, name) != 0)
        return E_EXISTS;
    if (set->count >= IDENTITY_ROLES_MAX)
        return E_LIMIT;
    role = &set->roles[set->count];
    memcpy(role->name, name.ptr, name.len);
    role->name[name.len] = '\0';
    role->permissions = permissions;
    set->count++;
    return OK;
}

uint64_t role_set_bit(const struct role_set *set, struct view name)
{
    uint32_t i;

    for (i = 0; i < set->count; i++) {
        if (text_is(set->roles[i].name, name))
            return UINT64_C(1) << i;
    }
    return 0;
}

unsigned role_set_permissions(const struct role_set *set, uint64_t roles)
{
    unsigned permissions = 0;

    while (roles != 0) {
        unsigned i = (unsigned)__builtin_ctzll(roles);

        if (i < set->count)
            permissions |= set->roles[i].permissions;
        roles &= roles - 1;
    }
    return permissions;
}
