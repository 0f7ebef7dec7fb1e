/* SPDX-License-Identifier: Apache-2.0 */
/* session_sqlite.c: the table in memory answers; an SQLite file is its durable copy. Changes wait
 * in a queue for the outbound thread, which writes as many as wait in one transaction and answers
 * them once it is on the disk. What ends a session is done in memory at once, and again in its
 * turn, so that a login that was waiting before it does not outlive it. Use is written behind.
 * After a failure the file may hold sessions that have ended: they are looked for as soon as it can
 * be written again. */
#include <pthread.h>
#include <stdlib.h>

#include "auth/session_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status.h"
#include "crypto/secret.h"

#define WAITING_MAX 4096 /* changes in the queue */
#define BATCH_MAX   256  /* in one transaction */
#define USES_MAX    4096 /* written behind in one turn */
#define WALK_MAX    1024 /* rows looked at in one turn */
#define FLUSH_S     30

struct request {
    struct link link;
    struct session_op *op;
    int status;
    bool has_replaced;
    uint8_t key[SESSION_KEY_BYTES], replaced[SESSION_KEY_BYTES];
    uint64_t in_memory, in_file; /* how many it ended */
    int64_t used_s;
    struct view user, tenant, roles; /* in text */
    char text[];
};

struct session_sqlite {
    struct session_table table;
    struct session_file *file; /* of the outbound thread, once started */
    pthread_mutex_t lock;
    struct link waiting; /* under the lock, and so are these */
    unsigned waiting_count;
    bool is_posted;
    struct outbound_job job;
    atomic_bool has_strays; /* rows of ended sessions may be in the file */
    bool is_down, is_walking;
    uint8_t walked[SESSION_KEY_BYTES];
    int64_t flush_at_s;
    struct session_use uses[USES_MAX];
};

static struct session_sqlite *sqlite_of(struct session_table *t)
{
    return (struct session_sqlite *)(void *)t;
}

static int64_t until(const struct session_sqlite *s, int64_t used_s, int64_t ends_s)
{
    int64_t idle_end_s = used_s + (int64_t)s->table.store.idle_s;

    return idle_end_s < ends_s ? idle_end_s : ends_s;
}

/* --- the file is in reach, or not --- */

static void came_out(struct session_sqlite *s, int rc)
{
    const struct session_store *store = &s->table.store;
    bool is_down = rc != OK;

    if (is_down == s->is_down)
        return;
    s->is_down = is_down;
    if (store->tell != NULL)
        store->tell(store->context, !is_down, is_down ? session_file_why(s->file) : NULL);
}

/* --- one change --- */

static int create(struct session_sqlite *s, struct request *r, int64_t now_s)
{
    struct session_row row = {.user = r->user,
                              .tenant = r->tenant,
                              .roles = r->roles,
                              .created_s = now_s,
                              .used_s = now_s,
                              .ends_s = now_s + (int64_t)s->table.store.absolute_s};
    uint64_t unused;
    int rc;

    memcpy(row.key, r->key, SESSION_KEY_BYTES);
    r->status = session_table_add(&s->table, &row, now_s);
    if (r->status == E_NOMEM)
        r->status = E_FULL;
    if (r->status != OK)
        return OK;
    rc = session_file_put(s->file, &row, until(s, now_s, row.ends_s));
    if (rc == OK && r->has_replaced)
        rc = session_file_remove(s->file, r->replaced, &unused);
    return rc;
}

/* Writes; what went wrong with the file is the answer, what is wrong with the change its status. */
static int carry_out(struct session_sqlite *s, struct request *r, int64_t now_s)
{
    struct session_use use = {.used_s = r->used_s};

    switch (r->op->verb) {
    case SESSION_CREATE:
        return create(s, r, now_s);
    case SESSION_EXTEND:
        memcpy(use.key, r->key, SESSION_KEY_BYTES);
        use.until_s = until(s, r->used_s, r->op->ends_at_s);
        return session_file_use(s->file, &use);
    case SESSION_END:
        return session_file_remove(s->file, r->key, &r->in_file);
    case SESSION_END_USER:
        return session_file_remove_user(s->file, r->user, &r->in_file);
    case SESSION_GET:
        break;
    }
    return OK;
}

static void undo(struct session_sqlite *s, struct request *r)
{
    if (r->op->verb == SESSION_CREATE && r->status == OK)
        (void)session_table_end(&s->table, r->key, SESSION_LOGGED_OUT);
    r->status = r->status != OK ? r->status : E_IO;
}

