/* SPDX-License-Identifier: Apache-2.0 */
/* session_file.c: one table, prepared statements, bound parameters. The file is locked as long as
 * it is open, so its write-ahead log needs no shared memory, and a second process is told at once.
 */
#include "auth/session_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/status.h"

#define OURS    0x67775353 /* application_id: "gwSS" */
#define VERSION 1

static const char schema[] =
    "BEGIN EXCLUSIVE;"
    "CREATE TABLE sessions(key BLOB PRIMARY KEY, user TEXT NOT NULL, tenant TEXT NOT NULL,"
    " roles TEXT NOT NULL, created_s INTEGER NOT NULL, ends_s INTEGER NOT NULL,"
    " used_s INTEGER NOT NULL, until_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX sessions_by_user ON sessions(user);"
    "CREATE INDEX sessions_by_end ON sessions(until_s);"
    "PRAGMA application_id = 1735873363;"
    "PRAGMA user_version = 1;"
    "COMMIT;"
    "PRAGMA wal_checkpoint(TRUNCATE);";

_Static_assert(OURS == 1735873363 && VERSION == 1, "the schema says the same");

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    PUT,
    USE,
    REMOVE,
    REMOVE_USER,
    REMOVE_OVER,
    WALK,
    PROBE,
    STATEMENTS
};
static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT] = "INSERT INTO sessions VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [USE] = "UPDATE sessions SET used_s = ?2, until_s = ?3 WHERE key = ?1",
    [REMOVE] = "DELETE FROM sessions WHERE key = ?1",
    [REMOVE_USER] = "DELETE FROM sessions WHERE user = ?1",
    [REMOVE_OVER] = "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE until_s <= "
                    "?1 ORDER BY until_s LIMIT 1000)",
    [WALK] = "SELECT key, user, tenant, roles, created_s, ends_s, used_s FROM sessions "
             "WHERE key > ?1 ORDER BY key LIMIT ?2",
    [PROBE] = "PRAGMA user_version = 1",
};

struct session_file {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    int code; /* of the last failure */
};

const char *session_file_why(const struct session_file *f)
{
    return sqlite3_errstr(f->code);
}

static int failed(struct session_file *f, int code)
{
    f->code = code;
    return code == SQLITE_NOMEM ? E_NOMEM : E_IO;
}

/* Runs a statement that answers no rows, with what is bound. */
static int run(struct session_file *f, enum statement which)
{
    sqlite3_stmt *statement = f->statements[which];
    int code = sqlite3_step(statement);

    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? OK : failed(f, code);
}

int session_file_begin(struct session_file *f)
{
    return run(f, BEGIN);
}

void session_file_rollback(struct session_file *f)
{
    int code = f->code;

    if (sqlite3_get_autocommit(f->db) == 0)
        (void)run(f, ROLLBACK);
    f->code = code;
}

int session_file_commit(struct session_file *f)
{
    int rc = run(f, COMMIT);

    if (rc != OK)
        session_file_rollback(f);
    return rc;
}

static int bind_blob(struct session_file *f, enum statement which, const uint8_t *key)
{
    int code = sqlite3_bind_blob(f->statements[which], 1, key, SESSION_KEY_BYTES, SQLITE_TRANSIENT);

    return code == SQLITE_OK ? OK : failed(f, code);
}

static int bind_text(struct session_file *f, enum statement which, int place, struct view text)
{
    int code = sqlite3_bind_text64(f->statements[which], place, text.len > 0 ? text.ptr : "",
                                   text.len, SQLITE_TRANSIENT, SQLITE_UTF8);

    return code == SQLITE_OK ? OK : failed(f, code);
}

static void bind_number(struct session_file *f, enum statement which, int place, int64_t number)
{
    (void)sqlite3_bind_int64(f->statements[which], place, number);
}

