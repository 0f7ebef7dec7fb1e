/* SPDX-License-Identifier: Apache-2.0 */
/* options_load.h: private to server/options*.c: what is at hand while a configuration is read. */
#ifndef SERVER_OPTIONS_LOAD_H
#define SERVER_OPTIONS_LOAD_H

#include "base/buf.h"
#include "config/option.h"
#include "server/options.h"
#include "server/options_asked.h"
#include "server/options_sessions_redis.h"

#define HOSTS_MAX        256
#define ORIGINS_MAX      1000
#define ISSUERS_MAX      16
#define CHANNELS_MAX     4096
#define CERTIFICATES_MAX 10000

/* The target of the top-level rows. */
struct loading {
    struct options o;
    const char *directory;   /* relative paths start here */
    bool insecure_plaintext; /* said for all listeners at the top of the file */
    bool has_listen, has_hosts;
    unsigned errors_before;      /* in problems, when reading began */
    uint64_t window_bits, level; /* of compression; narrower in struct options */
    struct oauth2_draft oauth2;
    struct hook_draft hook;
    struct session_redis_draft sessions_redis;
    struct injection_draft injection;
};

/* One certificate while it is read. */
struct site_draft {
    char *cert, *key, *staple, *ca, *crl;
    int policy, crl_scope, ocsp; /* indexes into the words of options_tls.c */
    uint64_t depth;
    struct node *names;
};
/* One listener while it is read. */
struct listener_draft {
    struct own_limits limits; /* first: options_own_limits_rows count from here */
    char *address;
    bool insecure_plaintext;
    struct site_draft site;
    struct ip_nets proxies;
    bool proxy_protocol;
    int forwarded_header;            /* enum forwarded_header */
    struct node *tls, *certificates; /* the whole section, and the list in it */
    int min_version, records;
};

/* Tables that options.c joins; each ends with a row without a name. */
extern const struct option options_listener_rows[]; /* one entry of `listen` */
extern const struct option options_tls_rows[];
extern const struct option options_route_rows[];
extern const struct option options_auth_rows[];
extern const struct option options_jwt_rows[]; /* one entry of auth.jwt */
extern const struct option options_oauth2_rows[];
extern const struct option options_hook_rows[];
extern const struct option options_certificate_rows[]; /* one entry of auth.client_certificates */
extern const struct option options_sessions_rows[];
extern const struct option options_sessions_redis_rows[];
extern const struct option options_internal_rows[];
extern const struct option options_channel_rows[];
extern const struct option options_message_rows[]; /* one entry of `messages` */
extern const struct option options_limits_rows[];
extern const struct option options_timeouts_rows[];
extern const struct option options_compression_rows[];
extern const struct option options_log_rows[];
extern const struct option options_server_rows[];
extern const struct option options_rows[]; /* the whole file */

/* Custom rows of the top table. */
int options_read_listen(struct node *value, void *target, struct problems *problems);
int options_read_routes(struct node *value, void *target, struct problems *problems);
int options_read_hosts(struct node *value, void *target, struct problems *problems);
int options_read_origins(struct node *value, void *target, struct problems *problems);
int options_read_roles(struct node *value, void *target, struct problems *problems);
int options_read_jwt(struct node *value, void *target, struct problems *problems);
int options_read_certificates(struct node *value, void *target, struct problems *problems);
int options_read_channels(struct node *value, void *target, struct problems *problems);
int options_read_messages(struct node *value, void *target, struct problems *problems);
int options_read_messages_by(struct node *value, void *target, struct problems *problems);

/* After all rows: what follows from several of them. */
void options_finish_hosts(struct loading *l, struct problems *problems);
void options_finish_routes(struct loading *l, struct problems *problems);
void options_finish_internal(struct loading *l, struct node *root, struct problems *problems);
void options_finish_sessions(struct loading *l, struct node *root, struct problems *problems);
void options_finish_oauth2(struct loading *l, struct node *root, struct problems *problems);
void options_finish_hook(struct loading *l, struct node *root, struct problems *problems);

/* A list of roles that `set` knows, as bits; faults are reported. */
uint64_t options_role_list(struct node *list, const struct role_set *set,
                           struct problems *problems);

/* One name or a list of names of scopes, as bits; new ones are added to `set`. Faults are reported.
 */
uint64_t options_scope_list(struct node *value, struct scope_set *set, struct problems *problems);

/* A secret while it is read. */
struct secret_draft {
    char *file, *env, *kid;
    struct buf bytes;
    const struct node *place;
};
/* {file: NAME} or {env: NAME}, whose bytes are fetched. How strong it must be is the caller's
 * business; true: they are there. Clear the draft by options_clear_secret, always. */
bool options_read_secret(struct secret_draft *secret, const struct loading *l, struct node *value,
                         struct problems *problems);
void options_clear_secret(struct secret_draft *secret);
/* The authorities (PEM) in the file `path`, as they stand there; empty, with a problem told at
 * `place`, when they are of no use. */
void options_read_authorities(struct buf *pem, const struct loading *l, const char *path,
                              const struct node *place, struct problems *problems);

/* options_tls.c */
void options_finish_tls(const struct loading *l, struct listen_options *out,
                        const struct listener_draft *draft, struct problems *problems);
void options_clear_tls(struct tls_server_options *tls);

void options_clear_jwt(struct options *o);
/* Once `o` lies where it stays: they point at its roles and scopes. E_NOMEM. */
int options_make_oauth2(struct options *o, const struct loading *l);
int options_make_hook(struct options *o, const struct loading *l);
/* auth.sessions.redis, called by options_finish_sessions; made once nothing was wrong. */
void options_finish_sessions_redis(struct loading *l, struct node *sessions,
                                   struct problems *problems);
int options_make_sessions_redis(struct options *o, const struct loading *l);
void options_clear_sessions_redis(struct loading *l);
void options_clear_oauth2(struct loading *l);
void options_clear_hook(struct loading *l);

void options_clear_certificates(struct options *o);
void options_clear_auth(struct options *o);
void options_clear_sessions(struct options *o);
void options_clear_access(struct options *o);
void options_clear_listen(struct options *o);
void options_clear_internal(struct options *o);

/* `path` from the directory of the file; a heap copy, NULL (reported at `value`) when out of
 * memory. */
char *options_path(const struct loading *l, const char *path, const struct node *value,
                   struct problems *problems);
/* calloc that reports. NULL also for 0 items. */
void *options_alloc(size_t count, size_t bytes, const struct node *value,
                    struct problems *problems);

#endif
