/* SPDX-License-Identifier: Apache-2.0 */
/* identity_kept_test.c: what is recalled is what was kept, to the last byte of the longest texts,
 * and the struct takes no byte more than it says. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "access/identity_kept.h"

static void fill(char *text, size_t len, char first)
{
    for (size_t i = 0; i < len; i++)
        text[i] = (char)(first + (char)(i % 23));
    text[len] = '\0';
}

static struct identity identity_of(size_t user, size_t tenant, size_t token_id, bool has_session)
{
    struct identity who = {.user_bytes = (uint8_t)user,
                           .has_session = has_session,
                           .method = IDENTITY_HOOK,
                           .roles = UINT64_C(0x8000000000000005),
                           .scopes = UINT64_MAX,
                           .authenticated_at_s = 1,
                           .issued_at_s = INT64_MAX,
                           .expires_at_s = 3,
                           .recheck_at_s = -4};

    fill(who.user, user, 'A');
    fill(who.tenant, tenant, 'a');
    fill(who.token_id, token_id, '0');
    for (size_t i = 0; has_session && i < sizeof(who.session); i++)
        who.session[i] = (uint8_t)(255 - i);
    return who;
}

/* The block is exactly as large as it was said to be: a sanitizer sees the first byte behind it. */
static void goes_there_and_back(const struct identity *who)
{
    struct identity_kept *kept = malloc(identity_kept_bytes(who));
    struct identity back;

    assert_non_null(kept);
    memset(&back, 0x5a, sizeof(back));
    identity_keep(kept, who);
    identity_recall(&back, kept);
    assert_int_equal(identity_kept_size(kept), identity_kept_bytes(who));
    assert_string_equal(back.user, who->user);
    assert_int_equal(back.user_bytes, who->user_bytes);
    assert_string_equal(back.tenant, who->tenant);
    assert_string_equal(back.token_id, who->token_id);
    assert_int_equal(back.has_session, who->has_session);
    if (who->has_session)
        assert_memory_equal(back.session, who->session, sizeof(who->session));
    assert_int_equal(back.method, who->method);
    assert_int_equal(back.roles, who->roles);
    assert_int_equal(back.scopes, who->scopes);
    assert_int_equal(back.authenticated_at_s, who->authenticated_at_s);
    assert_int_equal(back.issued_at_s, who->issued_at_s);
    assert_int_equal(back.expires_at_s, who->expires_at_s);
    assert_int_equal(back.recheck_at_s, who->recheck_at_s);
    assert_true(view_eq(identity_kept_user(kept), view_of(who->user, who->user_bytes)));
    free(kept);
}

static void every_fact_comes_back(void **state)
{
    static const size_t lengths[][3] = {
        {5, 0, 0},
        {1, 1, 1},
        {0, 0, 0},
        {36, 0, 36},
        {IDENTITY_USER_MAX, IDENTITY_TENANT_MAX, IDENTITY_TOKEN_ID_MAX}};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (int has_session = 0; has_session < 2; has_session++) {
            struct identity who =
                identity_of(lengths[i][0], lengths[i][1], lengths[i][2], has_session != 0);

            goes_there_and_back(&who);
        }
    }
}

static void it_takes_what_its_texts_take(void **state)
{
    struct identity alice = identity_of(5, 0, 0, false);
    struct identity longest =
        identity_of(IDENTITY_USER_MAX, IDENTITY_TENANT_MAX, IDENTITY_TOKEN_ID_MAX, true);

    (void)state;
    assert_int_equal(identity_kept_bytes(&alice), 53 + 5);
    assert_int_equal(identity_kept_bytes(&longest), 53 + 64 + 32 + 128 + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fact_comes_back),
        cmocka_unit_test(it_takes_what_its_texts_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
