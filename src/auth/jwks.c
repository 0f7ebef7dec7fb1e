/* SPDX-License-Identifier: Apache-2.0 */
/* jwks.c: reads a whole JWK set or refuses it. RFC 7517 section 5 would pass over broken keys as
 * well; here they are an error, because a key that someone put there is one that someone counts
 * on. */
#include "auth/jwks.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/status.h"
#include "message/json.h"

/* A key has about ten members; certificates beside it (x5c) add one node each. */
#define NODES_MAX       (40 * KEY_SET_KEYS_MAX)
#define ARENA_BYTES_MAX (2 * 1024 * 1024)

/* Adds the key to the set, or says why not. */
static int read_key(struct key_set *set, const struct json *object, uint32_t algorithms,
                    struct error *about)
{
    struct jwk key;
    int rc = jwk_read(&key, object, algorithms, about);

    if (rc != OK)
        return rc;
    rc = key_set_add(set, &key);
    if (rc == E_EXISTS)
        error_set(about, "has the `kid` of a key before it");
    else if (rc != OK)
        error_set(about, "is one too many without a `kid`: at most %d", KEY_SET_TRIES_MAX);
    if (rc != OK)
        jwk_clear(&key);
    return rc;
}

static int read_keys(struct key_set *set, const struct json *keys, uint32_t algorithms,
                     struct error *why)
{
    struct error about = {{0}, 0, 0};
    uint32_t number = 0; /* counted from 1, for people */
    int rc;

    for (const struct json *key = keys->first; key != NULL; key = key->next) {
        struct error text;

        rc = read_key(set, key, algorithms, &about);
        error_set(&text, "key %u %s", ++number, about.text);
        if (rc == E_UNSUPPORTED) {
            key_set_ignore(set, &text);
        } else if (rc != OK) {
            error_set(why, "%s", text.text);
            return rc;
        }
    }
    if (key_set_count(set) > 0)
        return OK;
    error_set(why, "holds no key for these `algorithms`%s%s", number > 0 ? ": " : "",
              key_set_ignored_why(set));
    return E_MISSING;
}

static int find_keys(const struct json **keys, const struct json *root, struct error *why)
{
    *keys = json_member(root, VIEW("keys"));
    if (*keys == NULL || (*keys)->type != JSON_ARRAY) {
        error_set(why, "is no JWK set: {\"keys\": [...]} (RFC 7517 section 5)");
        return E_INVALID;
    }
    if ((*keys)->count > KEY_SET_KEYS_MAX) {
        error_set(why, "holds %u keys: at most %d", (*keys)->count, KEY_SET_KEYS_MAX);
        return E_LIMIT;
    }
    return OK;
}

static int parse_in(struct key_set **out, struct view text, uint32_t algorithms,
                    struct arena *arena, struct error *why)
{
    static const struct json_limits limits = {.depth = 8, .nodes = NODES_MAX};
    struct key_set *set = NULL;
    const struct json *keys;
    struct json *root;
    size_t at = 0;
    int rc;

    rc = json_parse(&root, text, &limits, arena, &at);
    if (rc != OK) {
        error_set(why, "is no strict JSON (byte %zu): %s", at, status_text(rc));
        return rc;
    }
    rc = find_keys(&keys, root, why);
    if (rc != OK)
        return rc;
    rc = key_set_new(&set, keys->count);
    if (rc != OK) {
        error_set(why, "cannot be kept: %s", status_text(rc));
        return rc;
    }
    rc = read_keys(set, keys, algorithms, why);
    if (rc == OK)
        *out = set;
    else
        key_set_drop(set);
    return rc;
}

int jwks_parse(struct key_set **out, struct view text, uint32_t algorithms, struct error *why)
{
    struct arena arena;
    int rc;

    if (text.len > JWKS_BYTES_MAX) {
        error_set(why, "is longer than %d bytes", JWKS_BYTES_MAX);
        return E_LIMIT;
    }
    arena_init(&arena, 32 * 1024, ARENA_BYTES_MAX);
    rc = parse_in(out, text, algorithms, &arena, why);
    arena_clear(&arena);
    return rc;
}

/* Public keys are no secret, but who can add one can sign tokens. */
static int check_mode(const char *path, struct error *why)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        error_set(why, "cannot be read: %s", strerror(errno));
        return E_IO;
    }
    if ((st.st_mode & S_IWOTH) != 0) {
        error_set(why,
                  "may be written by every user of this machine (mode %04o), so that any of them "
                  "could sign tokens; close it with: chmod o-w %s",
                  (unsigned)(st.st_mode & 07777), path);
        return E_DENIED;
    }
    return OK;
}

int jwks_load(struct key_set **out, const char *path, uint32_t algorithms, struct error *why)
{
    struct buf text = BUF_INIT(JWKS_BYTES_MAX);
    int rc;

    rc = check_mode(path, why);
    if (rc != OK)
        return rc;
    rc = file_read(&text, path);
    if (rc == OK)
        rc = jwks_parse(out, buf_view(&text), algorithms, why);
    else if (rc == E_LIMIT)
        error_set(why, "is longer than %d bytes", JWKS_BYTES_MAX);
    else
        error_set(why, "cannot be read: %s", rc == E_IO ? strerror(errno) : status_text(rc));
    buf_clear(&text);
    return rc;
}
