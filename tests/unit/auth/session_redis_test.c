/* SPDX-License-Identifier: Apache-2.0 */
/* session_redis_test.c: sessions in a real Redis server, ours and those of other programs: made,
 * read, watched, ended, and the server killed and stalled meanwhile. Made to run under TSan. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "auth/session_redis.h"
#include "base/clock.h"
#include "base/status.h"
#include "crypto/digest.h"
#include "redis_server.h"

#define SID    "4fSQ0Hd5oNq2tVb8rPzA1kLmXyWcEgJu"
#define COOKIE "s%3A" SID ".cLxYNTONkDPI0R3GpDqv6PJsnvF%2BsoU3HlyUcpfpcME"
#define KEY    "sess:" SID
#define ADA    "{\"cookie\":{\"expires\":null},\"user\":\"ada\",\"roles\":[\"user\"]}"
#define MANY   2000

struct desk {
    struct redis_server server;
    struct session_store *store, *other;
    struct role_set roles;
    atomic_uint ups, downs, ends;
    _Atomic(enum session_end) last_why;
    pthread_mutex_t lock;
    uint8_t last[IDENTITY_SESSION_BYTES];
    uint64_t last_ms;
};

static void on_ended(void *context, const uint8_t session[IDENTITY_SESSION_BYTES],
                     enum session_end why)
{
    struct desk *d = context;

    (void)pthread_mutex_lock(&d->lock);
    memcpy(d->last, session, sizeof(d->last));
    d->last_ms = clock_mono_ms();
    (void)pthread_mutex_unlock(&d->lock);
    atomic_store(&d->last_why, why);
    atomic_fetch_add(&d->ends, 1);
}

static void on_tell(void *context, bool is_up, const char *why)
{
    struct desk *d = context;

    (void)why;
    atomic_fetch_add(is_up ? &d->ups : &d->downs, 1);
}

static bool wait_until(atomic_uint *counter, unsigned count)
{
    for (int i = 0; i < 2000 && atomic_load(counter) < count; i++)
        (void)usleep(5 * 1000);
    return atomic_load(counter) >= count;
}

/* What docs/redis-sessions.md says that we need. */
static const char *const gateward_user[] = {"ACL",
                                            "SETUSER",
                                            "gateward",
                                            "on",
                                            ">a password",
                                            "~gateward:*",
                                            "+ping",
                                            "+multi",
                                            "+exec",
                                            "+getrange",
                                            "+pttl",
                                            "+del",
                                            "+set",
                                            "+expire",
                                            "+zadd",
                                            "+zcard",
                                            "+zrange",
                                            "+zrem",
                                            "+zremrangebyscore",
                                            "+select"};

static struct session_store *open_store(struct desk *d, struct session_redis_options o)
{
    struct session_store *store = NULL;
    struct error why = {{0}, 0, 0};
    unsigned ups = atomic_load(&d->ups);

    o.redis.url = d->server.url;
    if (o.redis.username != NULL)
        (void)redis_server_do(&d->server, NULL, 0, 20, gateward_user);
    o.roles = &d->roles;
    o.idle_s = o.idle_s != 0 ? o.idle_s : 600;
    o.absolute_s = o.absolute_s != 0 ? o.absolute_s : 3600;
    o.stale_s = o.stale_s != 0 ? o.stale_s : 60;
    assert_int_equal(session_redis_new(&store, &o, &why), OK);
    store->ended = on_ended;
    store->tell = on_tell;
    store->context = d;
    assert_int_equal(store->ops->start(store, &why), OK);
    assert_true(wait_until(&d->ups, ups + 1));
    return store;
}

static void open_desk(struct desk *d, struct session_redis_options o)
{
    memset(d, 0, sizeof(*d));
    if (!redis_server_is_there())
        skip();
    (void)pthread_mutex_init(&d->lock, NULL);
    assert_int_equal(role_set_add(&d->roles, VIEW("user"), PERMISSION_READ), OK);
    assert_int_equal(role_set_add(&d->roles, VIEW("admin"), PERMISSION_ADMIN), OK);
    redis_server_open(&d->server, NULL);
    d->store = open_store(d, o);
}

static void close_desk(struct desk *d)
{
    d->store->ops->free(d->store);
    if (d->other != NULL)
        d->other->ops->free(d->other);
    redis_server_close(&d->server);
    (void)pthread_mutex_destroy(&d->lock);
}

/* --- waiting for answers --- */

