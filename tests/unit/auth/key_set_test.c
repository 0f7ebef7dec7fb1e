/* SPDX-License-Identifier: Apache-2.0 */
/* key_set_test.c: which keys a token is tried with and how many, and a set that is replaced while
 * others read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <stdatomic.h>
#include <cmocka.h>

#include "public_maker.h"

#define SIGNERS 6

static struct signer signers[SIGNERS]; /* Ed25519, but the last: ES256 */
static struct arena arena;
static struct token token;

static int open_signers(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNERS; i++)
        signer_open(&signers[i], i < SIGNERS - 1 ? SIGNATURE_EDDSA : SIGNATURE_ES256, 0);
    arena_init(&arena, 65536, 1024 * 1024);
    return 0;
}

static int close_signers(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNERS; i++)
        signer_close(&signers[i]);
    arena_clear(&arena);
    return 0;
}

/* A set of the first `count` signers; ids[i] NULL: a key without id. */
static struct key_set *set_of(const char *const *ids, int count)
{
    static char text[SIGNERS * SIGNER_TEXT_MAX];

    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        char jwk[SIGNER_TEXT_MAX], more[300] = "";

        if (ids[i] != NULL)
            (void)snprintf(more, sizeof(more), "\"kid\":\"%s\",", ids[i]);
        if (i > 0)
            strcat(text, ",");
        strcat(text, signer_jwk(jwk, &signers[i], more));
    }
    return public_set(text, JWK_ALGORITHMS_ALL);
}

static enum jwt_fault judge(const struct key_set *set, const struct signer *s, const char *kid)
{
    struct jws jws;

    arena_reset(&arena);
    assert_int_equal(
        jws_parse(&jws, public_token(&token, public_header(s, kid), GOOD_PAYLOAD, s), &arena),
        JWT_OK);
    return key_set_check(set, &jws);
}

static void the_named_key_and_no_other_is_tried(void **state)
{
    static const char *const ids[] = {"a", "b", NULL};
    struct key_set *set = set_of(ids, 3);

    (void)state;
    assert_int_equal(judge(set, &signers[0], "a"), JWT_OK);
    assert_int_equal(judge(set, &signers[1], "b"), JWT_OK);
    assert_int_equal(judge(set, &signers[1], "a"), JWT_SIGNATURE);
    assert_int_equal(judge(set, &signers[2], "a"), JWT_SIGNATURE);
    /* The key without id answers to names that no key has. */
    assert_int_equal(judge(set, &signers[2], "c"), JWT_OK);
    assert_int_equal(judge(set, &signers[0], "c"), JWT_SIGNATURE);
    assert_int_equal(judge(set, &signers[0], ""), JWT_SIGNATURE);
    /* Without a name each is tried. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(judge(set, &signers[i], NULL), JWT_OK);
    assert_int_equal(judge(set, &signers[3], NULL), JWT_SIGNATURE);
    assert_int_equal(judge(set, &signers[SIGNERS - 1], "a"), JWT_ALGORITHM);
    key_set_drop(set);
}

static void an_unknown_name_is_told_from_a_bad_signature(void **state)
{
    static const char *const ids[] = {"a", "b"};
    struct key_set *set = set_of(ids, 2);

    (void)state;
    assert_int_equal(judge(set, &signers[0], "c"), JWT_UNKNOWN_KEY);
    assert_int_equal(judge(set, &signers[0], "A"), JWT_UNKNOWN_KEY);
    assert_int_equal(judge(set, &signers[0], "a "), JWT_UNKNOWN_KEY);
    assert_int_equal(judge(set, &signers[0], "a\\u0000"), JWT_UNKNOWN_KEY);
    key_set_drop(set);
}

static void names_are_opaque(void **state)
{
    static const char *const nasty[] = {"../../../../dev/null",
                                        "' UNION SELECT 'x' --",
                                        "%s%n%x",
                                        "http://127.0.0.1/keys",
                                        "|id",
                                        "a\\u0000b",
                                        ""};
    static const char *const ids[] = {"%s%n%x", "../../../../dev/null"};
    struct key_set *set = set_of(ids, 2);

    (void)state;
    for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]); i++)
        assert_int_equal(judge(set, &signers[2], nasty[i]),
                         i == 0 || i == 2 ? JWT_SIGNATURE : JWT_UNKNOWN_KEY);
    assert_int_equal(judge(set, &signers[0], "%s%n%x"), JWT_OK);
    key_set_drop(set);
}

/* Five candidates would cost five verifications: a token that names none of them is not tried. */
static void few_keys_are_tried_for_one_token(void **state)
{
    static const char *const ids[] = {"a", "b", "c", "d", "e"};
    struct key_set *set = set_of(ids, 4);

    (void)state;
    assert_int_equal(judge(set, &signers[3], NULL), JWT_OK);
    key_set_drop(set);
    set = set_of(ids, 5);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(judge(set, &signers[i], NULL), JWT_UNKNOWN_KEY);
        assert_int_equal(judge(set, &signers[i], ids[i]), JWT_OK);
    }
    key_set_drop(set);
}

