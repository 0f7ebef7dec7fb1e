/* SPDX-License-Identifier: Apache-2.0 */
/* answer_cache_test.c: what is kept, how long, and what gives way. Made to run under TSan. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/answer_cache.h"
#include "base/status.h"

#define NOW     UINT64_C(1000000)
#define THREADS 4

static struct answer_cache *cache_of(size_t entries)
{
    struct answer_cache *c = NULL;

    assert_int_equal(answer_cache_new(&c, entries), OK);
    return c;
}

static struct auth_answer yes_of(unsigned number)
{
    struct auth_answer answer = {.verdict = AUTH_OK};

    (void)snprintf(answer.who.user, sizeof(answer.who.user), "user-%u", number);
    return answer;
}

static void key_of(uint8_t key[ANSWER_KEY_BYTES], unsigned number)
{
    memset(key, 0, ANSWER_KEY_BYTES);
    memcpy(key, &number, sizeof(number));
}

static void put(struct answer_cache *c, unsigned number, uint64_t until_ms)
{
    struct auth_answer answer = yes_of(number);
    uint8_t key[ANSWER_KEY_BYTES];

    key_of(key, number);
    answer_cache_put(c, key, &answer, (struct answer_life){NOW, until_ms});
}

/* Is it there, and is it the right one? */
static bool has(struct answer_cache *c, unsigned number, uint64_t now_ms)
{
    struct auth_answer found, wanted = yes_of(number);
    uint8_t key[ANSWER_KEY_BYTES];

    key_of(key, number);
    if (!answer_cache_find(c, key, now_ms, &found))
        return false;
    assert_int_equal(found.verdict, AUTH_OK);
    assert_string_equal(found.who.user, wanted.who.user);
    return true;
}

static void kept_until_its_end(void **state)
{
    struct answer_cache *c = cache_of(64);

    (void)state;
    assert_false(has(c, 1, NOW));
    put(c, 1, NOW + 100);
    assert_true(has(c, 1, NOW));
    assert_true(has(c, 1, NOW + 99));
    assert_false(has(c, 1, NOW + 100));
    assert_false(has(c, 2, NOW));
    answer_cache_free(c);
}

static void a_new_answer_replaces_the_old_one(void **state)
{
    struct answer_cache *c = cache_of(64);
    struct auth_answer no = {.verdict = AUTH_FAILED, .fault = "token_inactive"}, found;
    uint8_t key[ANSWER_KEY_BYTES];

    (void)state;
    key_of(key, 1);
    put(c, 1, NOW + 1000);
    answer_cache_put(c, key, &no, (struct answer_life){NOW, NOW + 10});
    assert_true(answer_cache_find(c, key, NOW, &found));
    assert_int_equal(found.verdict, AUTH_FAILED);
    assert_string_equal(found.fault, "token_inactive");
    assert_false(answer_cache_find(c, key, NOW + 10, &found)); /* the yes does not come back */
    put(c, 1, NOW + 1000);
    put(c, 1, NOW); /* a life of nothing only removes */
    assert_false(has(c, 1, NOW));
    answer_cache_free(c);
}

/* One set of eight: the ninth takes the place of what ends soonest. */
static void what_ends_soonest_gives_way(void **state)
{
    struct answer_cache *c = cache_of(8);

    (void)state;
    for (unsigned i = 0; i < 8; i++)
        put(c, i, NOW + (i == 3 ? 50 : 1000 + i));
    put(c, 8, NOW + 500);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(has(c, i, NOW), i != 3);
    answer_cache_free(c);
}

static void never_more_than_its_places(void **state)
{
    struct answer_cache *c = cache_of(1024);
    unsigned kept = 0;

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        put(c, i, NOW + 1000);
    for (unsigned i = 0; i < 10000; i++)
        kept += has(c, i, NOW);
    assert_true(kept > 512 && kept <= 1024);
    answer_cache_free(c);
}

static void *hammer(void *context)
{
    struct answer_cache *c = context;

    for (unsigned i = 0; i < 20000; i++) {
        put(c, i % 200, NOW + 1000);
        (void)has(c, (i * 7) % 200, NOW); /* asserts that it is whole */
    }
    return NULL;
}

static void threads_see_whole_answers(void **state)
{
    struct answer_cache *c = cache_of(64);
    pthread_t threads[THREADS];

    (void)state;
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, c), 0);
    for (unsigned i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    answer_cache_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_until_its_end),
        cmocka_unit_test(a_new_answer_replaces_the_old_one),
        cmocka_unit_test(what_ends_soonest_gives_way),
        cmocka_unit_test(never_more_than_its_places),
        cmocka_unit_test(threads_see_whole_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
