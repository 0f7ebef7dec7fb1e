/* SPDX-License-Identifier: Apache-2.0 */
/* assert_test.c: a broken invariant ends the process with one line; a kept one does nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"

static void true_goes_on(void **state)
{
    (void)state;
    ASSERT(1 + 1 == 2);
}

static void false_aborts_with_one_line(void **state)
{
    char said[256] = "";
    int ends[2], status;
    pid_t child;
    ssize_t got;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        ASSERT(1 + 1 == 3);
        _exit(0);
    }
    (void)close(ends[1]);
    got = read(ends[0], said, sizeof(said) - 1);
    (void)close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(got > 0 && said[got - 1] == '\n');
    assert_non_null(strstr(said, "assert_test.c:"));
    assert_non_null(strstr(said, "assertion failed: 1 + 1 == 3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(true_goes_on),
        cmocka_unit_test(false_aborts_with_one_line),
    };

    return cmocka_run_group_tests_name("assert", tests, NULL, NULL);
}
