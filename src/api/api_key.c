/* SPDX-License-Identifier: Apache-2.0 */
/* api_key.c: keys and scopes. Secrets are compared by their digests, all of them each time. */
#include "api/api_key.h"

#include <stdlib.h>

#include "access/channel_name.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#define NO_KEY UINT32_MAX

static bool is_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* b64token of RFC 6750 section 2.1. */
static bool is_token(struct view v)
{
    size_t i = 0;

    while (i < v.len && (is_alnum(v.ptr[i]) || is_one_of(v.ptr[i], "-._~+/")))
        i++;
    if (i == 0)
        return false;
    while (i < v.len && v.ptr[i] == '=')
        i++;
    return i == v.len;
}

static bool name_ok(struct view name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_alnum(name.ptr[i]) && !is_one_of(name.ptr[i], "_-"))
            return false;
    }
    return name.len > 0 && name.len <= 64;
}

static int check_new(const struct api_keys *keys, struct view name, struct view secret,
                     struct error *why)
{
    if (keys->count >= API_KEYS_MAX) {
        error_set(why, "at most %d keys", API_KEYS_MAX);
        return E_LIMIT;
    }
    if (!name_ok(name)) {
        error_set(why, "the name of a key is 1 to 64 of A-Z a-z 0-9 _ -");
        return E_INVALID;
    }
    if (!is_token(secret)) {
        error_set(why, "the secret of a key is made of A-Z a-z 0-9 - . _ ~ + / (and = at its end), "
                       "as `openssl rand -base64 32` makes it");
        return E_INVALID;
    }
    for (uint32_t i = 0; i < keys->count; i++) {
        if (view_eq(view_of_text(keys->items[i].name), name)) {
            error_set(why, "two keys have the same name");
            return E_EXISTS;
        }
    }
    return OK;
}

int api_keys_add(struct api_keys *keys, struct view name, struct view secret, struct error *why)
{
    struct api_key *grown, *key;
    uint8_t digest[32];
    int rc = check_new(keys, name, secret, why);

    if (rc != OK)
        return rc;
    rc = digest_sha256(digest, secret.ptr, secret.len);
    for (uint32_t i = 0; rc == OK && i < keys->count; i++) {
        if (ct_equal(keys->items[i].digest, digest, sizeof(digest), sizeof(digest)))
            rc = E_EXISTS;
    }
    if (rc != OK) {
        error_set(why, rc == E_EXISTS ? "two keys have the same secret" : "cannot be digested");
        return rc;
    }
    grown = realloc(keys->items, (keys->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    keys->items = grown;
    key = &grown[keys->count];
    *key = (struct api_key){.secret = BUF_INIT(SECRET_BYTES_MAX)};
    memcpy(key->name, name.ptr, name.len);
    memcpy(key->digest, digest, sizeof(digest));
    if (buf_append(&key->secret, secret.ptr, secret.len) != OK) {
        error_set(why, "out of memory");
        return E_NOMEM;
    }
    keys->count++;
    return OK;
}

/* A channel name once each `*` that is a whole segment is read as an ordinary one. */
static bool pattern_ok(struct view pattern)
{
    char plain[API_PATTERN_MAX];

    if (pattern.len == 0 || pattern.len > API_PATTERN_MAX)
        return false;
    for (size_t i = 0; i < pattern.len; i++) {
        bool starts = i == 0 || pattern.ptr[i - 1] == ':';
        bool ends = i + 1 == pattern.len || pattern.ptr[i + 1] == ':';

        plain[i] = pattern.ptr[i] == '*' && starts && ends ? 'x' : pattern.ptr[i];
    }
    return channel_name_ok(view_of(plain, pattern.len));
}

static int add_pattern(struct api_key *key, enum api_scope scope, struct view pattern,
                       struct error *why)
{
    uint32_t at = key->patterns_count;

    if (!pattern_ok(pattern)) {
        error_set(why, "behind the colon stands a channel name, in which a whole segment may be *");
        return E_INVALID;
    }
    if (at >= API_PATTERNS_MAX) {
        error_set(why, "a key has at most %d scopes with channels", API_PATTERNS_MAX);
        return E_LIMIT;
    }
    for (uint32_t i = 0; i < at; i++) {
        if (key->pattern_scopes[i] == scope && view_eq(view_of_text(key->patterns[i]), pattern)) {
            error_set(why, "this scope stands here a second time");
            return E_EXISTS;
        }
    }
    memcpy(key->patterns[at], pattern.ptr, pattern.len);
    key->patterns[at][pattern.len] = '\0';
    key->pattern_scopes[at] = scope;
    key->patterns_count++;
    key->scopes |= scope;
    return OK;
}

static const struct {
    struct view prefix;
    enum api_scope bit;
} with_channels[] = {
    {VIEW("publish:"), API_SCOPE_PUBLISH},
    {VIEW("presence:"), API_SCOPE_PRESENCE},
    {VIEW("history:"), API_SCOPE_HISTORY},
};
static const struct {
    struct view word;
    enum api_scope bit;
} words[] = {
    {VIEW("tickets"), API_SCOPE_TICKETS},
    {VIEW("revoke"), API_SCOPE_REVOKE},
    {VIEW("sessions"), API_SCOPE_SESSIONS},
    {VIEW("broadcast"), API_SCOPE_BROADCAST},
    {VIEW("subscriptions"), API_SCOPE_SUBSCRIPTIONS},
    {VIEW("disconnect"), API_SCOPE_DISCONNECT},
    {VIEW("inspect"), API_SCOPE_INSPECT},
    {VIEW("moderate"), API_SCOPE_MODERATE},
    {VIEW("reload"), API_SCOPE_RELOAD},
    {VIEW("bans"), API_SCOPE_BANS},
};

int api_key_add_scope(struct api_key *key, struct view scope, struct error *why)
{
    unsigned bit = API_SCOPE_NONE;

    for (unsigned i = 0; i < sizeof(with_channels) / sizeof(with_channels[0]); i++) {
        size_t len = with_channels[i].prefix.len;

        if (view_starts_with(scope, with_channels[i].prefix))
            return add_pattern(key, with_channels[i].bit, view_of(scope.ptr + len, scope.len - len),
                               why);
    }
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (view_eq(scope, words[i].word))
            bit = words[i].bit;
    }
    if (bit == API_SCOPE_NONE) {
        error_set(why,
                  "a scope is `tickets`, `revoke`, `sessions`, `broadcast`, `subscriptions`, "
                  "`disconnect`, `inspect`, `moderate`, `reload`, `bans`, or `publish:CHANNEL`, "
                  "`presence:CHANNEL`, `history:CHANNEL`");
        return E_INVALID;
    }
    if ((key->scopes & bit) != 0) {
        error_set(why, "this scope stands here a second time");
        return E_EXISTS;
    }
    key->scopes |= bit;
    return OK;
}

void api_keys_forget_secrets(struct api_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++)
        secret_buf_clear(&keys->items[i].secret);
}

