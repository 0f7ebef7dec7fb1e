/* SPDX-License-Identifier: Apache-2.0 */
/* session_sqlite_test.c: what was answered is on the disk: after a restart, after SIGKILL, and not
 * when the disk is full; and files that are refused. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "session_rig.h"

static char folder[64], path[96];

static int folder_open(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/gateward-sessions-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/sessions.db", folder);
    return 0;
}

static int folder_close(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char name[128];

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        (void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
        (void)unlink(name);
    }
    return rmdir(folder);
}

static int try_open(struct store_rig *rig, uint32_t max, struct error *why)
{
    struct session_store_options options;

    memset(rig, 0, sizeof(*rig));
    options = rig_options(rig, 100, 1000);
    options.max = max;
    return session_sqlite_new(&rig->store, &options, path, why);
}

static void rig_open(struct store_rig *rig)
{
    struct error why = {{0}, 0, 0};

    if (try_open(rig, 1000, &why) != OK)
        fail_msg("%s", why.text);
    rig_start(rig);
}

static void assert_refused(const char *words)
{
    struct error why = {{0}, 0, 0};
    struct store_rig rig;

    assert_int_not_equal(try_open(&rig, 2, &why), OK);
    if (strstr(why.text, words) == NULL || strstr(why.text, path) == NULL)
        fail_msg("%s", why.text);
}

static void a_session_outlives_a_restart(void **state)
{
    char kept[SESSION_ID_TEXT_BYTES], ended[SESSION_ID_TEXT_BYTES], bob[SESSION_ID_TEXT_BYTES],
        next[SESSION_ID_TEXT_BYTES];
    struct session_op op = {.verb = SESSION_GET}, all = {.verb = SESSION_END_USER};
    struct store_rig rig;
    struct stat st;
    int64_t ends_s;

    (void)state;
    rig_open(&rig);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(rig_create(&rig, "alice", "", kept), OK);
    assert_int_equal(rig_create(&rig, "alice", "", ended), OK);
    assert_int_equal(rig_create(&rig, "bob", "", bob), OK);
    assert_int_equal(rig_create(&rig, "bob", bob, next), OK);
    assert_int_equal(rig_by_id(&rig, SESSION_END, ended), OK);
    assert_int_equal(rig_by_id(&rig, SESSION_END, ended), E_MISSING);
    assert_int_equal(rig_by_id(&rig, SESSION_EXTEND, kept), OK);
    op.id = view_of_text(kept);
    assert_int_equal(rig_do(&rig, &op), OK);
    ends_s = op.ends_at_s;
    rig_stop(&rig);
    rig_open(&rig);
    assert_int_equal(rig_do(&rig, &op), OK);
    assert_string_equal(op.who.user, "alice");
    assert_string_equal(op.who.tenant, "acme");
    assert_int_equal(op.who.roles, 3);
    assert_int_equal(op.ends_at_s, ends_s);
    assert_int_equal(rig_check(&rig, ended), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, bob), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, next), AUTH_OK);
    all.user = VIEW("bob");
    assert_int_equal(rig_do(&rig, &all), OK);
    assert_int_equal(all.count, 1);
    rig_stop(&rig);
    rig_open(&rig);
    assert_int_equal(rig_check(&rig, next), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, kept), AUTH_OK);
    rig_stop(&rig);
}

static int64_t idle_until(struct store_rig *rig, const char *id)
{
    struct session_op op = {.verb = SESSION_GET, .id = view_of_text(id)};

    assert_int_equal(rig_do(rig, &op), OK);
    return op.idle_until_s;
}

static void use_is_written_behind(void **state)
{
    char checked[SESSION_ID_TEXT_BYTES], touched[SESSION_ID_TEXT_BYTES];
    int64_t later_s = clock_wall_s() + 50;
    struct session_watch *watch;
    struct store_rig rig;
    struct identity who;

    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_create(&rig, "alice", "", checked), OK);
    assert_int_equal(rig_create(&rig, "bob", "", touched), OK);
    assert_int_equal(session_store_check(rig.store, view_of_text(checked), later_s, &who, NULL),
                     AUTH_OK);
    watch = session_store_watch(rig.store, view_of_text(touched));
    session_store_touch(rig.store, watch, later_s + 7);
    session_store_unwatch(rig.store, watch);
    rig_stop(&rig);
    rig_open(&rig);
    assert_int_equal(idle_until(&rig, checked), later_s + 100);
    assert_int_equal(idle_until(&rig, touched), later_s + 107);
    rig_stop(&rig);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)chmod(path, 0600);
}

static int64_t count_rows(void)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *db = NULL;
    int64_t count;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM sessions", -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)chmod(path, 0600);
    return count;
}

static void what_ended_meanwhile_is_dropped_from_the_file(void **state)
{
    char idle[SESSION_ID_TEXT_BYTES], old[SESSION_ID_TEXT_BYTES], good[SESSION_ID_TEXT_BYTES];
    struct store_rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_create(&rig, "idle", "", idle), OK);
    assert_int_equal(rig_create(&rig, "old", "", old), OK);
    assert_int_equal(rig_create(&rig, "good", "", good), OK);
    rig_stop(&rig);
    assert_int_equal(count_rows(), 3);
    run_sql("UPDATE sessions SET used_s = used_s - 101 WHERE user = 'idle'");
    run_sql("UPDATE sessions SET created_s = created_s - 1001 WHERE user = 'old'");
    rig_open(&rig);
    assert_int_equal(rig_check(&rig, idle), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, old), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, good), AUTH_OK);
    rig_stop(&rig);
    assert_int_equal(count_rows(), 1);
}

/* In the child: logs in and out, says so, and waits to be killed. */
static void live_until_killed(int to)
{
    char id[2][SESSION_ID_TEXT_BYTES];
    struct store_rig rig;

    rig_open(&rig);
    if (rig_create(&rig, "alice", "", id[0]) != OK || rig_create(&rig, "bob", "", id[1]) != OK ||
        rig_by_id(&rig, SESSION_END, id[1]) != OK)
        _exit(1);
    (void)!write(to, id, sizeof(id));
    for (;;)
        (void)pause();
}

