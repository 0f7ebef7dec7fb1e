/* SPDX-License-Identifier: Apache-2.0 */
/* peer_who_test.c: a login by a longer or a shorter token keeps all else that is known of the
 * connection. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/status.h"
#include "server/peer.h"

struct rig {
    struct options options;
    struct worker worker;
    struct peer peer;
};

static int begin(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    assert_non_null(rig);
    assert_int_equal(loop_new(&rig->worker.loop), OK);
    rig->worker.options = &rig->options;
    peer_who_slabs_init(&rig->worker.who_slabs);
    rig->peer.worker = &rig->worker;
    *state = rig;
    return 0;
}

static int end(void **state)
{
    struct rig *rig = *state;

    peer_who_clear(&rig->peer);
    peer_who_clear(&rig->peer);
    peer_who_slabs_clear(&rig->worker.who_slabs);
    loop_free(rig->worker.loop);
    free(rig);
    return 0;
}

static struct identity identity_of(const char *user, size_t token_id_bytes)
{
    struct identity who = {.user_bytes = (uint8_t)strlen(user), .roles = 5, .expires_at_s = 99};

    memcpy(who.user, user, strlen(user));
    memset(who.token_id, 't', token_id_bytes);
    return who;
}

static void nobody_has_no_name(void **state)
{
    struct peer *p = &((struct rig *)*state)->peer;
    struct identity space;

    assert_int_equal(peer_user(p).len, 0);
    assert_null(peer_identity(p, &space));
}

static void another_token_changes_the_identity_alone(void **state)
{
    static const size_t token_ids[] = {0, 128, 36, 128, 0};
    struct peer *p = &((struct rig *)*state)->peer;
    struct user_usage *usage = (void *)(uintptr_t)8;
    struct standing *standing;

    for (size_t i = 0; i < sizeof(token_ids) / sizeof(token_ids[0]); i++) {
        struct identity who = identity_of("alice", token_ids[i]), space;

        assert_true(peer_who_set(p, &who));
        assert_true(view_eq(peer_user(p), VIEW("alice")));
        assert_ptr_equal(peer_identity(p, &space), &space);
        assert_int_equal(strlen(space.token_id), token_ids[i]);
        assert_int_equal(space.roles, 5);
        if (i == 0) {
            assert_null(p->who->standing);
            p->who->usage = usage;
            standing = peer_who_standing(p);
            assert_non_null(standing);
        }
        assert_ptr_equal(p->who->usage, usage);
        assert_ptr_equal(peer_who_standing(p), standing);
    }
    p->who->usage = NULL; /* there is no such user */
}

static void every_size_has_its_slab(void **state)
{
    struct peer *p = &((struct rig *)*state)->peer;
    char user[IDENTITY_USER_MAX + 1] = "";
    size_t largest = 0;

    for (size_t user_bytes = 1; user_bytes <= IDENTITY_USER_MAX; user_bytes++) {
        for (size_t token_id = 0; token_id <= IDENTITY_TOKEN_ID_MAX; token_id += 16) {
            struct identity who, back;

            memset(user, 'u', user_bytes);
            who = identity_of(user, token_id);
            who.has_session = token_id % 32 == 0;
            memset(who.tenant, 't', token_id % (IDENTITY_TENANT_MAX + 1));
            assert_true(peer_who_set(p, &who));
            assert_true(peer_who_slab_bytes(&who) >=
                        offsetof(struct peer_who, identity) + identity_kept_bytes(&who));
            assert_string_equal(peer_identity(p, &back)->token_id, who.token_id);
            assert_string_equal(back.tenant, who.tenant);
            largest = peer_who_slab_bytes(&who);
        }
    }
    assert_int_equal(largest, 320);
}

/* Who has to be asked again knows from when on. */
static void a_recheck_has_something_to_rest_on(void **state)
{
    struct peer *p = &((struct rig *)*state)->peer;
    struct identity who = identity_of("bob", 0);

    assert_true(peer_who_set(p, &who));
    assert_null(p->who->standing);
    who.recheck_at_s = 7;
    assert_true(peer_who_set(p, &who));
    assert_non_null(p->who->standing);
    assert_int_equal(p->who->standing->confirmed_at_s, loop_wall_s(p->worker->loop));
    assert_true(standing_is_empty(p->who->standing));
    assert_true(standing_set_token(p->who->standing, CREDENTIAL_BEARER, VIEW("opaque")));
    assert_false(standing_is_empty(p->who->standing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_has_no_name, begin, end),
        cmocka_unit_test_setup_teardown(another_token_changes_the_identity_alone, begin, end),
        cmocka_unit_test_setup_teardown(every_size_has_its_slab, begin, end),
        cmocka_unit_test_setup_teardown(a_recheck_has_something_to_rest_on, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
