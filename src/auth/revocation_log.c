/* SPDX-License-Identifier: Apache-2.0 */
/* revocation_log.c: an append-only file. A write that fails half-way is cut off again, so that the
 * next line never continues a torn one; where even that fails, the file takes nothing more. */
#include "auth/revocation_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/num.h"
#include "base/status.h"
#include "base/wr.h"
#include "crypto/digest.h"

#define HEADER      VIEW("gateward revocations 1")
#define LINES_MAX   (2 * REVOCATIONS_MAX) /* from then on it is compacted */
#define FILE_MAX    ((size_t)LINES_MAX * REVOCATION_LINE_MAX + REVOCATION_LINE_MAX)
#define CHECK_BYTES 8

struct revocation_log {
    struct revocations *table;
    char *path, *lock_path, *directory;
    int fd, lock_fd;
    off_t bytes;
    uint32_t lines;
    bool is_broken;
};

static const char *const kind_words[REVOKED_KINDS] = {"user", "token_id", "role"};

/* --- one line --- */

static bool put_check(struct wr *w)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[32];

    if (w->failed || digest_sha256(digest, w->start, wr_len(w)) != OK)
        return false;
    wr_u8(w, ' ');
    for (unsigned i = 0; i < CHECK_BYTES; i++) {
        wr_u8(w, (uint8_t)digits[digest[i] >> 4]);
        wr_u8(w, (uint8_t)digits[digest[i] & 15]);
    }
    return !w->failed;
}

size_t revocation_line_encode(char out[REVOCATION_LINE_MAX], const struct revocation *what)
{
    char value[BASE64_BYTES(IDENTITY_TOKEN_ID_MAX)];
    struct wr w = wr_of(out, REVOCATION_LINE_MAX);

    if ((unsigned)what->kind >= REVOKED_KINDS || what->value.len == 0 ||
        what->value.len > IDENTITY_TOKEN_ID_MAX || what->at_s < 0)
        return 0;
    wr_text(&w, kind_words[what->kind]);
    wr_u8(&w, ' ');
    wr_dec(&w, (uint64_t)what->at_s);
    wr_u8(&w, ' ');
    wr_bytes(&w, value, base64url_encode(value, what->value.ptr, what->value.len));
    return put_check(&w) ? wr_len(&w) : 0;
}

static bool kind_of(struct view word, enum revoked_kind *kind)
{
    for (unsigned i = 0; i < REVOKED_KINDS; i++) {
        if (!view_eq(word, view_of_text(kind_words[i])))
            continue;
        *kind = (enum revoked_kind)i;
        return true;
    }
    return false;
}

bool revocation_line_decode(struct revocation *what, char value[IDENTITY_TOKEN_ID_MAX + 3],
                            struct view line)
{
    struct revocation found = {REVOKED_USER, {NULL, 0}, 0};
    char again[REVOCATION_LINE_MAX];
    struct view word, rest, instant, text;
    uint64_t at_s;
    long bytes;

    if (line.len > REVOCATION_LINE_MAX || !view_split(line, ' ', &word, &rest) ||
        !kind_of(word, &found.kind) || !view_split(rest, ' ', &instant, &rest) ||
        !num_parse_u64(instant, INT64_MAX, &at_s) || !view_split(rest, ' ', &text, &rest) ||
        text.len > BASE64_BYTES(IDENTITY_TOKEN_ID_MAX) - 1)
        return false;
    bytes = base64url_decode(value, text);
    if (bytes <= 0 || bytes > IDENTITY_TOKEN_ID_MAX)
        return false;
    found.at_s = (int64_t)at_s;
    found.value = view_of(value, (size_t)bytes);
    /* One spelling, one check: what encode would not write is not ours. */
    if (!view_eq(view_of(again, revocation_line_encode(again, &found)), line))
        return false;
    *what = found;
    return true;
}

/* --- the file --- */

static int damaged(const struct revocation_log *log, unsigned line, struct error *why)
{
    error_set(why,
              "%s is damaged in line %u: put back a good copy, or remove the file and know that "
              "what was revoked is accepted again",
              log->path, line);
    return E_INVALID;
}

static int read_lines(struct revocation_log *log, struct view text, int64_t wall_s,
                      struct error *why)
{
    char value[IDENTITY_TOKEN_ID_MAX + 3];
    struct revocation what;
    struct view line, rest = text;

    /* The header comes into being with the file: without it, something was lost. */
    if (!view_split(text, '\n', &line, &rest) || !view_eq(line, HEADER))
        return damaged(log, 1, why);
    for (unsigned number = 2; view_split(rest, '\n', &line, &rest); number++) {
        int rc;

        if (!revocation_line_decode(&what, value, line))
            return damaged(log, number, why);
        rc = revocations_add(log->table, &what, wall_s);
        if (rc != OK) {
            error_set(why, "%s cannot be taken in: %s", log->path, status_text(rc));
            return rc;
        }
    }
    return OK;
}

static int read_file(struct revocation_log *log, int64_t wall_s, struct error *why)
{
    struct buf text = BUF_INIT(FILE_MAX);
    int rc;

    errno = 0;
    rc = file_read(&text, log->path);
    if (rc == E_IO && errno == ENOENT)
        rc = OK; /* the first start */
    else if (rc != OK)
        error_set(why, "cannot read %s: %s", log->path,
                  rc == E_IO ? strerror(errno) : status_text(rc));
    else
        rc = read_lines(log, buf_view(&text), wall_s, why);
    buf_clear(&text);
    return rc;
}

