/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_log_test.c: lines whole, cut and bent; and a file that is missing, torn, damaged,
 * shared, or on a full disk. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/revocation_log.h"
#include "base/file.h"
#include "base/status.h"
#include "three_ways.h"

#define NOW INT64_C(1800000000)
#define DAY (24 * 60 * 60)

static char folder[64], state_dir[96], path[128];
static struct role_set roles;

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/gateward-revocations-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(state_dir, sizeof(state_dir), "%s/state", folder);
    (void)snprintf(path, sizeof(path), "%s/revocations.log", state_dir);
    return 0;
}

static int remove_folder(void **state)
{
    char lock[128];

    (void)state;
    (void)snprintf(lock, sizeof(lock), "%s/revocations.lock", state_dir);
    (void)unlink(path);
    (void)unlink(lock);
    (void)rmdir(state_dir);
    return rmdir(folder);
}

static struct revocations *table(void)
{
    struct revocations *r = NULL;

    assert_int_equal(revocations_new(&r, 100, DAY), OK);
    return r;
}

static int open_log(struct revocation_log **log, struct revocations *r, struct error *why)
{
    return revocation_log_open(log, state_dir, r, NOW, why);
}

static void add_to(struct revocation_log *log, struct revocations *r, enum revoked_kind kind,
                   const char *value)
{
    struct revocation what = {kind, view_of_text(value), NOW};

    assert_int_equal(revocations_add(r, &what, NOW), OK);
    assert_int_equal(revocation_log_add(log, &what), OK);
}

static void write_text(const char *text)
{
    (void)mkdir(state_dir, 0700);
    assert_int_equal(file_write(path, text, strlen(text), 0600), OK);
}

static size_t line_of(char *line, enum revoked_kind kind, const char *value)
{
    struct revocation what = {kind, view_of_text(value), NOW};

    return revocation_line_encode(line, &what);
}

static void a_line_is_read_as_it_was_written(void **state)
{
    static const char *const values[] = {"a", "alice", "with blank and \xc3\xa9 \n newline"};

    (void)state;
    for (int kind = 0; kind < REVOKED_KINDS; kind++) {
        for (unsigned i = 0; i < 3; i++) {
            char line[REVOCATION_LINE_MAX], value[IDENTITY_TOKEN_ID_MAX + 3];
            size_t len = line_of(line, (enum revoked_kind)kind, values[i]);
            struct guarded g = guarded_copy(line, len);
            struct revocation back;

            assert_true(len > 0);
            assert_true(revocation_line_decode(&back, value, view_of(g.data, len)));
            assert_int_equal(back.kind, kind);
            assert_int_equal(back.at_s, NOW);
            assert_true(view_eq(back.value, view_of_text(values[i])));
            for (size_t cut = 0; cut < len; cut++)
                assert_false(revocation_line_decode(&back, value, view_of(g.data, cut)));
            for (size_t at = 0; at < len; at++) {
                g.data[at] ^= 1;
                assert_false(revocation_line_decode(&back, value, view_of(g.data, len)));
                g.data[at] ^= 1;
            }
            guarded_free(&g);
        }
    }
}

static void what_was_revoked_is_revoked_after_a_restart(void **state)
{
    struct revocations *r = table();
    struct revocation_log *log = NULL;
    struct identity who = {
        .method = IDENTITY_JWT, .user = "alice", .user_bytes = 5, .issued_at_s = NOW - 1};
    struct error why = {{0}, 0, 0};
    struct stat st;

    (void)state;
    assert_int_equal(open_log(&log, r, &why), OK);
    add_to(log, r, REVOKED_USER, "alice");
    add_to(log, r, REVOKED_TOKEN_ID, "jti 1");
    add_to(log, r, REVOKED_ROLE, "admin");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    revocation_log_close(log);
    revocations_free(r);
    r = table();
    assert_int_equal(open_log(&log, r, &why), OK);
    assert_int_equal(revocations_count(r), 3);
    assert_string_equal(revocations_judge(r, &who, &roles, NOW), "user_revoked");
    revocation_log_close(log);
    revocations_free(r);
}