int session_file_put(struct session_file *f, const struct session_row *row, int64_t until_s)
{
    int rc = bind_blob(f, PUT, row->key);

    if (rc == OK)
        rc = bind_text(f, PUT, 2, row->user);
    if (rc == OK)
        rc = bind_text(f, PUT, 3, row->tenant);
    if (rc == OK)
        rc = bind_text(f, PUT, 4, row->roles);
    bind_number(f, PUT, 5, row->created_s);
    bind_number(f, PUT, 6, row->ends_s);
    bind_number(f, PUT, 7, row->used_s);
    bind_number(f, PUT, 8, until_s);
    return rc == OK ? run(f, PUT) : rc;
}

int session_file_use(struct session_file *f, const struct session_use *use)
{
    int rc = bind_blob(f, USE, use->key);

    bind_number(f, USE, 2, use->used_s);
    bind_number(f, USE, 3, use->until_s);
    return rc == OK ? run(f, USE) : rc;
}

int session_file_remove(struct session_file *f, const uint8_t key[SESSION_KEY_BYTES],
                        uint64_t *count)
{
    int rc = bind_blob(f, REMOVE, key);

    if (rc == OK)
        rc = run(f, REMOVE);
    if (rc == OK)
        *count = (uint64_t)sqlite3_changes64(f->db);
    return rc;
}

int session_file_remove_user(struct session_file *f, struct view user, uint64_t *count)
{
    int rc = bind_text(f, REMOVE_USER, 1, user);

    if (rc == OK)
        rc = run(f, REMOVE_USER);
    if (rc == OK)
        *count = (uint64_t)sqlite3_changes64(f->db);
    return rc;
}

int session_file_remove_over(struct session_file *f, int64_t now_s)
{
    bind_number(f, REMOVE_OVER, 1, now_s);
    return run(f, REMOVE_OVER);
}

int session_file_probe(struct session_file *f)
{
    return run(f, PROBE);
}

/* --- reading --- */

static struct view column_text(sqlite3_stmt *statement, int column)
{
    const void *bytes = sqlite3_column_blob(statement, column);

    return view_of(bytes, (size_t)sqlite3_column_bytes(statement, column));
}

static bool read_row(sqlite3_stmt *statement, struct session_row *row)
{
    struct view key = column_text(statement, 0);

    if (key.len != SESSION_KEY_BYTES)
        return false;
    memcpy(row->key, key.ptr, SESSION_KEY_BYTES);
    row->user = column_text(statement, 1);
    row->tenant = column_text(statement, 2);
    row->roles = column_text(statement, 3);
    row->created_s = sqlite3_column_int64(statement, 4);
    row->ends_s = sqlite3_column_int64(statement, 5);
    row->used_s = sqlite3_column_int64(statement, 6);
    return session_table_row_ok(row);
}

int session_file_each(struct session_file *f, const struct session_file_walk *walk, uint32_t *count)
{
    static const uint8_t before_all[1];
    sqlite3_stmt *statement = f->statements[WALK];
    struct session_row row;
    int code, rc = OK;

    *count = 0;
    code = sqlite3_bind_blob(statement, 1, walk->behind != NULL ? walk->behind : before_all,
                             walk->behind != NULL ? SESSION_KEY_BYTES : 0, SQLITE_TRANSIENT);
    bind_number(f, WALK, 2, walk->max);
    if (code != SQLITE_OK)
        return failed(f, code);
    while (rc == OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        (*count)++;
        rc = read_row(statement, &row) ? walk->visit(walk->context, &row) : E_INVALID;
    }
    (void)sqlite3_reset(statement);
    if (rc == OK && code != SQLITE_DONE)
        rc = failed(f, code);
    return rc;
}

/* --- opening --- */