struct question {
    struct lookup lookup;
    struct session_op op;
    sem_t done;
};

static void on_looked(struct lookup *l)
{
    (void)sem_post(&((struct question *)(void *)l)->done);
}

static void on_operated(struct session_op *op)
{
    (void)sem_post(op->context);
}

static enum auth_verdict look(struct session_store *s, struct question *q, struct view id)
{
    memset(q, 0, sizeof(*q));
    (void)sem_init(&q->done, 0, 0);
    q->lookup.done = on_looked;
    assert_int_equal(s->ops->lookup(s, &q->lookup, id), OK);
    (void)sem_wait(&q->done);
    return q->lookup.verdict;
}

static int operate(struct session_store *s, struct question *q)
{
    (void)sem_init(&q->done, 0, 0);
    q->op.done = on_operated;
    q->op.context = &q->done;
    s->ops->operate(s, &q->op);
    (void)sem_wait(&q->done);
    return q->op.status;
}

static int ask(struct session_store *s, struct question *q, enum session_verb verb, struct view id)
{
    memset(q, 0, sizeof(*q));
    q->op.verb = verb;
    q->op.id = id;
    return operate(s, q);
}

static int create(struct session_store *s, struct question *q, const char *user, const char *roles,
                  struct view replaces)
{
    memset(q, 0, sizeof(*q));
    q->op.verb = SESSION_CREATE;
    q->op.user = view_of_text(user);
    q->op.roles = view_of_text(roles);
    q->op.tenant = VIEW("acme");
    q->op.replaces = replaces;
    return operate(s, q);
}

static bool is_about(struct desk *d, struct view id)
{
    uint8_t digest[32];
    bool is_it;

    assert_int_equal(digest_sha256(digest, id.ptr, id.len), OK);
    (void)pthread_mutex_lock(&d->lock);
    is_it = memcmp(d->last, digest, sizeof(d->last)) == 0;
    (void)pthread_mutex_unlock(&d->lock);
    return is_it;
}

/* --- ours --- */

static void ours_are_made_read_and_ended(void **state)
{
    const struct session_redis_options ours = {
        .redis = {.username = "gateward", .password = VIEW("a password")},
        .decoder = SESSION_DECODER_GATEWARD};
    struct desk d;
    struct question q, made;
    struct view id, old;
    int64_t now_s = clock_wall_s();

    (void)state;
    open_desk(&d, ours);
    d.other = open_store(&d, ours); /* another gateward */
    assert_int_equal(create(d.store, &made, "ada", "user other", (struct view){NULL, 0}), OK);
    id = view_of_text(made.op.new_id);
    assert_int_equal(id.len, 22);
    assert_in_range(made.op.ends_at_s, now_s + 3600, now_s + 3605);
    assert_int_equal(look(d.other, &q, id), AUTH_OK);
    assert_string_equal(q.lookup.who.user, "ada");
    assert_string_equal(q.lookup.who.tenant, "acme");
    assert_true(q.lookup.who.roles == 1);
    assert_true(q.lookup.who.has_session);
    assert_int_equal(q.lookup.who.expires_at_s, made.op.ends_at_s);
    assert_int_equal(q.lookup.who.authenticated_at_s, made.op.created_at_s);
    assert_int_equal(ask(d.other, &q, SESSION_GET, id), OK);
    assert_string_equal(q.op.who.user, "ada");
    assert_in_range(q.op.idle_until_s, now_s + 595, now_s + 605);
    assert_int_equal(ask(d.store, &q, SESSION_EXTEND, id), OK);
    assert_int_equal(create(d.other, &q, "ada", "", id), OK); /* rotation */
    assert_int_equal(look(d.store, &made, id), AUTH_FAILED);
    old = view_of_text(q.op.new_id);
    assert_int_equal(look(d.store, &made, old), AUTH_OK);
    assert_int_equal(ask(d.store, &made, SESSION_END, old), OK);
    assert_int_equal(ask(d.store, &made, SESSION_END, old), E_MISSING);
    assert_int_equal(ask(d.store, &made, SESSION_GET, old), E_MISSING);
    assert_int_equal(ask(d.store, &made, SESSION_EXTEND, old), E_MISSING);
    assert_string_equal((look(d.other, &made, old), made.lookup.fault), "session_unknown");
    close_desk(&d);
}

