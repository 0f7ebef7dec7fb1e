/* SPDX-License-Identifier: Apache-2.0 */
/* nonce_audit_test.c: a number that would be sealed twice ends the process, and nothing else does.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/status.h"
#include "crypto/nonce_audit.h"

static const uint8_t key_a[32] = {1}, key_b[32] = {2};

/* Does sealing that number abort? Asked of a child. */
static bool aborts(struct nonce_audit *a, const uint8_t *key, uint64_t sequence)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        nonce_audit_seal(a, key, 32, sequence);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGABRT);
    return WIFSIGNALED(status);
}

static void a_number_seals_once(void **state)
{
    struct nonce_audit *a = NULL;

    (void)state;
    assert_int_equal(nonce_audit_new(&a), OK);
    assert_false(aborts(a, key_a, 0));
    nonce_audit_seal(a, key_a, 32, 0);
    assert_true(aborts(a, key_a, 0));
    assert_false(aborts(a, key_b, 0));
    nonce_audit_seal(a, key_a, 32, 1);
    nonce_audit_seal(a, key_a, 32, 7); /* leaving some out is allowed */
    for (uint64_t i = 0; i < 8; i++)
        assert_true(aborts(a, key_a, i));
    assert_false(aborts(a, key_a, 8));
    nonce_audit_free(a);
    nonce_audit_free(NULL);
}

static void what_another_hand_sealed_counts_too(void **state)
{
    struct nonce_audit *a = NULL;

    (void)state;
    assert_int_equal(nonce_audit_new(&a), OK);
    nonce_audit_note(a, key_a, 32, 0);
    nonce_audit_note(a, key_a, 32, 1);
    nonce_audit_note(a, key_a, 32, 0);
    assert_true(aborts(a, key_a, 1));
    assert_false(aborts(a, key_a, 2));
    nonce_audit_free(a);
}

/* More keys than there is room for: the newest are known, and no alarm is false. */
static void many_keys_raise_no_false_alarm(void **state)
{
    struct nonce_audit *a = NULL;
    uint8_t key[32] = {0};

    (void)state;
    assert_int_equal(nonce_audit_new(&a), OK);
    for (uint32_t i = 1; i <= 100000; i++) {
        memcpy(key, &i, sizeof(i));
        nonce_audit_seal(a, key, 32, 5);
    }
    assert_true(aborts(a, key, 5));
    for (uint32_t i = 1; i <= 100000; i++) {
        memcpy(key, &i, sizeof(i));
        nonce_audit_seal(a, key, 32, 6);
    }
    nonce_audit_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_seals_once),
        cmocka_unit_test(what_another_hand_sealed_counts_too),
        cmocka_unit_test(many_keys_raise_no_false_alarm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
