/* SPDX-License-Identifier: Apache-2.0 */
/* file.c: whole small files, read and replaced. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/random.h"
#include "base/status.h"

#define FILE_READ_BYTES 4096

/* Reads until the end rather than as much as fstat promises: a file may grow, and /proc files claim
 * to be empty. */
static int read_all(struct buf *out, int fd)
{
    for (;;) {
        size_t room = out->max - out->len < FILE_READ_BYTES ? out->max - out->len : FILE_READ_BYTES;
        int rc = buf_reserve(out, room);
        char probe;
        ssize_t got;

        if (rc != OK)
            return rc;
        /* At the ceiling one more byte decides between "just fits" and "too long". */
        got = room > 0 ? read(fd, out->data + out->len, room) : read(fd, &probe, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return E_IO;
        if (got == 0)
            return OK;
        if (room == 0)
            return E_LIMIT;
        out->len += (size_t)got;
    }
}

static void close_keeping_errno(int fd)
{
    int saved = errno;

    (void)close(fd);
    errno = saved;
}

int file_read(struct buf *out, const char *path)
{
    size_t before = out->len;
    struct stat st;
    int rc = E_IO;
    /* O_NONBLOCK: a FIFO under that name must not hang the start. It changes nothing for a regular
     * file. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return E_IO;
    if (fstat(fd, &st) != 0)
        goto done;
    if (!S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        goto done;
    }
    rc = read_all(out, fd);
done:
    if (rc != OK)
        out->len = before;
    close_keeping_errno(fd);
    return rc;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return E_IO;
        bytes += put;
        len -= (size_t)put;
    }
    return OK;
}

/* Fills the new file and gives it its mode before its name is known to anyone. fchmod, because
 * umask cuts open's mode. */
static int fill(int fd, const void *bytes, size_t len, mode_t mode)
{
    if (fchmod(fd, mode) != 0)
        return E_IO;
    if (write_all(fd, bytes, len) != OK)
        return E_IO;
    return fsync(fd) == 0 ? OK : E_IO;
}

int file_write(const char *path, const void *bytes, size_t len, mode_t mode)
{
    char *temporary = NULL;
    int fd, rc;

    if (asprintf(&temporary, "%s.%016" PRIx64, path, random_u64()) < 0)
        return E_NOMEM;
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        rc = E_IO;
        goto done;
    }
    rc = fill(fd, bytes, len, mode);
    close_keeping_errno(fd);
    if (rc == OK && rename(temporary, path) != 0)
        rc = E_IO;
    if (rc != OK) {
        int saved = errno;

        (void)unlink(temporary);
        errno = saved;
    }
done:
    free(temporary);
    return rc;
}
