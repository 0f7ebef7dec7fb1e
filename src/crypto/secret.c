/* SPDX-License-Identifier: Apache-2.0 */
/* secret.c: comparing, wiping and loading secrets. What makes a secret weak is judged in
 * secret_weak.c. */
#include "crypto/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/crypto.h>

#include "base/status.h"

bool ct_equal(const void *a, const void *b, size_t a_len, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || CRYPTO_memcmp(a, b, a_len) == 0);
}

void secret_wipe(void *bytes, size_t len)
{
    if (len > 0)
        OPENSSL_cleanse(bytes, len);
}

void secret_buf_clear(struct buf *b)
{
    secret_wipe(b->data, b->cap); /* bytes behind len may be remains of longer contents */
    buf_clear(b);
}

/* The mode is asked of the open file, not of the path, so that nobody can swap the file in between.
 */
static int check_file(int fd, const char *path, struct error *why)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        error_set(why, "cannot examine secret file %s: %s", path, strerror(errno));
        return E_IO;
    }
    if (!S_ISREG(st.st_mode)) {
        error_set(why, "secret file %s is not a regular file", path);
        errno = EINVAL;
        return E_IO;
    }
    if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
        error_set(why,
                  "secret file %s is open to every user of this machine (mode %04o); close it "
                  "with: chmod o-rw %s",
                  path, (unsigned)(st.st_mode & 07777), path);
        return E_DENIED;
    }
    return OK;
}

/* Reads up to `cap` bytes; *len tells how many there were. */
static int read_all(int fd, uint8_t *bytes, size_t cap, size_t *len)
{
    size_t have = 0;

    while (have < cap) {
        ssize_t n = read(fd, bytes + have, cap - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return E_IO;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *len = have;
    return OK;
}

int secret_load_file(struct buf *out, const char *path, struct error *why)
{
    uint8_t bytes[SECRET_BYTES_MAX +
                  3]; /* a whole secret, a CR LF, and one byte to see that there is more */
    size_t len = 0;
    int rc;
    int fd;

    /* O_NONBLOCK: a FIFO put in the place of the file must not hang the start. */
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        error_set(why, "cannot open secret file %s: %s", path, strerror(errno));
        return E_IO;
    }
    rc = check_file(fd, path, why);
    if (rc != OK)
        goto done;
    rc = read_all(fd, bytes, sizeof(bytes), &len);
    if (rc != OK) {
        error_set(why, "cannot read secret file %s: %s", path, strerror(errno));
        goto done;
    }
    if (len > 0 && bytes[len - 1] == '\n')
        len -= len > 1 && bytes[len - 2] == '\r' ? 2 : 1;
    rc = len > SECRET_BYTES_MAX ? E_LIMIT : buf_append(out, bytes, len);
    if (rc != OK)
        error_set(why, "secret file %s: %s (a secret has at most %d bytes)", path, status_text(rc),
                  SECRET_BYTES_MAX);
done:
    secret_wipe(bytes, sizeof(bytes));
    (void)close(fd);
    return rc;
}

int secret_load_env(struct buf *out, const char *name, struct error *why)
{
    char *value = getenv(name);
    size_t len;
    int rc;

    if (value == NULL || value[0] == '\0') {
        error_set(why, "environment variable %s is not set; it must hold the secret", name);
        return E_MISSING;
    }
    len = strlen(value);
    rc = len > SECRET_BYTES_MAX ? E_LIMIT : buf_append(out, value, len);
    if (rc != OK)
        error_set(why, "environment variable %s: %s (a secret has at most %d bytes)", name,
                  status_text(rc), SECRET_BYTES_MAX);
    /* Wiped in place as well: /proc/<pid>/environ shows this very memory, whatever unsetenv does.
     */
    secret_wipe(value, len);
    (void)unsetenv(name);
    return rc;
}
