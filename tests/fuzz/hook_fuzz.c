/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire access auth */
/* hook_fuzz.c: the answer of an application. A yes keeps every promise of identity.h. */
#include <stdint.h>
#include <string.h>

#include "access/scope.h"
#include "auth/hook_answer.h"
#include "base/assert.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW INT64_C(1700000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct role_set roles;
    const struct hook_rules rules = {"/user",    "/roles", "/a/tenant", "/expires_in",
                                     "/session", &roles,   30,          600};
    struct auth_answer a = {.verdict = AUTH_LATER};

    if (roles.count == 0)
        ASSERT(role_set_add(&roles, VIEW("user"), PERMISSION_READ) == OK);
    if (!hook_answer_read(&a, &rules, view_of(data, len), NOW)) {
        ASSERT(a.verdict == AUTH_LATER);
        return 0;
    }
    ASSERT((a.verdict == AUTH_OK) == (a.fault == NULL));
    if (a.verdict != AUTH_OK) {
        ASSERT(a.verdict == AUTH_FAILED || a.verdict == AUTH_EXPIRED);
        ASSERT(a.who.user_bytes == 0);
        return 0;
    }
    ASSERT(a.who.method == IDENTITY_HOOK && a.who.scopes == SCOPES_ALL);
    ASSERT(identity_user_ok(view_of(a.who.user, a.who.user_bytes)));
    ASSERT(strlen(a.who.user) == a.who.user_bytes);
    ASSERT(a.who.tenant[0] == '\0' || identity_user_ok(view_of_text(a.who.tenant)));
    ASSERT((a.who.roles & ~UINT64_C(1)) == 0);
    ASSERT(a.who.expires_at_s > NOW && a.who.expires_at_s <= NOW + HOOK_EXPIRES_S_MAX);
    return 0;
}