void api_keys_clear(struct api_keys *keys)
{
    api_keys_forget_secrets(keys);
    free(keys->items);
    *keys = (struct api_keys){NULL, 0};
}

unsigned api_keys_scopes(const struct api_keys *keys)
{
    unsigned all = 0;

    for (uint32_t i = 0; i < keys->count; i++)
        all |= keys->items[i].scopes;
    return all;
}

const struct api_key *api_keys_find(const struct api_keys *keys, struct view authorization)
{
    struct view scheme, secret;
    uint32_t found = NO_KEY;
    uint8_t digest[32];

    if (!view_split(authorization, ' ', &scheme, &secret) ||
        !view_eq_nocase(scheme, VIEW("Bearer")))
        return NULL;
    while (secret.len > 0 && secret.ptr[0] == ' ') /* 1*SP */
        secret = view_of(secret.ptr + 1, secret.len - 1);
    if (!is_token(secret) || digest_sha256(digest, secret.ptr, secret.len) != OK)
        return NULL;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (ct_equal(keys->items[i].digest, digest, sizeof(digest), sizeof(digest)))
            found = i;
    }
    return found == NO_KEY ? NULL : &keys->items[found];
}

static bool covers(struct view pattern, struct view channel)
{
    while (pattern.len > 0 && channel.len > 0) {
        struct view wanted, given;
        bool more_wanted = view_split(pattern, ':', &wanted, &pattern);
        bool more_given = view_split(channel, ':', &given, &channel);

        if (more_wanted != more_given || (!view_eq(wanted, VIEW("*")) && !view_eq(wanted, given)))
            return false;
    }
    return pattern.len == 0 && channel.len == 0;
}

bool api_key_may(const struct api_key *key, enum api_scope scope, struct view channel)
{
    if (!channel_name_ok(channel))
        return false;
    for (uint32_t i = 0; i < key->patterns_count; i++) {
        if (key->pattern_scopes[i] == scope && covers(view_of_text(key->patterns[i]), channel))
            return true;
    }
    return false;
}
