/* SPDX-License-Identifier: Apache-2.0 */
/* options_fixture.h: a folder with a secret and certificates, and configurations tried out in it.
 * For the options tests. Include after cmocka.h. */
#ifndef TESTS_OPTIONS_FIXTURE_H
#define TESTS_OPTIONS_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/x509.h"
#include "server/options.h"

/* The lines that most files need; a test adds its own. Four lines: what is added begins in line 5.
 */
#define LISTEN "listen: [{address: \"127.0.0.1:0\"}]\n"
#define AUTH                                                                                       \
    "auth:\n  jwt: [{algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: "    \
    "null}]\n"
#define CHANNELS "channels: [{pattern: \"public:chat\"}]\n"
#define BASE     LISTEN AUTH CHANNELS

struct fixture {
    char directory[64];
};
static struct fixture fixture; /* one for each test program */

static inline const char *fixture_path(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", fixture.directory, name);
    return path;
}

static inline void fixture_write(const char *name, const void *bytes, size_t len, mode_t mode)
{
    assert_int_equal(file_write(fixture_path(name), bytes, len, mode), OK);
}

static inline void fixture_secret(const char *name, mode_t mode)
{
    uint8_t random[48];
    char text[BASE64_BYTES(sizeof(random))];

    random_bytes(random, sizeof(random));
    fixture_write(name, text, base64_encode(text, random, sizeof(random)), mode);
}

/* NAME.crt and NAME.key, for these names. */
static inline void fixture_certificate(const char *name, const char *const *names, size_t count)
{
    struct x509_pair ca = {.cert_pem = BUF_INIT(65536), .key_pem = BUF_INIT(65536)};
    struct x509_pair leaf = {.cert_pem = BUF_INIT(65536), .key_pem = BUF_INIT(65536)};
    char file[64];

    assert_int_equal(x509_make_ca(&ca, "test", NULL), OK);
    assert_int_equal(x509_make_leaf(&leaf, &ca, names, count, NULL), OK);
    fixture_write("ca.crt", ca.cert_pem.data, ca.cert_pem.len, 0644);
    (void)snprintf(file, sizeof(file), "%s.crt", name);
    fixture_write(file, leaf.cert_pem.data, leaf.cert_pem.len, 0644);
    (void)snprintf(file, sizeof(file), "%s.key", name);
    fixture_write(file, leaf.key_pem.data, leaf.key_pem.len, 0600);
    x509_pair_clear(&leaf);
    x509_pair_clear(&ca);
}

static inline int fixture_open(void **state)
{
    static const char *const names[] = {"localhost", "chat.example.com", "127.0.0.1", "::1"};
    static const char *const wildcard[] = {"*.example.com", "example.com"};

    (void)state;
    (void)snprintf(fixture.directory, sizeof(fixture.directory), "/tmp/gateward-options-XXXXXX");
    assert_non_null(mkdtemp(fixture.directory));
    fixture_secret("jwt.secret", 0600);
    fixture_secret("old.secret", 0600);
    fixture_secret("webapp.key", 0600);
    fixture_secret("ops.key", 0600);
    fixture_secret("news.key", 0600);
    fixture_secret("open.secret", 0644);
    fixture_write("weak.secret", "password", 8, 0600);
    fixture_certificate("server", names, 4);
    fixture_certificate("other", names, 1);
    fixture_certificate("wildcard", wildcard, 2);
    return 0;
}

static inline int fixture_close(void **state)
{
    static const char *const files[] = {
        "jwt.secret", "old.secret", "open.secret", "weak.secret",  "server.crt",
        "server.key", "other.crt",  "other.key",   "wildcard.crt", "wildcard.key",
        "ca.crt",     "extra",      "webapp.key",  "ops.key",      "news.key"};

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlink(fixture_path(files[i]));
    assert_int_equal(rmdir(fixture.directory), 0);
    return 0;
}

/* What is wrong with the file, as printed; "" if nothing is, and then *out (if wanted) holds the
 * options. Free it. */
static inline char *problems_of(const char *file, struct options **out)
{
    struct options *options = NULL;
    struct problems problems;
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    int rc;

    assert_non_null(to);
    problems_init(&problems, "t");
    rc = options_load_text(&options, view_of_text(file), fixture.directory, &problems);
    assert_int_equal(rc, problems.errors > 0 ? E_INVALID : OK);
    assert_true((options == NULL) == (rc != OK));
    problems_print(&problems, to);
    (void)fclose(to);
    problems_clear(&problems);
    if (out != NULL)
        *out = options;
    else
        options_free(options);
    return text;
}

static inline struct options *load_good(const char *file)
{
    struct options *options = NULL;
    char *text = problems_of(file, &options);

    if (options == NULL)
        fail_msg("refused:\n%s", text);
    free(text);
    return options;
}

/* The file has exactly one fault, and `wanted` ("t:5:3: unknown key") stands in what is printed. */
static inline void assert_fault(const char *file, const char *wanted)
{
    char *text = problems_of(file, NULL);

    if (strstr(text, wanted) == NULL || strncmp(text, "t:", 2) != 0 ||
        strstr(text + 1, "\nt:") != NULL)
        fail_msg("wanted the one fault\n%s\ngot\n%s\nfor\n%s", wanted, text, file);
    free(text);
}

#endif
