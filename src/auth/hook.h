/* SPDX-License-Identifier: Apache-2.0 */
/* hook.h: asks the application itself who sent a request: its cookies and chosen headers are
 * forwarded to one URL, whose JSON answer is the identity. For frameworks whose sessions nobody
 * else can read. 200 with a user is a yes; 401 and 403 a no; everything else is no answer. Any
 * thread. */
#ifndef AUTH_HOOK_H
#define AUTH_HOOK_H

#include "access/role.h"
#include "auth/lookup.h"
#include "net/outbound.h"
#include "wire/http1.h"

#define HOOK_HEADERS_MAX 16

struct hook_options { /* everything is copied but roles, which must outlive it */
    const char *url;
    struct view ca_pem;
    const char *headers[HOOK_HEADERS_MAX]; /* names to forward; NULL-terminated unless full */
    const char *user, *roles_pointer, *tenant, *expires_in, *session; /* JSON pointers;
        NULL: user is /user, the others are not read */
    const struct role_set *roles;
    uint32_t cache_s, recheck_s, expires_s, deadline_ms; /* expires_s: where the answer says none */
    bool allows_loopback_http;
};

/* What is forwarded of one request: a heap block that the asker keeps for the next question.
 * Holds secrets: hook_shown_free wipes it. */
struct hook_shown;

/* May a header of this name be forwarded? Not one that belongs to the connection (hop-by-hop, Host,
 * Sec-, Content-) or that only a trusted proxy may say (Forwarded, X-Forwarded-). */
bool hook_header_ok(struct view name);

struct hook;
/* E_INVALID (the URL, a header, a pointer), E_NOMEM. */
int hook_new(struct hook **out, const struct hook_options *options);
void hook_start(struct hook *h, struct outbound *o,
                void (*tell)(void *context, bool is_up, const char *why), void *context);
void hook_free(struct hook *h);
/* Takes from the request what is to be forwarded. E_MISSING: nothing of it is there (nobody to
 * ask about), E_LIMIT: too much of it (8 KiB, or one of the headers twice), E_NOMEM. Pure. */
int hook_show(const struct hook *h, struct hook_shown **out, const struct http1_request *request);
void hook_shown_free(struct hook_shown *shown);
enum auth_verdict hook_check(struct hook *h, const struct hook_shown *shown, int64_t wall_s,
                             struct identity *who, const char **fault);
int hook_lookup(struct hook *h, struct lookup *l, const struct hook_shown *shown, bool is_fresh);

#endif