static void what_was_answered_survives_a_kill(void **state)
{
    char id[2][SESSION_ID_TEXT_BYTES];
    struct store_rig rig;
    int fds[2], status;
    pid_t child;

    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        assert_int_equal(pipe(fds), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0)
            live_until_killed(fds[1]);
        (void)close(fds[1]);
        assert_int_equal(read(fds[0], id, sizeof(id)), sizeof(id));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
        (void)close(fds[0]);
        rig_open(&rig);
        assert_int_equal(rig_check(&rig, id[0]), AUTH_OK);
        assert_int_equal(rig_check(&rig, id[1]), AUTH_FAILED);
        rig_stop(&rig);
    }
}

static void a_second_process_is_told(void **state)
{
    struct store_rig rig;
    int fds[2], status;
    char byte;
    pid_t child;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        rig_open(&rig);
        (void)!write(fds[1], "x", 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    assert_refused("is in use by another process");
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    (void)close(fds[0]);
    (void)close(fds[1]);
    rig_open(&rig);
    rig_stop(&rig);
}

static void another_file_is_never_an_empty_store(void **state)
{
    char id[SESSION_ID_TEXT_BYTES];
    struct buf bytes = BUF_INIT(1 << 20);
    struct store_rig rig;

    (void)state;
    assert_int_equal(file_write(path, "", 0, 0600), OK);
    assert_refused("is empty, as after damage");
    assert_int_equal(file_write(path, "these are no sessions at all....", 32, 0600), OK);
    assert_refused("cannot be opened as a database");
    (void)unlink(path);
    run_sql("CREATE TABLE cats(name TEXT)");
    assert_refused("but not one of sessions");
    (void)unlink(path);
    rig_open(&rig);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    rig_stop(&rig);
    assert_refused("more sessions than `max`");
    (void)chmod(path, 0640);
    assert_refused("can be read by others");
    (void)chmod(path, 0600);
    assert_int_equal(file_read(&bytes, path), OK);
    run_sql("UPDATE sessions SET user = 'a:b'");
    assert_refused("a row of it is no session");
    run_sql("PRAGMA user_version = 2");
    assert_refused("was written by another version (2, and this one reads 1)");
    memset(bytes.data + 4096, 0x55, bytes.len - 4096);
    assert_int_equal(file_write(path, bytes.data, bytes.len, 0600), OK);
    assert_refused("");
    buf_clear(&bytes);
    (void)unlink(path);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_refused("cannot be opened");
}

/* Nothing of the file grows any more. */
static rlim_t limit_files(rlim_t bytes)
{
    struct rlimit limit;
    rlim_t before;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

static void a_full_disk_is_told_and_ends_all_the_same(void **state)
{
    char id[SESSION_ID_TEXT_BYTES], other[SESSION_ID_TEXT_BYTES];
    struct session_op all = {.verb = SESSION_END_USER, .user = VIEW("bob")};
    struct store_rig rig;
    rlim_t before;

    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    rig_open(&rig);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    assert_int_equal(rig_create(&rig, "bob", "", other), OK);
    before = limit_files(512);
    assert_int_equal(rig_by_id(&rig, SESSION_END, id), E_IO);
    assert_int_equal(rig_check(&rig, id), AUTH_FAILED);
    assert_int_equal(rig_do(&rig, &all), E_IO);
    assert_int_equal(rig_check(&rig, other), AUTH_FAILED);
    assert_int_equal(rig_create(&rig, "carol", "", other), E_IO);
    assert_string_equal(other, "");
    assert_int_equal(rig.downs, 1);
    assert_int_equal(rig.ups, 0);
    (void)limit_files(before);
    assert_int_equal(rig_create(&rig, "carol", "", other), OK);
    assert_int_equal(rig.ups, 1);
    rig_stop(&rig);
    /* What had ended while nothing could be written is found and removed. */
    rig_open(&rig);
    assert_int_equal(rig_check(&rig, id), AUTH_FAILED);
    assert_int_equal(rig_check(&rig, other), AUTH_OK);
    rig_stop(&rig);
}

static void the_file_holds_no_id(void **state)
{
    char id[SESSION_ID_TEXT_BYTES];
    struct buf bytes = BUF_INIT(1 << 20);
    struct store_rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    rig_stop(&rig);
    assert_int_equal(file_read(&bytes, path), OK);
    assert_null(memmem(bytes.data, bytes.len, id, strlen(id)));
    assert_non_null(memmem(bytes.data, bytes.len, "alice", 5));
    buf_clear(&bytes);
}

#define THREADS 4
#define LOGINS  50

static void *log_in_and_out(void *argument)
{
    struct store_rig *rig = argument;
    char id[SESSION_ID_TEXT_BYTES];
    size_t faults = 0;

    for (unsigned i = 0; i < LOGINS; i++) {
        faults += rig_create(rig, "alice", "", id) != OK || rig_check(rig, id) != AUTH_OK;
        faults += i % 2 == 0 && rig_by_id(rig, SESSION_END, id) != OK;
    }
    return (void *)faults;
}

static void many_threads_change_at_once(void **state)
{
    struct session_op all = {.verb = SESSION_END_USER, .user = VIEW("alice")};
    pthread_t threads[THREADS];
    struct store_rig rig;
    void *faults;

    (void)state;
    rig_open(&rig);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_in_and_out, &rig), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], &faults);
        assert_null(faults);
    }
    rig_stop(&rig);
    rig_open(&rig);
    assert_int_equal(rig_do(&rig, &all), OK);
    assert_int_equal(all.count, THREADS * LOGINS / 2);
    rig_stop(&rig);
}

