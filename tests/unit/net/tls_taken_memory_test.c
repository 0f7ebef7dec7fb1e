/* SPDX-License-Identifier: Apache-2.0 */
/* tls_taken_memory_test.c: the connection's own allocations fail, one after the other. The source
 * is part of this file so that its malloc can be another one. */
#include "tls_taken_rig.h"

static long allowed = 1000000000L;

static void *scarce_malloc(size_t len)
{
    return allowed-- == 0 ? NULL : malloc(len);
}

static void *scarce_calloc(size_t n, size_t len)
{
    return allowed-- == 0 ? NULL : calloc(n, len);
}

static void *scarce_realloc(void *bytes, size_t len)
{
    return allowed-- == 0 ? NULL : realloc(bytes, len);
}

#define malloc(len)         scarce_malloc(len)
#define calloc(n, len)      scarce_calloc(n, len)
#define realloc(bytes, len) scarce_realloc(bytes, len)
#include "../../../src/net/tls_taken.c"
#undef malloc
#undef calloc
#undef realloc

static void a_new_connection_wipes_the_keys_that_it_cannot_hold(void **state)
{
    struct tls_taken_start start = {.is_client = false};
    struct tls_taken *t = NULL;

    (void)state;
    memset(&start.read, 5, sizeof(start.read));
    memset(&start.write, 6, sizeof(start.write));
    allowed = 0;
    assert_int_equal(tls_taken_new(&t, &start), E_NOMEM);
    allowed = 1000000000L;
    assert_null(t);
    for (size_t i = 0; i < sizeof(start.read); i++)
        assert_int_equal(((uint8_t *)&start.read)[i] | ((uint8_t *)&start.write)[i], 0);
}

/* An incomplete record is kept in two steps: its header, then all of it. */
static void an_incomplete_record_that_cannot_be_kept_ends_it(void **state)
{
    (void)state;
    for (long n = 0; n < 3; n++) {
        struct taken_rig *r = taken_rig_open(taken_suites[n], 0, 0, false);
        struct tls_script script = taken_rig_script(r);
        uint8_t content[300], type = 0;
        enum tls_step step;
        size_t at = 0;

        script_run(&script, "D5 D50");
        allowed = n;
        step = taken_rig_feed(r, script.bytes, script.len - 1, script.len);
        allowed = 1000000000L;
        assert_int_equal(r->plain_len, 5);
        assert_int_equal(step, n < 2 ? TLS_STEP_FAILED : TLS_STEP_MORE);
        if (n < 2) {
            assert_int_equal(taken_rig_take(r, &at, content, &type), 2);
            assert_int_equal(type, 21);
            assert_int_equal(content[1], TLS_ALERT_INTERNAL_ERROR);
            assert_string_equal(tls_taken_detail(r->t), "out of memory");
            assert_int_equal(tls_taken_bytes(r->t), sizeof(struct tls_taken));
        }
        taken_rig_close(r);
    }
}

/* What fails wipes its keys at once, not when it is freed. */
static void an_end_of_either_side_wipes_keys(void **state)
{
    static const struct tls_keys none;
    static const char *const lines[] = {"H01", "A0228", "D5 F10", "A0100"};

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct taken_rig *r = taken_rig_open(taken_suites[i % 3], 0, 0, false);
        struct tls_script script = taken_rig_script(r);

        script_run(&script, lines[i]);
        assert_memory_not_equal(&r->t->read, &none, sizeof(none));
        assert_memory_not_equal(&r->t->write, &none, sizeof(none));
        (void)taken_rig_feed(r, script.bytes, script.len, script.len);
        assert_memory_equal(&r->t->read, &none, sizeof(none));
        if (i == 3) { /* closed by the peer: we may still speak */
            assert_memory_not_equal(&r->t->write, &none, sizeof(none));
            tls_taken_close(r->t, r->io);
        }
        assert_memory_equal(&r->t->write, &none, sizeof(none));
        taken_rig_close(r);
    }
}

static void a_connection_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct tls_taken) <= 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_connection_wipes_the_keys_that_it_cannot_hold),
        cmocka_unit_test(an_incomplete_record_that_cannot_be_kept_ends_it),
        cmocka_unit_test(an_end_of_either_side_wipes_keys),
        cmocka_unit_test(a_connection_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
