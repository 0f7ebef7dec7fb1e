/* SPDX-License-Identifier: Apache-2.0 */
/* session_memory.c: sessions in memory alone: every change is answered at once, and nothing
 * outlives the process. */
#include <stdlib.h>

#include "auth/session_table.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status.h"
#include "crypto/secret.h"

static struct session_table *table_of(struct session_store *s)
{
    return (struct session_table *)(void *)s;
}

static int start(struct session_store *s, struct error *why)
{
    int rc = session_table_start(table_of(s));

    if (rc != OK)
        error_set(why, "the sessions cannot be swept: %s", status_text(rc));
    return rc;
}

static void memory_free(struct session_store *s)
{
    session_table_clear(table_of(s));
    free(s);
}

static int create(struct session_table *t, struct session_op *op, const uint8_t *key, int64_t now_s)
{
    struct session_row row = {.user = op->user,
                              .tenant = op->tenant,
                              .roles = op->roles,
                              .created_s = now_s,
                              .used_s = now_s,
                              .ends_s = now_s + (int64_t)t->store.absolute_s};
    uint8_t replaced[SESSION_KEY_BYTES];
    int rc;

    memcpy(row.key, key, SESSION_KEY_BYTES);
    rc = session_table_add(t, &row, now_s);
    if (rc == OK)
        rc = session_table_get(t, key, op, now_s, false);
    if (rc == OK && session_table_key(replaced, op->replaces))
        (void)session_table_end(t, replaced, SESSION_REPLACED);
    return rc;
}

static int change(struct session_table *t, struct session_op *op, int64_t now_s)
{
    uint8_t key[SESSION_KEY_BYTES];
    int rc = session_table_prepare(op, key);

    if (rc != OK)
        return rc;
    switch (op->verb) {
    case SESSION_CREATE:
        rc = create(t, op, key, now_s);
        if (rc != OK)
            secret_wipe(op->new_id, sizeof(op->new_id));
        return rc;
    case SESSION_GET:
    case SESSION_EXTEND:
        return session_table_get(t, key, op, now_s, op->verb == SESSION_EXTEND);
    case SESSION_END:
        return session_table_end(t, key, SESSION_LOGGED_OUT) ? OK : E_MISSING;
    case SESSION_END_USER:
        op->count = session_table_end_user(t, op->user);
        return OK;
    }
    return E_INVALID;
}

static void operate(struct session_store *s, struct session_op *op)
{
    op->status = change(table_of(s), op, clock_wall_s());
    op->done(op);
}

static const struct session_store_ops memory_ops = {
    .start = start,
    .free = memory_free,
    .id_of_cookie = session_table_id_of_cookie,
    .check = session_table_check,
    .lookup = session_table_lookup,
    .operate = operate,
    .watch = session_table_watch,
    .touch = session_table_touch,
    .unwatch = session_table_unwatch,
};

int session_memory_new(struct session_store **out, const struct session_store_options *options)
{
    struct session_table *t = calloc(1, sizeof(*t));
    int rc;

    if (t == NULL)
        return E_NOMEM;
    rc = session_table_init(t, options, &memory_ops);
    if (rc != OK) {
        memory_free(&t->store);
        return rc;
    }
    *out = &t->store;
    return OK;
}
