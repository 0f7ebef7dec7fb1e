/* SPDX-License-Identifier: Apache-2.0 */
/* Starts and ends what answers questions about identities from outside the process, and tells when
 * it goes out of reach or comes back. */
#include "server/online.h"

#include "auth/hook.h"
#include "auth/introspection.h"
#include "auth/session_store.h"
#include "base/log.h"
#include "base/status.h"
#include "net/outbound.h"
#include "server/close_job.h"
#include "server/key_sources.h"
#include "server/staples.h"

static void tell(struct server *s, enum identity_source which, bool is_up, const char *why)
{
    static const char *const names[SOURCES] = {"introspection", "hook", "sessions"};
    const char *what = names[which];
    struct event event = {.type = EVENT_IDENTITY_SOURCE,
                          .outcome = is_up ? OUTCOME_OK : OUTCOME_ERROR,
                          .code = is_up ? "up" : "down",
                          .action = view_of_text(what),
                          .detail = view_of_text(why)};

    if (is_up)
        (void)atomic_fetch_and(&s->sources_down, ~(1u << which));
    else
        (void)atomic_fetch_or(&s->sources_down, 1u << which);
    event_log_put(s->events, &event);
    if (is_up)
        log_line(LOG_INFO, "%s: answers again", what);
    else
        log_line(LOG_ERROR,
                 "%s: out of reach (%s); who has to be asked about there is refused "
                 "with 503 until it answers",
                 what, why != NULL ? why : "no answer");
}

static void tell_introspection(void *server, bool is_up, const char *why)
{
    tell(server, SOURCE_INTROSPECTION, is_up, why);
}

static void tell_hook(void *server, bool is_up, const char *why)
{
    tell(server, SOURCE_HOOK, is_up, why);
}

static void tell_sessions(void *server, bool is_up, const char *why)
{
    tell(server, SOURCE_SESSIONS, is_up, why);
}

static void on_session_ended(void *server, const uint8_t session[IDENTITY_SESSION_BYTES],
                             enum session_end why)
{
    close_session_everywhere(server, session, why);
}

static bool has_public_keys(const struct auth *auth)
{
    for (uint32_t i = 0; i < auth->issuers_count; i++)
        if (auth->issuers[i].public_keys != NULL)
            return true;
    return false;
}

static int start_sessions(struct server *s, struct error *why)
{
    struct session_store *store = s->options->auth.sessions;

    store->outbound = s->outbound;
    store->ended = on_session_ended;
    store->tell = tell_sessions;
    store->context = s;
    return session_store_start(store, why);
}

int online_start(struct server *s, struct error *why)
{
    struct auth *auth = &s->options->auth;
    int rc = key_sources_start(s);

    if (rc == OK && s->outbound == NULL &&
        (auth->introspection != NULL || auth->hook != NULL || auth->sessions != NULL ||
         s->options->messages.hooks_count > 0))
        rc = outbound_start(&s->outbound);
    if (rc == OK)
        rc = staples_start(s);
    if (rc == OK && has_public_keys(auth))
        rc = outbound_start(&s->verifier);
    if (rc != OK) {
        error_set(why, "cannot start what asks other servers: %s", status_text(rc));
        return rc;
    }
    auth->verifier = s->verifier;
    if (auth->introspection != NULL)
        introspection_start(auth->introspection, s->outbound, tell_introspection, s);
    if (auth->hook != NULL)
        hook_start(auth->hook, s->outbound, tell_hook, s);
    return auth->sessions != NULL ? start_sessions(s, why) : OK;
}

void online_stop(struct server *s)
{
    if (s->verifier != NULL) {
        outbound_stop(s->verifier);
        outbound_free(s->verifier);
    }
    s->verifier = NULL;
    s->options->auth.verifier = NULL;
    staples_stop(s);
    key_sources_stop(s);
}