static void all_of_a_user_end_at_once(void **state)
{
    struct desk d;
    struct question q, ids[5];

    (void)state;
    open_desk(&d, (struct session_redis_options){
                      .redis = {.username = "gateward", .password = VIEW("a password")},
                      .decoder = SESSION_DECODER_GATEWARD});
    for (int i = 0; i < 5; i++)
        assert_int_equal(create(d.store, &ids[i], i < 3 ? "ada" : "bob", "", VIEW("")), OK);
    memset(&q, 0, sizeof(q));
    q.op.verb = SESSION_END_USER;
    q.op.user = VIEW("ada");
    assert_int_equal(operate(d.store, &q), OK);
    assert_int_equal(q.op.count, 3);
    assert_int_equal(operate(d.store, &q), OK);
    assert_int_equal(q.op.count, 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(d.store, &q, SESSION_GET, view_of_text(ids[i].op.new_id)),
                         i < 3 ? E_MISSING : OK);
    assert_int_equal(REDIS_SERVER_DO(&d.server, "EXISTS", "gateward:user:ada"), 0);
    close_desk(&d);
}

static void what_makes_no_session_is_refused(void **state)
{
    struct desk d;
    struct question q;
    char large[SESSION_ROLES_MAX + 2];

    (void)state;
    open_desk(&d, (struct session_redis_options){.decoder = SESSION_DECODER_GATEWARD});
    memset(large, 'a', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    assert_int_equal(create(d.store, &q, "a b", "", VIEW("")), E_INVALID);
    assert_int_equal(create(d.store, &q, "", "", VIEW("")), E_INVALID);
    assert_int_equal(create(d.store, &q, large, "", VIEW("")), E_INVALID);
    assert_int_equal(create(d.store, &q, "ada", "a  b", VIEW("")), E_INVALID);
    assert_int_equal(create(d.store, &q, "ada", "\"x", VIEW("")), E_INVALID);
    assert_int_equal(create(d.store, &q, "ada", large, VIEW("")), E_INVALID);
    assert_string_equal(q.op.new_id, "");
    assert_int_equal(ask(d.store, &q, SESSION_GET, VIEW("short")), E_MISSING);
    assert_int_equal(REDIS_SERVER_DO(&d.server, "DBSIZE"), 0);
    for (int i = 0; i < SESSIONS_OF_USER_MAX; i++)
        assert_int_equal(create(d.store, &q, "ada", "", VIEW("")), OK);
    assert_int_equal(create(d.store, &q, "ada", "", VIEW("")), E_FULL);
    assert_int_equal(create(d.store, &q, "bob", "", VIEW("")), OK);
    close_desk(&d);
}

static void idle_and_used_sessions(void **state)
{
    struct desk d;
    struct question q, idle, used;
    struct session_watch *watches[2];

    (void)state;
    open_desk(&d, (struct session_redis_options){.decoder = SESSION_DECODER_GATEWARD, .idle_s = 2});
    assert_int_equal(create(d.store, &idle, "ada", "", VIEW("")), OK);
    assert_int_equal(create(d.store, &used, "bob", "", VIEW("")), OK);
    assert_int_equal(look(d.store, &q, view_of_text(idle.op.new_id)), AUTH_OK);
    assert_int_equal(look(d.store, &q, view_of_text(used.op.new_id)), AUTH_OK);
    watches[0] = d.store->ops->watch(d.store, view_of_text(idle.op.new_id));
    watches[1] = d.store->ops->watch(d.store, view_of_text(used.op.new_id));
    for (int i = 0; i < 40; i++) {
        (void)usleep(100 * 1000);
        d.store->ops->touch(d.store, watches[1], clock_wall_s());
    }
    assert_int_equal(atomic_load(&d.ends), 1);
    assert_int_equal(atomic_load(&d.last_why), SESSION_IDLE);
    assert_true(is_about(&d, view_of_text(idle.op.new_id)));
    assert_int_equal(look(d.store, &q, view_of_text(used.op.new_id)), AUTH_OK);
    d.store->ops->unwatch(d.store, watches[0]);
    d.store->ops->unwatch(d.store, watches[1]);
    close_desk(&d);
}

/* --- of other programs --- */

static const struct session_redis_options express = {.decoder = SESSION_DECODER_EXPRESS,
                                                     .secrets = {{"keyboard cat", 12}}};

static void sessions_of_express_are_read(void **state)
{
    char space[SESSION_ID_MAX], late[128];
    struct view id = {NULL, 0};
    struct desk d;
    struct question q;
    int64_t now_s = clock_wall_s();

    (void)state;
    open_desk(&d, express);
    assert_true(d.store->ops->id_of_cookie(d.store, VIEW(COOKIE), space, &id));
    assert_true(view_eq(id, VIEW(SID)));
    assert_int_equal(look(d.store, &q, id), AUTH_FAILED);
    assert_string_equal(q.lookup.fault, "session_unknown");
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY, ADA);
    assert_int_equal(look(d.store, &q, id), AUTH_OK);
    assert_string_equal(q.lookup.who.user, "ada");
    assert_in_range(q.lookup.who.expires_at_s, now_s + 3600, now_s + 3610);
    assert_int_equal(ask(d.store, &q, SESSION_GET, id), OK);
    assert_int_equal(ask(d.store, &q, SESSION_EXTEND, id), E_UNSUPPORTED);
    assert_int_equal(create(d.store, &q, "ada", "", VIEW("")), E_UNSUPPORTED);
    /* Without a time to live the date in the text counts, otherwise the time to live does. */
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY,
                          "{\"cookie\":{\"expires\":\"2001-01-01T00:00:00Z\"},\"user\":\"ada\"}");
    assert_int_equal(look(d.store, &q, id), AUTH_EXPIRED);
    (void)REDIS_SERVER_DO(&d.server, "EXPIRE", KEY, "100");
    assert_int_equal(look(d.store, &q, id), AUTH_OK);
    (void)snprintf(late, sizeof(late), "{\"cookie\":{\"expires\":%lld},\"user\":\"ada\"}",
                   (long long)now_s + 50);
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY, late);
    assert_int_equal(look(d.store, &q, id), AUTH_OK);
    assert_int_equal(q.lookup.who.expires_at_s, now_s + 50);
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY, "{\"cookie\":{\"expires\":null}}");
    assert_int_equal(look(d.store, &q, id), AUTH_FAILED);
    assert_string_equal(q.lookup.fault, "session_anonymous");
    (void)REDIS_SERVER_DO(&d.server, "SETRANGE", KEY, "3000000", "x");
    assert_int_equal(look(d.store, &q, id), AUTH_FAILED); /* and the connection lives on */
    (void)REDIS_SERVER_DO(&d.server, "DEL", KEY);
    (void)REDIS_SERVER_DO(&d.server, "LPUSH", KEY, "x");
    assert_int_equal(look(d.store, &q, id), AUTH_FAILED);
    assert_string_equal(q.lookup.fault, "session_malformed");
    assert_int_equal(ask(d.store, &q, SESSION_END, id), OK);
    assert_int_equal(REDIS_SERVER_DO(&d.server, "EXISTS", KEY), 0);
    assert_int_equal(atomic_load(&d.downs), 0);
    close_desk(&d);
}