/* Name and rights before SQLite sees it. *is_new: it has just been made. */
static int check_file(const char *path, bool *is_new, struct error *why)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = E_IO;

    *is_new = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0)
        error_set(why, "%s cannot be opened: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        error_set(why, "%s is not a regular file", path);
    else if ((st.st_mode & 077) != 0)
        error_set(why, "%s can be read by others: chmod 600", path);
    else if (!*is_new && st.st_size == 0)
        error_set(why, "%s is empty, as after damage: remove it to begin without sessions", path);
    else
        rc = OK;
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

/* The name of a new file is on the disk when its folder is. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(copy);
}

/* One number out of a pragma; -1 where it fails. */
static int64_t ask(struct session_file *f, const char *text)
{
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;
    int code = sqlite3_prepare_v2(f->db, text, -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        answer = sqlite3_column_int64(statement, 0);
    else
        f->code = code;
    (void)sqlite3_finalize(statement);
    return answer;
}

static bool is_sound(struct session_file *f)
{
    sqlite3_stmt *statement = NULL;
    const unsigned char *text;
    bool is_ok = false;

    f->code = sqlite3_prepare_v2(f->db, "PRAGMA quick_check(1)", -1, &statement, NULL);
    if (f->code == SQLITE_OK)
        f->code = sqlite3_step(statement);
    if (f->code == SQLITE_ROW) {
        f->code = SQLITE_CORRUPT;
        text = sqlite3_column_text(statement, 0);
        is_ok = text != NULL && strcmp((const char *)text, "ok") == 0;
    }
    (void)sqlite3_finalize(statement);
    return is_ok;
}

static int check_ours(struct session_file *f, const char *path, struct error *why)
{
    int64_t id = ask(f, "PRAGMA application_id"), version = ask(f, "PRAGMA user_version");

    if (id == -1 || version == -1)
        error_set(why, "%s cannot be read: %s", path, session_file_why(f));
    else if (id != OURS)
        error_set(why, "%s is a database, but not one of sessions", path);
    else if (version != VERSION)
        error_set(why, "%s was written by another version (%lld, and this one reads %d)", path,
                  (long long)version, VERSION);
    else if (!is_sound(f))
        error_set(why, "%s is damaged: %s", path, session_file_why(f));
    else
        return OK;
    return E_IO;
}

static int prepare(struct session_file *f)
{
    for (unsigned i = 0; i < STATEMENTS; i++) {
        f->code = sqlite3_prepare_v3(f->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                     &f->statements[i], NULL);
        if (f->code != SQLITE_OK)
            return E_IO;
    }
    return OK;
}

/* BEGIN EXCLUSIVE takes the lock that `locking_mode` then keeps. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA temp_store = MEMORY;"
                               "PRAGMA trusted_schema = OFF;"
                               "BEGIN EXCLUSIVE; COMMIT;";

static int open_database(struct session_file *f, const char *path, bool is_new, struct error *why)
{
    f->code = sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (f->code == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(f->db, 1);
        (void)sqlite3_db_config(f->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        f->code = sqlite3_exec(f->db, settings, NULL, NULL, NULL);
    }
    if ((f->code & 0xff) == SQLITE_BUSY || (f->code & 0xff) == SQLITE_LOCKED) {
        error_set(why, "%s is in use by another process", path);
        return E_IO;
    }
    if (f->code == SQLITE_OK && is_new)
        f->code = sqlite3_exec(f->db, schema, NULL, NULL, NULL);
    if (f->code != SQLITE_OK) {
        error_set(why, "%s cannot be opened as a database: %s", path, session_file_why(f));
        return E_IO;
    }
    if (is_new)
        sync_folder(path);
    if (check_ours(f, path, why) != OK)
        return E_IO;
    if (prepare(f) == OK)
        return OK;
    error_set(why, "%s does not have the table of sessions: %s", path, session_file_why(f));
    return E_IO;
}

int session_file_open(struct session_file **out, const char *path, struct error *why)
{
    struct session_file *f;
    bool is_new;
    int rc = check_file(path, &is_new, why);

    if (rc != OK)
        return rc;
    f = calloc(1, sizeof(*f));
    rc = f != NULL ? open_database(f, path, is_new, why) : E_NOMEM;
    if (rc != OK) {
        session_file_close(f);
        if (is_new)
            (void)unlink(path);
        return rc;
    }
    *out = f;
    return OK;
}

void session_file_close(struct session_file *f)
{
    if (f == NULL)
        return;
    for (unsigned i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(f->statements[i]);
    (void)sqlite3_close(f->db);
    free(f);
}