/* The file has it: so has the memory. */
static void settle(struct session_sqlite *s, struct request *r, int64_t now_s)
{
    switch (r->op->verb) {
    case SESSION_CREATE:
        if (r->status == OK)
            r->status = session_table_get(&s->table, r->key, r->op, now_s, false);
        if (r->status == OK && r->has_replaced)
            (void)session_table_end(&s->table, r->replaced, SESSION_REPLACED);
        break;
    case SESSION_END:
        r->status = r->in_memory + r->in_file > 0 ? OK : E_MISSING;
        break;
    case SESSION_END_USER:
        r->in_memory += session_table_end_user(&s->table, r->user);
        r->op->count = r->in_memory > r->in_file ? r->in_memory : r->in_file;
        break;
    default:
        break;
    }
}

static void answer(struct request *r, int status)
{
    struct session_op *op = r->op;

    if (op->verb == SESSION_CREATE && status != OK)
        secret_wipe(op->new_id, sizeof(op->new_id));
    op->status = status;
    free(r);
    op->done(op);
}

/* --- a transaction of those that wait; outbound thread --- */

static unsigned take_batch(struct session_sqlite *s, struct link *batch)
{
    unsigned count = 0;

    link_init(batch);
    (void)pthread_mutex_lock(&s->lock);
    while (count < BATCH_MAX && !link_is_alone(&s->waiting)) {
        struct link *first = s->waiting.next;

        link_remove(first);
        link_append(batch, first);
        count++;
    }
    s->waiting_count -= count;
    (void)pthread_mutex_unlock(&s->lock);
    return count;
}

static int write_batch(struct session_sqlite *s, const struct link *batch, int64_t now_s)
{
    int rc = session_file_begin(s->file);

    for (struct link *at = batch->next; rc == OK && at != batch; at = at->next)
        rc = carry_out(s, LINK_ITEM(at, struct request, link), now_s);
    if (rc == OK)
        return session_file_commit(s->file);
    session_file_rollback(s->file);
    return rc;
}

static void run_batch(struct session_sqlite *s)
{
    int64_t now_s = clock_wall_s();
    struct link batch, *at;
    int rc;

    if (take_batch(s, &batch) == 0)
        return;
    rc = write_batch(s, &batch, now_s);
    came_out(s, rc);
    for (at = batch.next; at != &batch; at = at->next) {
        struct request *r = LINK_ITEM(at, struct request, link);

        if (rc == OK)
            settle(s, r, now_s);
        else
            undo(s, r);
        if (rc != OK && r->op->verb != SESSION_EXTEND)
            atomic_store(&s->has_strays, true);
        if (rc != OK && r->op->verb == SESSION_END_USER)
            (void)session_table_end_user(&s->table, r->user);
    }
    while (!link_is_alone(&batch)) {
        at = batch.next;
        link_remove(at);
        answer(LINK_ITEM(at, struct request, link), LINK_ITEM(at, struct request, link)->status);
    }
}

/* Whoever is given the queue's job empties it, or has it run again. */
static bool is_posted_again(struct session_sqlite *s, int status)
{
    bool is_empty, is_posted = false;

    (void)pthread_mutex_lock(&s->lock);
    is_empty = link_is_alone(&s->waiting);
    if (!is_empty && status == OK)
        is_posted = outbound_post(s->table.store.outbound, &s->job) == OK;
    s->is_posted = is_posted || !is_empty;
    (void)pthread_mutex_unlock(&s->lock);
    return is_posted || is_empty;
}

static void run_job(struct outbound_job *job, int status)
{
    struct session_sqlite *s = LINK_ITEM(job, struct session_sqlite, job);

    do
        run_batch(s);
    while (!is_posted_again(s, status));
}

/* --- asking for a change --- */

static struct view copy_text(char **to, struct view text)
{
    struct view copy = view_of(*to, text.len);

    if (text.len > 0)
        memcpy(*to, text.ptr, text.len);
    *to += text.len;
    return copy;
}

static struct request *request_new(struct session_op *op, const uint8_t *key)
{
    struct request *r = calloc(1, sizeof(*r) + op->user.len + op->tenant.len + op->roles.len);
    char *text;

    if (r == NULL)
        return NULL;
    link_init(&r->link);
    r->op = op;
    memcpy(r->key, key, SESSION_KEY_BYTES);
    text = r->text;
    r->user = copy_text(&text, op->user);
    r->tenant = copy_text(&text, op->tenant);
    r->roles = copy_text(&text, op->roles);
    r->has_replaced = op->verb == SESSION_CREATE && session_table_key(r->replaced, op->replaces);
    return r;
}

