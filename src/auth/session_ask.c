/* SPDX-License-Identifier: Apache-2.0 */
/* session_ask.c: what is asked of a table of sessions: is an id well formed, whose is it, may this
 * one be made; and the turns of the table on the outbound thread. */
#include <stdlib.h>

#include "auth/session_heap.h"
#include "auth/session_table.h"
#include "access/scope.h"
#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#define ID_BYTES      16
#define AGAIN_SOON_MS 10

static bool is_id(struct view id)
{
    uint8_t bytes[3 * (SESSION_ID_TEXT_BYTES / 4) + 3];

    return id.len == SESSION_ID_TEXT_BYTES - 1 && base64url_decode(bytes, id) == ID_BYTES;
}

bool session_table_key(uint8_t key[SESSION_KEY_BYTES], struct view id)
{
    return is_id(id) && digest_sha256(key, id.ptr, id.len) == OK;
}

bool session_table_id_of_cookie(const struct session_store *s, struct view value,
                                char space[SESSION_ID_MAX], struct view *id)
{
    (void)s;
    (void)space;
    if (!is_id(value))
        return false;
    *id = value;
    return true;
}

/* --- what may be made --- */

/* Names with single blanks between them; each of the grammar of roles, which is that of users. */
static bool roles_ok(struct view roles)
{
    struct view name, rest = roles;
    bool has_more = roles.len > 0;

    if (roles.len > SESSION_ROLES_MAX)
        return false;
    while (has_more) {
        has_more = view_split(rest, ' ', &name, &rest);
        if (!identity_user_ok(name))
            return false;
    }
    return true;
}

static bool person_ok(struct view user, struct view tenant, struct view roles)
{
    return identity_user_ok(user) && roles_ok(roles) && tenant.len <= IDENTITY_TENANT_MAX &&
           (tenant.len == 0 || identity_user_ok(tenant));
}

bool session_table_row_ok(const struct session_row *row)
{
    return person_ok(row->user, row->tenant, row->roles) && row->created_s >= 0 &&
           row->created_s <= row->ends_s && row->ends_s <= INT64_MAX / 4 && row->used_s >= 0 &&
           row->used_s <= INT64_MAX / 4;
}

static int draw_id(struct session_op *op, uint8_t key[SESSION_KEY_BYTES])
{
    uint8_t bytes[ID_BYTES];
    int rc;

    random_bytes(bytes, sizeof(bytes));
    op->new_id[base64url_encode(op->new_id, bytes, sizeof(bytes))] = '\0';
    secret_wipe(bytes, sizeof(bytes));
    rc = digest_sha256(key, op->new_id, SESSION_ID_TEXT_BYTES - 1);
    if (rc != OK)
        secret_wipe(op->new_id, sizeof(op->new_id));
    return rc;
}

int session_table_prepare(struct session_op *op, uint8_t key[SESSION_KEY_BYTES])
{
    switch (op->verb) {
    case SESSION_CREATE:
        return person_ok(op->user, op->tenant, op->roles) ? draw_id(op, key) : E_INVALID;
    case SESSION_GET:
    case SESSION_EXTEND:
    case SESSION_END:
        return session_table_key(key, op->id) ? OK : E_MISSING;
    case SESSION_END_USER:
        return identity_user_ok(op->user) ? OK : E_INVALID;
    }
    return E_INVALID;
}

/* --- who it is --- */

static uint64_t role_bits(const struct role_set *set, struct view roles)
{
    struct view name, rest = roles;
    bool has_more = roles.len > 0;
    uint64_t bits = 0;

    while (has_more) {
        has_more = view_split(rest, ' ', &name, &rest);
        bits |= role_set_bit(set, name);
    }
    return bits;
}

static void fill(struct identity *who, const struct session_table *t, const uint8_t *key,
                 const struct session_copy *copy)
{
    const char *text = copy->text;

    *who = (struct identity){.method = IDENTITY_SESSION, .has_session = true};
    memcpy(who->user, text, copy->user_bytes);
    who->user_bytes = (uint8_t)copy->user_bytes;
    text += copy->user_bytes;
    memcpy(who->tenant, text, copy->tenant_bytes);
    text += copy->tenant_bytes;
    who->roles = role_bits(t->store.roles, view_of(text, copy->roles_bytes));
    who->scopes = SCOPES_ALL;
    memcpy(who->session, key, IDENTITY_SESSION_BYTES);
    who->authenticated_at_s = who->issued_at_s = copy->created_s;
    who->expires_at_s = copy->ends_s;
}

enum auth_verdict session_table_check(struct session_store *s, struct view id, int64_t wall_s,
                                      struct identity *who, const char **fault)
{
    struct session_table *t = (struct session_table *)(void *)s;
    uint8_t key[SESSION_KEY_BYTES];
    struct session_copy copy;
    enum session_state state = SESSION_UNKNOWN;
    const char *word = "session_malformed";

    if (session_table_key(key, id)) {
        state = session_table_copy(t, key, &copy, wall_s, true);
        word = state == SESSION_OVER ? "session_expired" : "session_unknown";
    }
    if (state == SESSION_GOOD) {
        fill(who, t, key, &copy);
        return AUTH_OK;
    }
    if (fault != NULL)
        *fault = word;
    return state == SESSION_OVER ? AUTH_EXPIRED : AUTH_FAILED;
}

int session_table_lookup(struct session_store *s, struct lookup *l, struct view id)
{
    l->verdict = session_table_check(s, id, clock_wall_s(), &l->who, &l->fault);
    l->done(l);
    return OK;
}

int session_table_get(struct session_table *t, const uint8_t key[SESSION_KEY_BYTES],
                      struct session_op *op, int64_t now_s, bool is_use)
{
    struct session_copy copy;

    if (session_table_copy(t, key, &copy, now_s, is_use) != SESSION_GOOD)
        return E_MISSING;
    fill(&op->who, t, key, &copy);
    op->created_at_s = copy.created_s;
    op->idle_until_s = copy.until_s;
    op->ends_at_s = copy.ends_s;
    return OK;
}

/* --- turns --- */

static void turn(struct outbound_timer *timer)
{
    struct session_table *t = LINK_ITEM(timer, struct session_table, timer);
    struct outbound *o = t->store.outbound;
    int64_t now_s = clock_wall_s();
    bool is_more = session_table_sweep(t, now_s);

    if (t->turn != NULL)
        t->turn(t, now_s);
    outbound_timer_start(o, timer,
                         outbound_now_ms(o) + (is_more ? AGAIN_SOON_MS : SESSION_TURN_MS));
}

static void begin(struct outbound_job *job, int status)
{
    struct session_table *t = LINK_ITEM(job, struct session_table, starter);

    if (status == OK)
        turn(&t->timer);
}

int session_table_start(struct session_table *t)
{
    outbound_timer_init(&t->timer, turn);
    t->starter.run = begin;
    return outbound_post(t->store.outbound, &t->starter);
}