static void other_shapes_are_read(void **state)
{
    const struct session_redis_options o = {.decoder = SESSION_DECODER_JSON,
                                            .key = "app:{id}:login",
                                            .user = "/account/id",
                                            .roles_pointer = "/account/groups",
                                            .tenant = "/account/team",
                                            .expires = "/until"};
    char space[SESSION_ID_MAX], value[256];
    struct view id = {NULL, 0};
    struct desk d;
    struct question q;
    int64_t now_s = clock_wall_s();

    (void)state;
    open_desk(&d, o);
    assert_false(d.store->ops->id_of_cookie(d.store, VIEW("0123456789 abcdef"), space, &id));
    assert_true(d.store->ops->id_of_cookie(d.store, VIEW("0123456789abcdef"), space, &id));
    (void)snprintf(value, sizeof(value),
                   "{\"account\":{\"id\":17,\"groups\":\"admin\",\"team\":3},\"until\":%lld}",
                   (long long)now_s + 30);
    (void)REDIS_SERVER_DO(&d.server, "SET", "app:0123456789abcdef:login", value, "EX", "100");
    assert_int_equal(look(d.store, &q, id), AUTH_OK);
    assert_string_equal(q.lookup.who.user, "17");
    assert_string_equal(q.lookup.who.tenant, "3");
    assert_true(q.lookup.who.roles == 2);
    assert_int_equal(q.lookup.who.expires_at_s, now_s + 30);
    assert_int_equal(d.store->ops->check(d.store, id, now_s, &q.lookup.who, NULL), AUTH_OK);
    assert_int_equal(d.store->ops->check(d.store, VIEW("no"), now_s, &q.lookup.who, NULL),
                     AUTH_FAILED);
    assert_int_equal(
        d.store->ops->check(d.store, VIEW("0123456789abcdeX"), now_s, &q.lookup.who, NULL),
        AUTH_LATER);
    close_desk(&d);
}