static void after_the_thread_has_ended_nothing_is_promised(void **state)
{
    char id[SESSION_ID_TEXT_BYTES], other[SESSION_ID_TEXT_BYTES];
    struct store_rig rig;

    (void)state;
    rig_open(&rig);
    assert_int_equal(rig_create(&rig, "alice", "", id), OK);
    outbound_stop(rig.outbound);
    assert_int_equal(rig_create(&rig, "alice", "", other), E_CLOSED);
    assert_int_equal(rig_by_id(&rig, SESSION_END, id), E_CLOSED);
    assert_int_equal(rig_check(&rig, id), AUTH_FAILED);
    outbound_free(rig.outbound);
    session_store_free(rig.store);
    (void)sem_destroy(&rig.ended);
    rig_open(&rig);
    assert_int_equal(rig_check(&rig, id), AUTH_FAILED);
    rig_stop(&rig);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_open, folder_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_outlives_a_restart),
        TEST(use_is_written_behind),
        TEST(what_ended_meanwhile_is_dropped_from_the_file),
        TEST(what_was_answered_survives_a_kill),
        TEST(a_second_process_is_told),
        TEST(another_file_is_never_an_empty_store),
        TEST(a_full_disk_is_told_and_ends_all_the_same),
        TEST(the_file_holds_no_id),
        TEST(many_threads_change_at_once),
        TEST(after_the_thread_has_ended_nothing_is_promised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
