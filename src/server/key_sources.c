/* SPDX-License-Identifier: Apache-2.0 */
/* key_sources.c: starts and ends what downloads keys, and tells of it: every download in the event
 * log, a change of health also in the operator's log. Tokens of an issuer without keys are
 * answered "try again later"; see auth/jwks_source.h for when that is. */
#include "server/key_sources.h"

#include <stdio.h>

#include "auth/jwks_url.h"
#include "base/log.h"
#include "base/status.h"
#include "net/outbound.h"

/* host[:port] and path of a URL that fetch_url_check has taken. The query may hold what is nobody's
 * business. */
static void split_url(const char *url, struct view *host, struct view *path)
{
    struct view rest = view_of_text(url), unused;
    size_t len = 0;

    (void)view_split(rest, '?', &rest, &unused);
    rest = view_of(rest.ptr + strlen("https://"), rest.len - strlen("https://"));
    while (len < rest.len && rest.ptr[len] != '/')
        len++;
    *host = view_of(rest.ptr, len);
    *path = view_of(rest.ptr + len, rest.len - len);
}

static void log_change(struct view host, struct view path, const struct jwks_news *news)
{
    switch (news->health) {
    case JWKS_FETCHED:
        log_line(news->keys > 0 ? LOG_INFO : LOG_WARN,
                 "keys from " VIEW_FMT VIEW_FMT ": %u in force, %u of no use here", VIEW_ARG(host),
                 VIEW_ARG(path), news->keys, news->ignored);
        break;
    case JWKS_FAILED:
        log_line(LOG_WARN, "keys from " VIEW_FMT VIEW_FMT ": %s%s%s; %s", VIEW_ARG(host),
                 VIEW_ARG(path), news->code, news->text[0] != '\0' ? ": the set " : "", news->text,
                 news->has_keys ? "those of the last download stay in force"
                                : "its tokens cannot be checked, trying again");
        break;
    case JWKS_STALE:
        log_line(LOG_ERROR,
                 "keys from " VIEW_FMT VIEW_FMT ": no good download for %u hours, its tokens "
                 "cannot be checked any more, trying again",
                 VIEW_ARG(host), VIEW_ARG(path), JWKS_STALE_MAX_S / 3600);
        break;
    }
}

/* On the outbound thread. */
static void tell(void *context, const struct jwks_url *from, const struct jwks_news *news)
{
    static const char *const codes[] = {
        [JWKS_FETCHED] = "fetched", [JWKS_FAILED] = "failed", [JWKS_STALE] = "stale"};
    struct server *s = context;
    struct event event = {.type = EVENT_KEY_SOURCE,
                          .outcome = news->health == JWKS_FETCHED ? OUTCOME_OK : OUTCOME_ERROR,
                          .code = codes[news->health],
                          .count = news->keys};
    char detail[256];

    split_url(jwks_url_text(from), &event.host, &event.path);
    if (news->health == JWKS_FAILED)
        (void)snprintf(detail, sizeof(detail), "%s%s%s", news->code,
                       news->text[0] != '\0' ? ": " : "", news->text);
    else
        (void)snprintf(detail, sizeof(detail), "%s", news->text);
    event.detail = view_of_text(detail);
    event_log_put(s->events, &event);
    if (news->is_change)
        log_change(event.host, event.path, news);
}

int key_sources_start(struct server *s)
{
    struct auth *auth = &s->options->auth;

    for (uint32_t i = 0; i < auth->issuers_count; i++) {
        struct jwks_url *source = auth->issuers[i].jwks_url;
        int rc = OK;

        if (source == NULL)
            continue;
        if (s->outbound == NULL)
            rc = outbound_start(&s->outbound);
        if (rc == OK)
            rc = jwks_url_start(source, s->outbound, tell, s);
        if (rc != OK)
            return rc;
    }
    return OK;
}

void key_sources_stop(struct server *s)
{
    if (s->outbound == NULL)
        return;
    outbound_stop(s->outbound);
    outbound_free(s->outbound);
    s->outbound = NULL;
}
