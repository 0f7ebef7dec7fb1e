/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: the whole configuration, checked. Built once from a file, never changed afterwards;
 * all workers read it. */
#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "access/decide.h"
#include "api/api_key.h"
#include "auth/auth.h"
#include "auth/origin.h"
#include "base/ip_net.h"
#include "config/flat.h"
#include "config/problems.h"
#include "net/listener.h"
#include "net/tls.h"
#include "policy/message_policy.h"
#include "server/options_log.h"
#include "server/options_limits.h"
#include "wire/forwarded.h"
#include "wire/http_host.h"
#include "wire/ws_deflate.h"

#define OPTIONS_FILE_MAX (1024 * 1024)
#define ROUTES_MAX       64
#define LISTENERS_MAX    32

struct listen_options {
    char *address_text;
    struct listen_address address;
    struct tls_server_options tls; /* sites_count 0: plaintext. All of it on the heap */
    bool insecure_plaintext;
    struct ip_nets proxies; /* whose word about the client's address is taken; empty: nobody's */
    bool proxy_protocol;    /* they say it by the PROXY protocol, else by a header */
    int forwarded_header;   /* enum forwarded_header */
    struct own_limits limits;
    int line;
};
/* The HTTP API of the operator's own programs; off unless the file has `internal`. */
struct internal_options {
    bool is_on;
    struct listen_address address;
    struct api_keys keys;
};
enum route_kind { ROUTE_CHANNELS, ROUTE_ECHO };
enum login_method {
    LOGIN_JWT,
    LOGIN_CERTIFICATE,
    LOGIN_TICKET,
    LOGIN_OAUTH2,
    LOGIN_SESSION,
    LOGIN_HOOK
};
struct route_options {
    char *path;
    enum route_kind kind;
    unsigned accepts;  /* 1 << enum login_method, of those that `auth` sets up */
    bool requires_all; /* a certificate and a token (or a ticket in its place), not one of them */
    uint64_t scopes;   /* 0: none asked; else all these bits of identity.scopes to connect */
    struct own_limits limits;
};
/* A fixed answer to a plain GET: the demo page of `gateward dev`. Not in the file format; dev adds
 * them. */
struct page {
    const char *path, *content_type, *content_security_policy;
    const void *bytes;
    size_t len;
};
enum session_engine { SESSIONS_MEMORY, SESSIONS_SQLITE, SESSIONS_REDIS };
/* Sessions of web users by cookie; off unless the file has `auth.sessions`. */
struct session_options {
    bool is_on;
    int store;    /* enum session_engine */
    char *cookie; /* its name; begins with __Host- unless insecure_cookie_name */
    bool insecure_cookie_name;
    uint64_t idle_ms, absolute_ms; /* whole seconds; idle is not the longer one */
    uint64_t max;
    char *file;                  /* of SQLite; relative paths start in state_dir already */
    struct session_store *redis; /* of Redis: made, not started; owned */
};
enum csrf_policy { CSRF_REQUIRED, CSRF_ORIGIN_ONLY };
struct options {
    char *path;         /* of the file; NULL: the text was handed over */
    uint8_t digest[32]; /* SHA-256 of the file */
    struct flat *flat;  /* what it says, to be compared with the next one */
    uint64_t workers;   /* 0 in the file = auto = online cores */
    uint64_t drain_ms;
    char *state_dir;
    char *user; /* drop to this user when started as root; NULL: stay */
    /* listen, routes */
    struct listen_options *listeners;
    uint32_t listeners_count;
    struct route_options *routes;
    uint32_t routes_count;
    struct http_host *hosts; /* never empty after a successful load */
    uint32_t hosts_count;
    struct origin_rule *origins;
    uint32_t origins_count;
    /* auth */
    struct internal_options internal;
    uint64_t auth_timeout_ms;
    uint64_t max_token_age_ms; /* whole seconds; counts where something can be revoked */
    struct auth auth;          /* auth.roles points at policy.roles */
    struct session_options sessions;
    int csrf; /* enum csrf_policy */
    struct access_policy policy;
    struct message_policy messages;
    struct limit_options limits;
    struct {
        uint64_t tls_ms, header_ms, ping_ms, pong_ms, close_ms;
    } timeouts;
    struct ws_deflate_options deflate;
    struct log_options log;
    const struct page *pages;
    uint32_t pages_count;
};

/* Reads and checks everything: syntax, keys, values, files, secrets, certificates, hosts, plaintext
 * rules. All faults go to `problems`; returns E_INVALID if there is any, and then *out is
 * untouched. Relative paths are relative to the file. */
int options_load(struct options **out, const char *path, struct problems *problems);
/* The same from text, with `directory` for relative paths; for dev and for tests. */
int options_load_text(struct options **out, struct view text, const char *directory,
                      struct problems *problems);
void options_free(struct options *o);
/* How many rows limit_table.h makes of it. */
size_t options_limit_rows(const struct options *o);
/* Every key with type, default and help: for `gateward check --help` and docs/config.md. */
void options_help(FILE *to);

#endif
