/* SPDX-License-Identifier: Apache-2.0 */
/* log_test.c: what really arrives on stderr: format, level, escapes, the cut, one write a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <regex.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"

/* A datagram socket in place of stderr: one recv gives what one write sent. */
struct tap {
    int ends[2], saved;
};

static void tap_open(struct tap *t)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, t->ends), 0);
    t->saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(t->ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void tap_close(struct tap *t)
{
    (void)dup2(t->saved, STDERR_FILENO);
    (void)close(t->saved);
    (void)close(t->ends[0]);
    (void)close(t->ends[1]);
}

static ssize_t tap_recv(struct tap *t, char *out, size_t bytes)
{
    ssize_t got = recv(t->ends[0], out, bytes - 1, 0);

    out[got > 0 ? got : 0] = '\0';
    return got;
}

static void line_has_its_form(void **state)
{
    char line[8192];
    struct tap t;
    regex_t form;

    (void)state;
    tap_open(&t);
    log_line(LOG_WARN, "hello %s %d", "w\xc3\xb6rld", 7);
    (void)tap_recv(&t, line, sizeof(line));
    tap_close(&t);
    assert_int_equal(regcomp(&form,
                             "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z warn "
                             "hello w\xc3\xb6rld 7\n$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    assert_int_equal(regexec(&form, line, 0, NULL, 0), 0);
    regfree(&form);
}

static void nobody_forges_a_line(void **state)
{
    char line[8192];
    struct tap t;

    (void)state;
    tap_open(&t);
    log_line(LOG_ERROR, "%s", "a\n2026 error b\r\x1b[2J\x7f\xff\xc2\x9b\xe2\x80\xae.");
    (void)tap_recv(&t, line, sizeof(line));
    tap_close(&t);
    assert_non_null(strstr(line, " error a\\x0a2026 error b\\x0d\\x1b[2J\\x7f\\xff\\xc2\\x9b"
                                 "\\xe2\\x80\\xae.\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void level_decides(void **state)
{
    char line[8192];
    struct tap t;
    int heard[4] = {0};

    (void)state;
    tap_open(&t);
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        log_level_set((enum log_level)level);
        for (int l = LOG_ERROR; l <= LOG_DEBUG; l++)
            log_line((enum log_level)l, "x");
        while (tap_recv(&t, line, sizeof(line)) > 0)
            heard[level]++;
    }
    log_level_set(LOG_INFO);
    tap_close(&t);
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
        assert_int_equal(heard[level], level + 1);
}

static void long_text_is_cut(void **state)
{
    char line[8192], text[4000];
    struct tap t;
    ssize_t got;

    (void)state;
    memset(text, '\n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tap_open(&t);
    log_line(LOG_INFO, "%s", text);
    got = tap_recv(&t, line, sizeof(line));
    tap_close(&t);
    assert_int_equal(got, strlen("2026-11-22T14:07:12Z info ") + 1023 * 4 + 1);
    assert_int_equal(line[got - 1], '\n');
}

static void a_dead_stderr_is_survived(void **state)
{
    struct tap t;

    (void)state;
    tap_open(&t);
    (void)close(STDERR_FILENO);
    log_line(LOG_ERROR, "nobody hears this");
    tap_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_its_form),
        cmocka_unit_test(nobody_forges_a_line),
        cmocka_unit_test(level_decides),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(a_dead_stderr_is_survived),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
