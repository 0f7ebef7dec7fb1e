/* SPDX-License-Identifier: Apache-2.0 */
/* session_store.h: where the sessions of web users are kept: in memory, in an SQLite file, or in
 * Redis, where another program's sessions may be read as well. One interface; what an engine is
 * made of stands in its file. Any thread; nothing here waits. An id is 128 random bits (22
 * characters of Base64url); engines of ours keep its SHA-256 only. */
#ifndef AUTH_SESSION_STORE_H
#define AUTH_SESSION_STORE_H

#include "access/role.h"
#include "auth/lookup.h"
#include "base/error.h"
#include "net/outbound.h"

#define SESSION_ID_TEXT_BYTES 23  /* of an id that we make, with its NUL */
#define SESSION_ID_MAX        256 /* of an id that another program made */
#define SESSION_ROLES_MAX     1024
#define SESSIONS_MAX          1000000

/* IDENTITY_SESSION_BYTES from the id that the cookie carries. False: out of memory. */
bool session_digest(uint8_t out[IDENTITY_SESSION_BYTES], struct view id);

enum session_end {
    SESSION_LOGGED_OUT, /* ended by the API, or gone from the store of the other program */
    SESSION_IDLE,       /* not used for too long */
    SESSION_TOO_OLD,    /* its absolute end */
    SESSION_REPLACED,   /* a login made a new one of it (rotation) */
    SESSION_LOST        /* the store could not be asked about it for too long */
};
const char *session_end_text(enum session_end end); /* "logged_out": for the event log */

enum session_verb {
    SESSION_CREATE,  /* user, roles, tenant; replaces: an id that ends with it. -> id, expires */
    SESSION_GET,     /* id -> who, created, expires */
    SESSION_EXTEND,  /* id: used now, the idle time begins anew -> expires */
    SESSION_END,     /* id */
    SESSION_END_USER /* user: all of them -> count */
};
/* One change or question of the API. */
struct session_op { /* starts zeroed; the asker's; must live until `done` */
    enum session_verb verb;
    struct view id, replaces;        /* as the cookie carries them (of express: the id inside it) */
    struct view user, tenant, roles; /* roles: names with single blanks between them */
    void (*done)(struct session_op *op); /* exactly once; on a thread of the store, or before
                                            session_store_do returns */
    void *context;
    /* The answer. Durable where the store is: an OK survives a power cut. */
    int status; /* OK, E_MISSING, E_FULL, E_INVALID, E_UNSUPPORTED (another program's sessions are
                   only read and ended), E_IO (the store is out of reach or its disk is full),
                   E_CLOSED */
    char new_id[SESSION_ID_TEXT_BYTES];
    struct identity who;
    int64_t created_at_s, idle_until_s, ends_at_s;
    uint64_t count;
};

struct session_store;
struct session_watch; /* one session that a connection lives by */

struct session_store_ops { /* an engine; `store` is the engine's own struct */
    int (*start)(struct session_store *store, struct error *why);
    void (*free)(struct session_store *store);
    /* The id in a cookie's value, checked as far as can be without the store (form, signature).
     * false: none. *id points into value or into space. */
    bool (*id_of_cookie)(const struct session_store *store, struct view value,
                         char space[SESSION_ID_MAX], struct view *id);
    enum auth_verdict (*check)(struct session_store *store, struct view id, int64_t wall_s,
                               struct identity *who, const char **fault);
    int (*lookup)(struct session_store *store, struct lookup *l, struct view id);
    void (*operate)(struct session_store *store, struct session_op *op);
    struct session_watch *(*watch)(struct session_store *store, struct view id);
    void (*touch)(struct session_store *store, struct session_watch *watch, int64_t wall_s);
    void (*unwatch)(struct session_store *store, struct session_watch *watch);
};
struct session_store { /* first member of every engine's struct */
    const struct session_store_ops *ops;
    const struct role_set *roles;
    uint32_t idle_s, absolute_s;
    struct outbound *outbound; /* for SQLite and for sweeping; set by the server before start */
    /* A watched session has ended; told on a thread of the store, within a second. */
    void (*ended)(void *context, const uint8_t session[IDENTITY_SESSION_BYTES],
                  enum session_end why);
    void (*tell)(void *context, bool is_up,
                 const char *why); /* the store is out of reach, is back */
    void *context;
};

/* Before anyone asks; the fields of struct session_store above are set. */
int session_store_start(struct session_store *s, struct error *why);
/* The threads that it was started with have ended. NULL is fine. */
void session_store_free(struct session_store *s);
bool session_store_id_of_cookie(const struct session_store *s, struct view value,
                                char space[SESSION_ID_MAX], struct view *id);
/* A good session counts as used. AUTH_LATER: lookup. */
enum auth_verdict session_store_check(struct session_store *s, struct view id, int64_t wall_s,
                                      struct identity *who, const char **fault);
int session_store_lookup(struct session_store *s, struct lookup *l, struct view id);
void session_store_do(struct session_store *s, struct session_op *op);
/* `ended` is called for it from now on, and soon if it has ended already. NULL: out of memory. */
struct session_watch *session_store_watch(struct session_store *s, struct view id);
/* The connection has said something: the idle time begins anew. Cheap: once a minute at most. */
void session_store_touch(struct session_store *s, struct session_watch *watch, int64_t wall_s);
void session_store_unwatch(struct session_store *s, struct session_watch *watch); /* NULL is fine */

/* --- engines --- */

struct session_store_options {
    uint32_t idle_s, absolute_s, max; /* max: sessions at a time */
    const struct role_set *roles;
};
int session_memory_new(struct session_store **out, const struct session_store_options *options);
/* path: the file; made where it is missing, readable by its owner alone. One process at a time. */
int session_sqlite_new(struct session_store **out, const struct session_store_options *options,
                       const char *path, struct error *why);

#endif
