/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and secrets for development. The authority's key never leaves the folder; nothing
 * here is for production. */
#include "cli/dev_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/jwt.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "crypto/x509.h"

#define PATH_BYTES    4096
#define RENEW_BELOW_S (7L * 24 * 3600)
#define TOKEN_TTL_S   (12L * 3600)

static int join(char out[PATH_BYTES], const char *directory, const char *name, struct error *why)
{
    if (snprintf(out, PATH_BYTES, "%s/%s", directory, name) < PATH_BYTES)
        return OK;
    error_set(why, "the path of the state folder is too long");
    return E_LIMIT;
}

static int store(const char *directory, const char *name, const struct buf *bytes,
                 struct error *why)
{
    char path[PATH_BYTES];
    bool is_secret = strstr(name, ".crt") == NULL;
    int rc = join(path, directory, name, why);

    if (rc != OK)
        return rc;
    rc = file_write(path, bytes->data, bytes->len, is_secret ? 0600 : 0644);
    if (rc != OK)
        error_set(why, "cannot write %s: %s", path, strerror(errno));
    return rc;
}

static bool is_there(const char *directory, const char *name)
{
    char path[PATH_BYTES];

    return join(path, directory, name, NULL) == OK && access(path, R_OK) == 0;
}

static bool is_certificate_good(const char *directory)
{
    char path[PATH_BYTES];
    long seconds;

    return is_there(directory, "ca.crt") && is_there(directory, "server.key") &&
           join(path, directory, "server.crt", NULL) == OK &&
           x509_file_expires_in(path, &seconds, NULL) == OK && seconds > RENEW_BELOW_S;
}

static int make_certificates(const char *directory, struct error *why)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "::1"};
    struct x509_pair ca = {BUF_INIT(65536), BUF_INIT(65536)},
                     leaf = {BUF_INIT(65536), BUF_INIT(65536)};
    int rc;

    rc = x509_make_ca(&ca, "gateward development CA", why);
    if (rc == OK)
        rc = x509_make_leaf(&leaf, &ca, names, sizeof(names) / sizeof(names[0]), why);
    if (rc == OK)
        rc = store(directory, "ca.crt", &ca.cert_pem, why);
    if (rc == OK)
        rc = store(directory, "ca.key", &ca.key_pem, why);
    if (rc == OK)
        rc = store(directory, "server.key", &leaf.key_pem, why);
    if (rc == OK)
        rc = store(directory, "server.crt", &leaf.cert_pem, why);
    x509_pair_clear(&ca);
    x509_pair_clear(&leaf);
    return rc;
}

static int make_secret(const char *directory, struct error *why)
{
    uint8_t raw[48];
    char text[64];
    struct buf secret = BUF_INIT(sizeof(text));
    int rc;

    random_bytes(raw, sizeof(raw));
    rc = buf_append(&secret, text, base64url_encode(text, raw, sizeof(raw)));
    if (rc == OK)
        rc = store(directory, "jwt.secret", &secret, why);
    secret_wipe(raw, sizeof(raw));
    secret_wipe(text, sizeof(text));
    secret_buf_clear(&secret);
    return rc;
}

int dev_state_prepare(const char *directory, struct error *why)
{
    int rc = OK;

    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        error_set(why, "cannot make the state folder %s: %s", directory, strerror(errno));
        return E_IO;
    }
    if (!is_certificate_good(directory))
        rc = make_certificates(directory, why);
    if (rc == OK && !is_there(directory, "jwt.secret"))
        rc = make_secret(directory, why);
    return rc;
}

int dev_state_token(struct buf *out, const char *directory, const char *user, struct error *why)
{
    struct jwt_issuer issuer = {.roles_claim = "roles", .keys_count = 1};
    struct jwt_grant grant = {.user = view_of_text(user),
                              .roles = VIEW("user"),
                              .wall_s = clock_wall_s(),
                              .ttl_s = TOKEN_TTL_S};
    struct buf secret = BUF_INIT(SECRET_BYTES_MAX);
    char path[PATH_BYTES];
    int rc;

    rc = join(path, directory, "jwt.secret", why);
    if (rc == OK)
        rc = secret_load_file(&secret, path, why);
    if (rc != OK)
        goto done;
    rc = jwt_key_init_hmac(&issuer.keys[0], "HS256", "", secret.data, secret.len);
    if (rc == OK)
        rc = jwt_sign(out, &issuer.keys[0], &issuer, &grant);
    if (rc == OK)
        rc = buf_append(out, "", 1);
    if (rc != OK)
        error_set(why, "cannot make a token: %s", status_text(rc));
done:
    hmac_key_free(issuer.keys[0].hmac);
    secret_buf_clear(&secret);
    return rc;
}
