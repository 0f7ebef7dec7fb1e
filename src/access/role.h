/* SPDX-License-Identifier: Apache-2.0 */
/* role.h: role names and the permissions they give. Built once from the configuration, then read by
 * all threads. */
#ifndef ACCESS_ROLE_H
#define ACCESS_ROLE_H

#include <stdbool.h>
#include <stdint.h>

#include "access/identity.h"
#include "base/view.h"

/* The permissions of the guide; a role's list may hold these and nothing else. */
enum permission {
    PERMISSION_READ = 1,
    PERMISSION_WRITE = 2,
    PERMISSION_MODERATE = 4,
    PERMISSION_ADMIN = 8
};

bool permission_from_text(struct view text, enum permission *out);
const char *permission_text(enum permission p);

struct role {
    char name[65];
    unsigned permissions; /* of enum permission */
};
struct role_set {
    struct role roles[IDENTITY_ROLES_MAX];
    uint32_t count;
};
/* [a-zA-Z0-9_-]{1,64}. E_INVALID, E_EXISTS, E_LIMIT. */
int role_set_add(struct role_set *set, struct view name, unsigned permissions);
/* The role's bit, or 0 when there is no such role. Exact, case-sensitive. */
uint64_t role_set_bit(const struct role_set *set, struct view name);
/* All permissions that the roles in `roles` give together. */
unsigned role_set_permissions(const struct role_set *set, uint64_t roles);

#endif
