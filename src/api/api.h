/* SPDX-License-Identifier: Apache-2.0 */
/* api.h: the HTTP/1.1 API of an operator's own programs, on the internal listener: health, tickets,
 * revocation, publishing, sessions, steering, oversight and lists. One request a connection. Knows
 * nothing of the server: what is to be done goes through a table of operations. Loop thread only,
 * that of worker 0. */
#ifndef API_API_H
#define API_API_H

#include "api/api_ask.h"
#include "api/api_key.h"
#include "api/api_oversight.h"
#include "api/api_session.h"
#include "net/loop.h"

#define API_CONNECTIONS_MAX 64
#define API_REQUEST_MS      5000 /* accept to the end of the body; and again for the answer */
#define API_TICKET_TEXT_MAX 64
#define API_CSRF_TEXT_MAX   80
#define API_CSRF_TTL_S      1800

/* One line for the security event log. */
struct api_call {
    const char *operation, *code; /* "tickets", and the code of the answer; constant */
    unsigned status;
    struct view key, user, detail; /* key: its name; the others where they say something */
    struct ip_address ip;
    uint16_t port;
};
struct api_ops {
    bool (*is_ready)(void *server); /* false while it drains */
    enum api_result (*ticket)(void *server, const struct api_ticket_ask *ask,
                              char text[API_TICKET_TEXT_MAX]);
    /* API_RESULT_LATER: api_finish follows, with this call's number. */
    enum api_result (*revoke)(void *server, const struct api_revoke_ask *ask, uint64_t call);
    enum api_result (*publish)(void *server, const struct api_publish_ask *ask);
    enum api_result (*session)(void *server, const struct api_session_ask *ask, uint64_t call);
    enum api_result (*csrf)(void *server, const struct api_csrf_ask *ask,
                            char text[API_CSRF_TEXT_MAX]);
    enum api_result (*broadcast)(void *server, const struct api_broadcast_ask *ask, uint64_t call);
    enum api_result (*subscription)(void *server, const struct api_subscription_ask *ask,
                                    uint64_t call);
    enum api_result (*disconnect)(void *server, const struct api_disconnect_ask *ask,
                                  uint64_t call);
    enum api_result (*moderate)(void *server, const struct api_moderate_ask *ask, uint64_t call);
    enum api_result (*reload)(void *server, uint64_t call);
    enum api_result (*ban)(void *server, const struct api_ban_ask *ask, struct wr *out);
    enum api_result (*sanctions)(void *server, const struct api_sanctions_ask *ask, uint64_t call);
    enum api_result (*presence)(void *server, const struct api_look_ask *ask, struct wr *out);
    enum api_result (*history)(void *server, const struct api_look_ask *ask, uint64_t call);
    enum api_result (*list)(void *server, const struct api_list_ask *ask, uint64_t call);
    void (*log)(void *server, const struct api_call *call);
};
struct api_options {
    struct loop *loop;
    int fd;                      /* listening; taken over, closed on failure too */
    bool is_unix;                /* then any Host will do */
    const struct api_keys *keys; /* must outlive the api, as must the rest */
    const struct role_set *roles;
    const struct api_ops *ops;
    void *server;
};

struct api;
int api_open(struct api **out, const struct api_options *options);
/* The answer that an operation owed; unknown numbers (the caller has gone) are ignored. result:
 * API_RESULT_OK with its body, or what else is to be said. */
void api_finish(struct api *api, uint64_t call, enum api_result result, struct view body);
/* Calls so far by endpoint ("none": of no endpoint) and code of the answer, those that there were.
 */
void api_each_count(const struct api *api,
                    void (*each)(void *context, const char *path, const char *code, uint64_t count),
                    void *context);
/* Stops listening and ends what is open; true once nothing is. Call again until then. */
bool api_stop(struct api *api);
void api_free(struct api *api); /* after api_stop said true, or once the loop runs no more */

#endif