static void a_set_has_room_and_ids_are_its_own(void **state)
{
    static const char *const ids[] = {"a", "b"};
    struct key_set *set = set_of(ids, 2), *other = NULL;

    (void)state;
    assert_int_equal(key_set_new(&other, KEY_SET_KEYS_MAX + 1), E_LIMIT);
    assert_int_equal(key_set_new(&other, 1), OK);
    assert_int_equal(key_set_count(other), 0);
    assert_null(key_set_at(other, 0));
    assert_string_equal(key_set_ignored_why(other), "");
    assert_int_equal(key_set_add(set, key_set_at(set, 0)), E_LIMIT);
    assert_int_equal(key_set_count(set), 2);
    key_set_drop(other);
    key_set_drop(set);
    key_set_drop(NULL);
    key_source_free(NULL);
}

static void a_replaced_set_serves_nobody_who_asks_later(void **state)
{
    static const char *const ids[] = {"a", "b"};
    struct key_set *old = set_of(ids, 1), *new = set_of(ids, 2), *held;
    struct key_source *source = NULL;

    (void)state;
    assert_int_equal(key_source_new(&source, old), OK);
    held = key_source_keep(source);
    assert_ptr_equal(held, old);
    assert_int_equal(judge(held, &signers[1], "b"), JWT_UNKNOWN_KEY);
    key_source_replace(source, new);
    assert_int_equal(judge(held, &signers[0], "a"), JWT_OK); /* still whole for who holds it */
    key_set_drop(held);
    held = key_source_keep(source);
    assert_ptr_equal(held, new);
    assert_int_equal(judge(held, &signers[1], "b"), JWT_OK);
    key_set_drop(held);
    key_source_free(source);
}

struct readers {
    struct key_source *source;
    struct view text;
    atomic_uint wrong, done;
};

static void *read_often(void *context)
{
    struct readers *r = context;
    struct arena mine;
    struct jws jws;

    arena_init(&mine, 65536, 1024 * 1024);
    if (jws_parse(&jws, r->text, &mine) != JWT_OK)
        atomic_fetch_add(&r->wrong, 1);
    for (int i = 0; i < 200; i++) {
        struct key_set *set = key_source_keep(r->source);

        if (key_set_check(set, &jws) != JWT_OK)
            atomic_fetch_add(&r->wrong, 1);
        key_set_drop(set);
    }
    atomic_fetch_add(&r->done, 1);
    arena_clear(&mine);
    return NULL;
}

static void readers_never_see_half_a_set(void **state)
{
    static const char *const ids[] = {"a", "b", "c"};
    struct readers readers = {.source = NULL};
    pthread_t threads[3];
    int made = 0;

    (void)state;
    readers.text = public_token(&token, public_header(&signers[0], "a"), GOOD_PAYLOAD, &signers[0]);
    assert_int_equal(key_source_new(&readers.source, set_of(ids, 1)), OK);
    for (int t = 0; t < 3; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, read_often, &readers), 0);
    do {
        key_source_replace(readers.source, set_of(ids, 1 + made++ % 3));
    } while (atomic_load(&readers.done) < 3);
    for (int t = 0; t < 3; t++)
        assert_int_equal(pthread_join(threads[t], NULL), 0);
    assert_int_equal(atomic_load(&readers.wrong), 0);
    key_source_free(readers.source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_named_key_and_no_other_is_tried),
        cmocka_unit_test(an_unknown_name_is_told_from_a_bad_signature),
        cmocka_unit_test(names_are_opaque),
        cmocka_unit_test(few_keys_are_tried_for_one_token),
        cmocka_unit_test(a_set_has_room_and_ids_are_its_own),
        cmocka_unit_test(a_replaced_set_serves_nobody_who_asks_later),
        cmocka_unit_test(readers_never_see_half_a_set),
    };

    return cmocka_run_group_tests(tests, open_signers, close_signers);
}