/* --- watching --- */

static void a_change_ends_what_lives_by_it(void **state)
{
    static const char *const changes[] = {
        NULL, /* the key is deleted */
        "{\"cookie\":{\"expires\":null},\"user\":\"bob\",\"roles\":[\"user\"]}",
        "{\"cookie\":{\"expires\":null},\"user\":\"ada\",\"roles\":[\"user\",\"admin\"]}",
        "{\"cookie\":{\"expires\":null}}",
        "broken",
    };
    struct desk d;
    struct question q;

    (void)state;
    open_desk(&d, express);
    for (unsigned i = 0; i < 5; i++) {
        struct session_watch *first, *second;
        uint64_t began;

        (void)REDIS_SERVER_DO(&d.server, "SET", KEY, ADA);
        assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_OK);
        first = d.store->ops->watch(d.store, VIEW(SID));
        second = d.store->ops->watch(d.store, VIEW(SID));
        assert_ptr_equal(first, second);
        (void)usleep(1200 * 1000);
        /* What does not matter changes nothing. */
        (void)REDIS_SERVER_DO(&d.server, "SET", KEY,
                              "{\"n\":1,\"cookie\":{},\"user\":\"ada\",\"roles\":\"user\"}");
        (void)usleep(1200 * 1000);
        assert_int_equal(atomic_load(&d.ends), i);
        began = clock_mono_ms();
        if (changes[i] == NULL)
            (void)REDIS_SERVER_DO(&d.server, "DEL", KEY);
        else
            (void)REDIS_SERVER_DO(&d.server, "SET", KEY, changes[i]);
        assert_true(wait_until(&d.ends, i + 1));
        assert_in_range(d.last_ms - began, 0, 2000); /* 900 ms, and a machine that is busy */
        assert_true(is_about(&d, VIEW(SID)));
        assert_int_equal(atomic_load(&d.last_why), SESSION_LOGGED_OUT);
        d.store->ops->unwatch(d.store, first);
        d.store->ops->unwatch(d.store, second);
    }
    close_desk(&d);
}

/* Between the look and the watch, and without any look at all. */
static void nothing_is_missed_in_between(void **state)
{
    struct session_watch *w;
    struct desk d;
    struct question q;

    (void)state;
    open_desk(&d, express);
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY, ADA);
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_OK);
    (void)REDIS_SERVER_DO(&d.server, "DEL", KEY);
    (void)usleep(1200 * 1000);
    assert_int_equal(atomic_load(&d.ends), 0);
    w = d.store->ops->watch(d.store, VIEW(SID));
    assert_true(wait_until(&d.ends, 1));
    d.store->ops->unwatch(d.store, w);
    w = d.store->ops->watch(d.store, VIEW("another-session-of-nobody"));
    assert_true(wait_until(&d.ends, 2));
    assert_true(is_about(&d, VIEW("another-session-of-nobody")));
    d.store->ops->unwatch(d.store, w);
    /* The same id again, of somebody else: who watched the old one was told, the new one lives. */
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY, ADA);
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_OK);
    w = d.store->ops->watch(d.store, VIEW(SID));
    (void)usleep(1200 * 1000);
    assert_int_equal(atomic_load(&d.ends), 2);
    assert_int_equal(ask(d.store, &q, SESSION_END, VIEW(SID)), OK); /* through us: at once */
    assert_int_equal(atomic_load(&d.ends), 3);
    d.store->ops->unwatch(d.store, w);
    d.store->ops->unwatch(d.store, NULL);
    close_desk(&d);
}