static void a_torn_last_line_is_dropped_and_nothing_continues_it(void **state)
{
    char text[1024], line[REVOCATION_LINE_MAX];
    size_t len = line_of(line, REVOKED_USER, "alice");
    struct revocation_log *log = NULL;
    struct error why = {{0}, 0, 0};

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        struct revocations *r = table();

        (void)snprintf(text, sizeof(text), "gateward revocations 1\n%.*s\n%.*s", (int)len, line,
                       (int)cut, line);
        write_text(text);
        assert_int_equal(open_log(&log, r, &why), OK);
        assert_int_equal(revocations_count(r), 1);
        add_to(log, r, REVOKED_USER, "bob");
        revocation_log_close(log);
        revocations_free(r);
        r = table();
        assert_int_equal(open_log(&log, r, &why), OK);
        assert_int_equal(revocations_count(r), 2);
        revocation_log_close(log);
        revocations_free(r);
    }
}

static void a_damaged_file_refuses_and_is_left_alone(void **state)
{
    static const char *const texts[] = {
        "gateward revocations 2\n",
        "user 1800000000 YWxpY2U 0000000000000000\n",
        "gateward revocations 1\nuser 1800000000 YWxpY2U 0000000000000000\n",
        "gateward revocations 1\n\n",
        "\n",
        "",
        "gateward revocations",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct revocations *r = table();
        struct revocation_log *log = NULL;
        struct error why = {{0}, 0, 0};
        struct buf text = BUF_INIT(4096);

        write_text(texts[i]);
        assert_int_equal(open_log(&log, r, &why), E_INVALID);
        assert_non_null(strstr(why.text, "damaged in line"));
        assert_null(log);
        assert_int_equal(file_read(&text, path), OK);
        assert_true(view_eq(buf_view(&text), view_of_text(texts[i])));
        buf_clear(&text);
        revocations_free(r);
    }
}

static void two_logs_never_share_a_folder(void **state)
{
    struct revocations *r = table();
    struct revocation_log *log = NULL, *second = NULL;
    struct error why = {{0}, 0, 0};

    (void)state;
    assert_int_equal(open_log(&log, r, &why), OK);
    assert_int_equal(open_log(&second, r, &why), E_EXISTS);
    assert_non_null(strstr(why.text, "another server"));
    revocation_log_close(log);
    assert_int_equal(open_log(&log, r, &why), OK);
    revocation_log_close(log);
    revocations_free(r);
}

static void a_folder_that_cannot_be_made_is_said(void **state)
{
    struct revocations *r = table();
    struct revocation_log *log = NULL;
    struct error why = {{0}, 0, 0};

    (void)state;
    assert_int_equal(revocation_log_open(&log, "/proc/no/such", r, NOW, &why), E_IO);
    assert_non_null(strstr(why.text, "server.state_dir"));
    revocations_free(r);
}

static void a_full_disk_is_told_and_leaves_no_half_line(void **state)
{
    struct revocations *r = table();
    struct revocation_log *log = NULL;
    struct revocation what = {REVOKED_USER, VIEW("carol"), NOW};
    struct error why = {{0}, 0, 0};
    struct rlimit before, small;
    struct stat st;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(open_log(&log, r, &why), OK);
    add_to(log, r, REVOKED_USER, "alice");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)st.st_size + 10;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(revocation_log_add(log, &what), E_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    add_to(log, r, REVOKED_USER, "dave");
    revocation_log_close(log);
    revocations_free(r);
    r = table();
    assert_int_equal(open_log(&log, r, &why), OK);
    assert_int_equal(revocations_count(r), 2);
    revocation_log_close(log);
    revocations_free(r);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_read_as_it_was_written),
        T(what_was_revoked_is_revoked_after_a_restart),
        T(a_torn_last_line_is_dropped_and_nothing_continues_it),
        T(a_damaged_file_refuses_and_is_left_alone),
        T(two_logs_never_share_a_folder),
        T(a_folder_that_cannot_be_made_is_said),
        T(a_full_disk_is_told_and_leaves_no_half_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
