/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire access auth */
/* introspection_fuzz.c: the answer of an authorization server. A yes keeps every promise of
 * identity.h, is the same one each time, and stands only where `"active"` and `true` do. */
#include <stdint.h>
#include <string.h>

#include "auth/introspection_answer.h"
#include "base/assert.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW INT64_C(1700000000)

static struct {
    struct role_set roles;
    struct scope_set scopes;
    struct introspection_rules rules[2];
} bench;

static void prepare(void)
{
    uint64_t bit;

    if (bench.rules[0].user_claim != NULL)
        return;
    ASSERT(role_set_add(&bench.roles, VIEW("user"), PERMISSION_READ) == OK);
    ASSERT(scope_set_add(&bench.scopes, VIEW("chat"), &bit) == OK);
    bench.rules[0] = (struct introspection_rules){
        NULL, NULL, "sub", "roles", "tenant", &bench.roles, &bench.scopes, 30, 10};
    bench.rules[1] = bench.rules[0];
    bench.rules[1].issuer = "https://id";
    bench.rules[1].audience = "gateward";
}

static void check_yes(const struct auth_answer *a, struct view body)
{
    const struct identity *who = &a->who;

    ASSERT(memmem(body.ptr, body.len, "true", 4) != NULL);
    ASSERT(a->fault == NULL && who->method == IDENTITY_OAUTH2);
    ASSERT(identity_user_ok(view_of(who->user, who->user_bytes)));
    ASSERT(strlen(who->user) == who->user_bytes);
    ASSERT(strnlen(who->token_id, sizeof(who->token_id)) <= IDENTITY_TOKEN_ID_MAX);
    ASSERT(who->token_id[0] != '\0');
    ASSERT(who->tenant[0] == '\0' || identity_user_ok(view_of_text(who->tenant)));
    ASSERT((who->roles & ~UINT64_C(1)) == 0 && (who->scopes & ~UINT64_C(1)) == 0);
    ASSERT(who->expires_at_s > NOW && who->recheck_at_s == NOW + 30);
    ASSERT(who->issued_at_s >= 0 && who->issued_at_s <= NOW + 10);
    ASSERT(!who->has_session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct view body = view_of(data, len);
    struct auth_answer answers[2];
    bool is_answer[2];

    prepare();
    for (unsigned i = 0; i < 2; i++) {
        memset(&answers[i], 0, sizeof(answers[i]));
        is_answer[i] =
            introspection_answer_read(&answers[i], &bench.rules[i], body, VIEW("t"), NOW);
        if (!is_answer[i])
            continue;
        ASSERT((answers[i].verdict == AUTH_OK) == (answers[i].fault == NULL));
        if (answers[i].verdict == AUTH_OK)
            check_yes(&answers[i], body);
        else
            ASSERT(answers[i].verdict == AUTH_FAILED || answers[i].verdict == AUTH_EXPIRED);
    }
    ASSERT(is_answer[0] == is_answer[1]);
    /* What holds under more rules holds under fewer. */
    if (is_answer[1] && answers[1].verdict == AUTH_OK)
        ASSERT(answers[0].verdict == AUTH_OK &&
               memcmp(answers[0].who.user, answers[1].who.user, sizeof(answers[0].who.user)) == 0);
    return 0;
}