/* The thread has ended: nothing will be written any more, but for what free finds. */
static void answer_all(struct session_sqlite *s)
{
    struct link batch, *first;

    while (take_batch(s, &batch) > 0) {
        while (!link_is_alone(&batch)) {
            first = batch.next;
            link_remove(first);
            atomic_store(&s->has_strays, true);
            answer(LINK_ITEM(first, struct request, link), E_CLOSED);
        }
    }
}

static int wait_in_line(struct session_sqlite *s, struct request *r)
{
    int rc = OK;

    (void)pthread_mutex_lock(&s->lock);
    if (s->waiting_count >= WAITING_MAX) {
        (void)pthread_mutex_unlock(&s->lock);
        return E_FULL;
    }
    link_append(&s->waiting, &r->link);
    s->waiting_count++;
    if (!s->is_posted) {
        rc = outbound_post(s->table.store.outbound, &s->job);
        s->is_posted = rc == OK;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (rc == E_CLOSED)
        answer_all(s);
    /* E_FULL: the next turn of the table writes it. */
    return OK;
}

/* What can be done without the file; false: that was all, and *status is the answer. */
static bool begin_change(struct session_sqlite *s, struct request *r, int *status)
{
    struct session_op *op = r->op;
    int64_t now_s = clock_wall_s();

    switch (op->verb) {
    case SESSION_EXTEND:
        r->used_s = now_s;
        *status = session_table_get(&s->table, r->key, op, now_s, true);
        return *status == OK;
    case SESSION_END:
        r->in_memory = session_table_end(&s->table, r->key, SESSION_LOGGED_OUT) ? 1 : 0;
        return true;
    case SESSION_END_USER:
        r->in_memory = session_table_end_user(&s->table, r->user);
        return true;
    case SESSION_CREATE:
        return true;
    case SESSION_GET:
        break;
    }
    *status = session_table_get(&s->table, r->key, op, now_s, false);
    return false;
}

static void operate(struct session_store *store, struct session_op *op)
{
    struct session_sqlite *s = (struct session_sqlite *)(void *)store;
    uint8_t key[SESSION_KEY_BYTES] = {0};
    int rc = session_table_prepare(op, key);
    struct request *r = rc == OK ? request_new(op, key) : NULL;
    bool is_end = op->verb == SESSION_END || op->verb == SESSION_END_USER;

    if (r == NULL) {
        op->status = rc != OK ? rc : E_FULL;
        op->done(op);
        return;
    }
    if (!begin_change(s, r, &rc)) {
        answer(r, rc);
        return;
    }
    rc = wait_in_line(s, r);
    if (rc == OK)
        return;
    if (is_end)
        atomic_store(&s->has_strays, true);
    answer(r, is_end ? E_IO : rc);
}

/* --- what is written behind; outbound thread --- */

static int write_uses(struct session_sqlite *s, size_t count, int64_t now_s)
{
    int rc = session_file_begin(s->file);

    for (size_t i = 0; rc == OK && i < count; i++)
        rc = session_file_use(s->file, &s->uses[i]);
    if (rc == OK && count < USES_MAX)
        rc = session_file_remove_over(s->file, now_s);
    if (rc == OK && s->is_down)
        rc = session_file_probe(s->file);
    if (rc == OK)
        return session_file_commit(s->file);
    session_file_rollback(s->file);
    return rc;
}

/* true: all of them are written. */
static bool flush(struct session_sqlite *s, int64_t now_s)
{
    size_t count = session_table_take_used(&s->table, s->uses, USES_MAX);
    int rc = write_uses(s, count, now_s);

    came_out(s, rc);
    if (rc != OK)
        session_table_put_back(&s->table, s->uses, count);
    return rc != OK || count < USES_MAX;
}

static int remove_stray(void *context, const struct session_row *row)
{
    struct session_sqlite *s = context;
    uint64_t unused;

    memcpy(s->walked, row->key, SESSION_KEY_BYTES);
    return session_table_has(&s->table, row->key) ? OK
                                                  : session_file_remove(s->file, row->key, &unused);
}

/* Some more rows are looked at; false: that was the last of them, or it failed. */
static bool walk(struct session_sqlite *s)
{
    struct session_file_walk walk = {.behind = s->is_walking ? s->walked : NULL,
                                     .max = WALK_MAX,
                                     .visit = remove_stray,
                                     .context = s};
    uint8_t behind[SESSION_KEY_BYTES];
    uint32_t count = 0;
    int rc;

    if (!s->is_walking)
        atomic_store(&s->has_strays, false);
    memcpy(behind, s->walked, sizeof(behind));
    rc = session_file_begin(s->file);
    if (rc == OK)
        rc = session_file_each(s->file, &walk, &count);
    if (rc == OK)
        rc = session_file_commit(s->file);
    else
        session_file_rollback(s->file);
    came_out(s, rc);
    if (rc != OK) {
        memcpy(s->walked, behind, sizeof(behind));
        atomic_store(&s->has_strays, true);
    }
    s->is_walking = rc == OK && count == WALK_MAX;
    return s->is_walking;
}

static void turn(struct session_table *t, int64_t now_s)
{
    struct session_sqlite *s = sqlite_of(t);
    int64_t every_s = (int64_t)t->store.idle_s / 4;

    run_batch(s);
    if (s->is_walking || (!s->is_down && atomic_load(&s->has_strays)))
        (void)walk(s);
    if (now_s < s->flush_at_s && now_s + FLUSH_S >= s->flush_at_s)
        return;
    if (every_s > FLUSH_S || every_s < 1)
        every_s = every_s < 1 ? 1 : FLUSH_S;
    if (flush(s, now_s))
        s->flush_at_s = now_s + every_s;
}

/* --- from start to end --- */

static int load_row(void *context, const struct session_row *found)
{
    struct session_sqlite *s = context;
    int64_t longest_s = found->created_s + (int64_t)s->table.store.absolute_s;
    int64_t now_s = clock_wall_s();
    struct session_row row = *found;

    memcpy(s->walked, row.key, SESSION_KEY_BYTES);
    if (row.ends_s > longest_s)
        row.ends_s = longest_s;
    if (until(s, row.used_s, row.ends_s) <= now_s) {
        atomic_store(&s->has_strays, true);
        return OK;
    }
    return session_table_add(&s->table, &row, now_s);
}

static int load(struct session_sqlite *s, const char *path, struct error *why)
{
    struct session_file_walk walk = {.max = WALK_MAX, .visit = load_row, .context = s};
    uint32_t count;
    int rc;

    do {
        rc = session_file_each(s->file, &walk, &count);
        walk.behind = s->walked;
    } while (rc == OK && count == WALK_MAX);
    if (rc == E_FULL)
        error_set(why, "%s holds more sessions than `max`", path);
    else if (rc == E_INVALID)
        error_set(why, "%s is damaged: a row of it is no session", path);
    else if (rc != OK)
        error_set(why, "%s cannot be read: %s", path,
                  rc == E_IO ? session_file_why(s->file) : status_text(rc));
    return rc;
}

static int start(struct session_store *store, struct error *why)
{
    struct session_sqlite *s = (struct session_sqlite *)(void *)store;
    int rc = session_table_start(&s->table);

    if (rc != OK)
        error_set(why, "the sessions cannot be swept: %s", status_text(rc));
    return rc;
}

/* What was used last is written, so that a restart does not cut idle times short. */
static void sqlite_free(struct session_store *store)
{
    struct session_sqlite *s = (struct session_sqlite *)(void *)store;

    if (s->file != NULL) {
        while (!flush(s, clock_wall_s()))
            continue;
        while (!s->is_down && (s->is_walking || atomic_load(&s->has_strays)) && walk(s))
            continue;
    }
    session_file_close(s->file);
    session_table_clear(&s->table);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static const struct session_store_ops sqlite_ops = {
    .start = start,
    .free = sqlite_free,
    .id_of_cookie = session_table_id_of_cookie,
    .check = session_table_check,
    .lookup = session_table_lookup,
    .operate = operate,
    .watch = session_table_watch,
    .touch = session_table_touch,
    .unwatch = session_table_unwatch,
};

int session_sqlite_new(struct session_store **out, const struct session_store_options *options,
                       const char *path, struct error *why)
{
    struct session_sqlite *s = calloc(1, sizeof(*s));
    int rc;

    if (s == NULL)
        return E_NOMEM;
    (void)pthread_mutex_init(&s->lock, NULL);
    link_init(&s->waiting);
    s->job.run = run_job;
    s->table.is_kept = true;
    s->table.turn = turn;
    rc = session_table_init(&s->table, options, &sqlite_ops);
    if (rc == OK)
        rc = session_file_open(&s->file, path, why);
    if (rc == OK)
        rc = load(s, path, why);
    if (rc != OK) {
        session_file_close(s->file);
        s->file = NULL;
        sqlite_free(&s->table.store);
        return rc;
    }
    *out = &s->table.store;
    return OK;
}
