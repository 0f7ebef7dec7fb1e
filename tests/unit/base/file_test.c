/* SPDX-License-Identifier: Apache-2.0 */
/* file_test.c: reading with a ceiling, and replacing with an exact mode and nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

struct place {
    char folder[64], path[96];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));

    (void)snprintf(p->folder, sizeof(p->folder), "/tmp/gateward-file-XXXXXX");
    if (mkdtemp(p->folder) == NULL)
        return -1;
    (void)snprintf(p->path, sizeof(p->path), "%s/f", p->folder);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;

    (void)unlink(p->path);
    (void)rmdir(p->folder);
    free(p);
    return 0;
}

static size_t files_in(const char *folder)
{
    DIR *d = opendir(folder);
    size_t count = 0;

    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count - 2;
}

static void what_is_written_is_read(void **state)
{
    struct place *p = *state;
    struct buf b = BUF_INIT(100);

    assert_int_equal(buf_append(&b, "x", 1), OK);
    assert_int_equal(file_write(p->path, "a\0b", 3, 0600), OK);
    assert_int_equal(file_read(&b, p->path), OK);
    assert_true(view_eq(buf_view(&b), VIEW("xa\0b")));
    buf_clear(&b);
}

static void ceiling_is_exact(void **state)
{
    struct place *p = *state;
    struct buf fits = BUF_INIT(9000), tight = BUF_INIT(8999);
    char bytes[9000];

    memset(bytes, 'q', sizeof(bytes));
    assert_int_equal(file_write(p->path, bytes, sizeof(bytes), 0600), OK);
    assert_int_equal(file_read(&fits, p->path), OK);
    assert_int_equal(fits.len, sizeof(bytes));
    assert_memory_equal(fits.data, bytes, sizeof(bytes));
    assert_int_equal(file_read(&tight, p->path), E_LIMIT);
    assert_int_equal(tight.len, 0);
    assert_int_equal(file_read(&fits, p->path), E_LIMIT);
    assert_int_equal(fits.len, sizeof(bytes));
    buf_clear(&fits);
    buf_clear(&tight);
}

static void mode_is_exact_and_nothing_is_left(void **state)
{
    struct place *p = *state;
    mode_t old = umask(077);
    struct stat st;

    assert_int_equal(file_write(p->path, "1", 1, 0644), OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    (void)umask(0);
    assert_int_equal(file_write(p->path, "2", 1, 0600), OK);
    (void)umask(old);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_size, 1);
    assert_int_equal(files_in(p->folder), 1);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    struct place *p = *state;
    struct buf b = BUF_INIT(100);

    assert_int_equal(file_read(&b, p->path), E_IO);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(file_read(&b, p->folder), E_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mkfifo(p->path, 0600), 0);
    assert_int_equal(file_read(&b, p->path), E_IO);
    assert_int_equal(errno, EINVAL);
    buf_clear(&b);
}

static void failed_write_leaves_nothing(void **state)
{
    struct place *p = *state;

    /* rename over a folder fails after the temporary file was made. */
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(file_write(p->path, "x", 1, 0600), E_IO);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(files_in(p->folder), 1);
    assert_int_equal(rmdir(p->path), 0);
    assert_int_equal(file_write("/nonexistent/folder/f", "x", 1, 0600), E_IO);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read, make_place, remove_place),
        cmocka_unit_test_setup_teardown(ceiling_is_exact, make_place, remove_place),
        cmocka_unit_test_setup_teardown(mode_is_exact_and_nothing_is_left, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_refused, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(failed_write_leaves_nothing, make_place, remove_place),
    };

    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