struct compaction {
    struct buf text;
    uint32_t lines;
    int rc;
};

static bool compact_one(void *context, const struct revocation *what)
{
    struct compaction *c = context;
    char line[REVOCATION_LINE_MAX + 1];
    size_t len = revocation_line_encode(line, what);

    line[len] = '\n';
    c->rc = len == 0 ? E_CRYPTO : buf_append(&c->text, line, len + 1);
    c->lines++;
    return c->rc == OK;
}

/* The name is safe only when the folder is on the disk too. */
static int sync_folder(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

    if (fd < 0)
        return E_IO;
    rc = fsync(fd) == 0 ? OK : E_IO;
    (void)close(fd);
    return rc;
}

/* Writes the table anew and goes on behind it. The old file stands until the new one is whole. */
static int compact(struct revocation_log *log)
{
    struct compaction c = {.text = BUF_INIT(FILE_MAX), .rc = OK};
    int fd = -1, rc;

    rc = buf_append(&c.text, HEADER.ptr, HEADER.len);
    if (rc == OK)
        rc = buf_append(&c.text, "\n", 1);
    if (rc == OK)
        revocations_each(log->table, compact_one, &c);
    if (rc == OK)
        rc = c.rc;
    if (rc == OK)
        rc = file_write(log->path, c.text.data, c.text.len, 0600);
    if (rc == OK) {
        log->is_broken = true; /* until we are behind the new file: the old one has no name now */
        rc = sync_folder(log->directory);
    }
    if (rc == OK) {
        fd = open(log->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
        rc = fd >= 0 ? OK : E_IO;
    }
    if (rc == OK) {
        if (log->fd >= 0)
            (void)close(log->fd);
        log->fd = fd;
        log->bytes = (off_t)c.text.len;
        log->lines = c.lines;
        log->is_broken = false;
    }
    buf_clear(&c.text);
    return rc;
}

/* Two processes with one file would each write over what the other knows. */
static int take_lock(struct revocation_log *log, struct error *why)
{
    if (mkdir(log->directory, 0700) != 0 && errno != EEXIST) {
        error_set(why, "cannot make the folder %s (server.state_dir): %s", log->directory,
                  strerror(errno));
        return E_IO;
    }
    log->lock_fd = open(log->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log->lock_fd < 0) {
        error_set(why, "cannot write in %s (server.state_dir): %s", log->directory,
                  strerror(errno));
        return E_IO;
    }
    if (flock(log->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        error_set(why, "another server uses %s (server.state_dir): give each its own",
                  log->directory);
        return E_EXISTS;
    }
    return OK;
}

static int make_paths(struct revocation_log *log, const char *directory, struct error *why)
{
    log->directory = strdup(directory);
    if (asprintf(&log->path, "%s/revocations.log", directory) < 0)
        log->path = NULL;
    if (asprintf(&log->lock_path, "%s/revocations.lock", directory) < 0)
        log->lock_path = NULL;
    if (log->directory != NULL && log->path != NULL && log->lock_path != NULL)
        return OK;
    error_set(why, "out of memory");
    return E_NOMEM;
}

int revocation_log_open(struct revocation_log **out, const char *directory,
                        struct revocations *table, int64_t wall_s, struct error *why)
{
    struct revocation_log *log = calloc(1, sizeof(*log));
    int rc;

    if (log == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    log->table = table;
    log->fd = log->lock_fd = -1;
    rc = make_paths(log, directory, why);
    if (rc == OK)
        rc = take_lock(log, why);
    if (rc == OK)
        rc = read_file(log, wall_s, why);
    if (rc == OK) {
        rc = compact(log);
        if (rc != OK)
            error_set(why, "cannot write %s: %s", log->path,
                      rc == E_IO ? strerror(errno) : status_text(rc));
    }
    if (rc != OK) {
        revocation_log_close(log);
        return rc;
    }
    *out = log;
    return OK;
}

void revocation_log_close(struct revocation_log *log)
{
    if (log == NULL)
        return;
    if (log->fd >= 0)
        (void)close(log->fd);
    if (log->lock_fd >= 0)
        (void)close(log->lock_fd);
    free(log->path);
    free(log->lock_path);
    free(log->directory);
    free(log);
}

static bool write_line(int fd, const char *line, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, line, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        line += put;
        len -= (size_t)put;
    }
    return fdatasync(fd) == 0;
}

int revocation_log_add(struct revocation_log *log, const struct revocation *what)
{
    char line[REVOCATION_LINE_MAX + 1];
    size_t len = revocation_line_encode(line, what);

    if (log->is_broken || len == 0)
        return E_IO;
    if (log->lines >= LINES_MAX && compact(log) != OK)
        return E_IO;
    line[len++] = '\n';
    if (!write_line(log->fd, line, len)) {
        if (ftruncate(log->fd, log->bytes) != 0)
            log->is_broken = true;
        return E_IO;
    }
    log->bytes += (off_t)len;
    log->lines++;
    return OK;
}
