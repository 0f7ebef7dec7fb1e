/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto message wire net access auth */
/* session_foreign_fuzz.c: three readings of the input. As a cookie: never accepted, since no input
 * has the key. As an id that we sign: accepted exactly where it is visible ASCII of a length that
 * fits, raw and percent-encoded. As a session's text and as a date: what comes of it keeps the
 * promises of identity.h. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/scope.h"
#include "auth/iso_date.h"
#include "auth/session_foreign.h"
#include "base/assert.h"
#include "base/base64.h"
#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct {
    struct hmac_key *keys[SESSION_SECRETS_MAX];
    struct role_set roles;
    struct arena arena;
} bench;

static void prepare(void)
{
    if (bench.keys[0] != NULL)
        return;
    ASSERT(session_express_key(&bench.keys[0], VIEW("a secret that no input can know!")) == OK);
    ASSERT(session_express_key(&bench.keys[1], VIEW("another")) == OK);
    ASSERT(role_set_add(&bench.roles, VIEW("user"), PERMISSION_READ) == OK);
    ASSERT(role_set_add(&bench.roles, VIEW("admin"), PERMISSION_ADMIN) == OK);
    arena_init(&bench.arena, 65536, SESSION_ARENA_BYTES);
}

static bool takes(struct view value, struct view *id)
{
    static char space[SESSION_ID_MAX];

    return session_express_id(bench.keys, value, space, id);
}

static void check_signed(struct view id)
{
    char raw[512], encoded[1536];
    uint8_t mac[HMAC_BYTES_MAX];
    bool is_plain = id.len > 0 && id.len <= SESSION_ID_MAX;
    struct view found = {NULL, 0};
    int len;
    size_t at = 0;

    if (id.len > SESSION_ID_MAX + 8)
        return;
    for (size_t i = 0; i < id.len; i++)
        is_plain = is_plain && id.ptr[i] > ' ' && id.ptr[i] <= '~';
    ASSERT(hmac_sign(mac, bench.keys[1], id.ptr, id.len) == OK);
    memcpy(raw, "s:", 2);
    if (id.len > 0)
        memcpy(raw + 2, id.ptr, id.len);
    raw[2 + id.len] = '.';
    len = (int)(3 + id.len + base64_encode(raw + 3 + id.len, mac, 32) - 1);
    for (int i = 0; i < len; i++)
        at += (size_t)snprintf(encoded + at, sizeof(encoded) - at, "%%%02x", (uint8_t)raw[i]);
    ASSERT(takes(view_of(encoded, at), &found) == is_plain);
    ASSERT(!is_plain || view_eq(found, id));
    if (is_plain && memchr(id.ptr, '%', id.len) == NULL)
        ASSERT(takes(view_of(raw, (size_t)len), &found) && view_eq(found, id));
    raw[len / 2] ^= 1;
    ASSERT(!takes(view_of(raw, (size_t)len), &found));
}

static void check_value(struct view text)
{
    static const struct session_shape shape = {
        {"/user", "/passport/user"}, "/roles", "/tenant", "/cookie/expires", "/created"};
    struct session_facts facts, untouched;

    memset(&facts, 0x55, sizeof(facts));
    untouched = facts;
    if (session_value_decode(&facts, &shape, &bench.roles, text, &bench.arena) != NULL) {
        ASSERT(memcmp(&facts, &untouched, sizeof(facts)) == 0);
        return;
    }
    ASSERT(identity_user_ok(view_of_text(facts.who.user)));
    ASSERT(facts.who.user_bytes == strlen(facts.who.user));
    ASSERT(facts.who.tenant[0] == '\0' || identity_user_ok(view_of_text(facts.who.tenant)));
    ASSERT((facts.who.roles & ~UINT64_C(3)) == 0 && facts.who.scopes == SCOPES_ALL);
    ASSERT(facts.who.method == IDENTITY_SESSION && facts.ends_at_s >= 0 && facts.created_at_s >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct view id;
    int64_t wall_s;
    char *exact;

    if (len > 16384)
        return 0;
    prepare();
    exact = malloc(len > 0 ? len : 1);
    ASSERT(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    ASSERT(!takes(view_of(exact, len), &id));
    check_signed(view_of(exact, len));
    check_value(view_of(exact, len));
    if (iso_date_parse(view_of(exact, len), &wall_s))
        ASSERT(wall_s > INT64_C(-62135700000) && wall_s < INT64_C(253402400000));
    free(exact);
    return 0;
}