static void a_store_out_of_reach_refuses_then_ends(void **state)
{
    struct session_redis_options o = express;
    struct identity who;
    const char *fault;
    struct session_watch *w;
    struct desk d;
    struct question q;

    (void)state;
    o.stale_s = 4;
    o.redis.deadline_ms = 500;
    open_desk(&d, o);
    (void)REDIS_SERVER_DO(&d.server, "SET", KEY, ADA);
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_OK);
    w = d.store->ops->watch(d.store, VIEW(SID));
    (void)kill(d.server.pid, SIGSTOP);
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_UNAVAILABLE);
    assert_string_equal(q.lookup.fault, "session_store_down");
    assert_true(wait_until(&d.downs, 1));
    assert_int_equal(d.store->ops->check(d.store, VIEW(SID), clock_wall_s(), &who, &fault),
                     AUTH_UNAVAILABLE);
    assert_int_equal(ask(d.store, &q, SESSION_END, VIEW(SID)), E_IO);
    (void)kill(d.server.pid, SIGCONT);
    assert_true(wait_until(&d.ups, 2));
    (void)usleep(1500 * 1000);
    assert_int_equal(atomic_load(&d.ends), 0); /* a short outage ends nobody */
    redis_server_kill(&d.server);
    (void)usleep(2000 * 1000);
    assert_int_equal(atomic_load(&d.ends), 0);
    assert_true(wait_until(&d.ends, 1));
    assert_int_equal(atomic_load(&d.last_why), SESSION_LOST);
    d.store->ops->unwatch(d.store, w);
    close_desk(&d);
}

static void a_server_that_refuses_is_told(void **state)
{
    struct desk d;
    struct question q;

    (void)state;
    open_desk(&d, express);
    (void)REDIS_SERVER_DO(&d.server, "ACL", "SETUSER", "default", "-getrange");
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_UNAVAILABLE);
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_UNAVAILABLE);
    assert_int_equal(atomic_load(&d.downs), 1);
    (void)REDIS_SERVER_DO(&d.server, "ACL", "SETUSER", "default", "+getrange");
    assert_int_equal(look(d.store, &q, VIEW(SID)), AUTH_FAILED);
    assert_int_equal(atomic_load(&d.ups), 2);
    close_desk(&d);
}

static uint64_t cpu_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void many_are_watched_cheaply(void **state)
{
    static struct session_watch *watches[MANY];
    char id[40], key[64];
    struct desk d;
    redisContext *c;
    uint64_t began;

    (void)state;
    open_desk(&d, express);
    c = redis_server_connect(&d.server);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(id, sizeof(id), "many-%026u", i);
        (void)snprintf(key, sizeof(key), "sess:%s", id);
        freeReplyObject(redisCommand(c, "SET %s %s", key, ADA));
        watches[i] = d.store->ops->watch(d.store, view_of_text(id));
        assert_non_null(watches[i]);
    }
    began = cpu_ms();
    (void)usleep(2500 * 1000);
    print_message("# %d watched for 2.5 s: %u ms of CPU\n", MANY, (unsigned)(cpu_ms() - began));
    assert_int_equal(atomic_load(&d.ends), 0);
    began = clock_mono_ms();
    freeReplyObject(redisCommand(c, "FLUSHALL"));
    assert_true(wait_until(&d.ends, MANY));
    assert_in_range(d.last_ms - began, 0, 2000); /* 900 ms, and a machine that is busy */
    for (unsigned i = 0; i < MANY; i++)
        d.store->ops->unwatch(d.store, watches[i]);
    redisFree(c);
    close_desk(&d);
}

static void bad_options_are_refused(void **state)
{
    static const char *const keys[] = {"sess:", "{id}{id}", "a b{id}", ""};
    struct session_store *store = NULL;
    struct session_redis_options o = {.decoder = SESSION_DECODER_EXPRESS};

    (void)state;
    o.redis.url = "unix:/nowhere";
    assert_int_equal(session_redis_new(&store, &o, NULL), E_INVALID); /* no secret */
    o.secrets[0] = VIEW("keyboard cat");
    for (unsigned i = 0; i < 4; i++) {
        o.key = keys[i];
        assert_int_equal(session_redis_new(&store, &o, NULL), E_INVALID);
    }
    o.key = NULL;
    o.redis.url = "http://nowhere";
    assert_int_equal(session_redis_new(&store, &o, NULL), E_INVALID);
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ours_are_made_read_and_ended),
        cmocka_unit_test(all_of_a_user_end_at_once),
        cmocka_unit_test(what_makes_no_session_is_refused),
        cmocka_unit_test(idle_and_used_sessions),
        cmocka_unit_test(sessions_of_express_are_read),
        cmocka_unit_test(other_shapes_are_read),
        cmocka_unit_test(a_change_ends_what_lives_by_it),
        cmocka_unit_test(nothing_is_missed_in_between),
        cmocka_unit_test(a_store_out_of_reach_refuses_then_ends),
        cmocka_unit_test(a_server_that_refuses_is_told),
        cmocka_unit_test(many_are_watched_cheaply),
        cmocka_unit_test(bad_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
