/* SPDX-License-Identifier: Apache-2.0 */
/* staples.c: starts and ends what fetches OCSP answers, and tells of it: every fetch in the event
 * log, a change of health also in the operator's log. A certificate that is revoked is worth an
 * error each time: clients that look for themselves turn away already. */
#include "server/staples.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/status.h"
#include "net/staple_fetch.h"

/* host[:port] and path of a URL that fetch_url_check has taken. */
static void split_url(const char *url, struct view *host, struct view *path)
{
    const char *begin = strstr(url, "://") + strlen("://");
    size_t len = strcspn(begin, "/?"), rest = strcspn(begin + len, "?");

    *host = view_of(begin, len);
    *path = view_of(begin + len, rest);
}

static void log_change(const struct staple_news *news)
{
    const char *url = news->url != NULL ? news->url : "nobody";

    switch (news->health) {
    case STAPLE_FETCHED:
        log_line(LOG_INFO, "OCSP answer for %s: fetched from %s", news->certificate, url);
        break;
    case STAPLE_FAILED:
        if (news->url == NULL)
            log_line(LOG_WARN, "OCSP answer for %s: none is sent, %s", news->certificate,
                     news->text[0] != '\0' ? news->text : "the certificate names no responder");
        else
            log_line(LOG_WARN,
                     "OCSP answer for %s from %s: %s%s%s; one at hand is sent until its end, "
                     "trying again",
                     news->certificate, url, news->code, news->text[0] != '\0' ? ": it " : "",
                     news->text);
        break;
    case STAPLE_REVOKED:
        break;
    }
}

/* On the outbound thread. */
static void tell(void *context, const struct staple_news *news)
{
    static const char *const codes[] = {
        [STAPLE_FETCHED] = "fetched", [STAPLE_FAILED] = "failed", [STAPLE_REVOKED] = "revoked"};
    struct server *s = context;
    struct event event = {.type = EVENT_OCSP_STAPLE,
                          .outcome = news->health == STAPLE_FETCHED ? OUTCOME_OK : OUTCOME_ERROR,
                          .code = codes[news->health]};
    char detail[512], until[CLOCK_TEXT_BYTES];

    if (news->url != NULL)
        split_url(news->url, &event.host, &event.path);
    if (news->health == STAPLE_FETCHED) {
        clock_wall_text(news->until_s * 1000, until);
        (void)snprintf(detail, sizeof(detail), "%s: until %s", news->certificate, until);
    } else {
        (void)snprintf(detail, sizeof(detail), "%s: %s%s%s", news->certificate, news->code,
                       news->text[0] != '\0' ? ": " : "", news->text);
    }
    event.detail = view_of_text(detail);
    event_log_put(s->events, &event);
    if (news->health == STAPLE_REVOKED)
        log_line(LOG_ERROR,
                 "the certificate %s HAS BEEN REVOKED, says its OCSP responder %s; no OCSP answer "
                 "is sent, and clients that ask for themselves turn away: put a new one there",
                 news->certificate, news->url);
    else if (news->is_change)
        log_change(news);
}

static bool is_asked_for(const struct options *o)
{
    for (uint32_t i = 0; i < o->listeners_count; i++)
        for (uint32_t k = 0; k < o->listeners[i].tls.sites_count; k++)
            if (o->listeners[i].tls.sites[k].fetches_staple)
                return true;
    return false;
}

int staples_open(struct server *s)
{
    int rc;

    if (!is_asked_for(s->options))
        return OK;
    rc = staple_fetch_new(&s->staples, tell, s);
    return rc == OK ? staple_fetch_replace(s->staples, s->tls, s->options->listeners_count) : rc;
}

int staples_start(struct server *s)
{
    int rc = OK;

    if (s->staples == NULL)
        return OK;
    if (s->outbound == NULL)
        rc = outbound_start(&s->outbound);
    if (rc == OK)
        staple_fetch_start(s->staples, s->outbound);
    return rc;
}

void staples_replace(struct server *s, struct tls_server *const *sets, uint32_t count)
{
    if (s->staples != NULL && staple_fetch_replace(s->staples, sets, count) != OK)
        log_line(LOG_WARN, "out of memory: OCSP answers for the new certificates are not fetched "
                           "before the next reload");
}

void staples_stop(struct server *s)
{
    if (s->staples != NULL)
        staple_fetch_stop(s->staples);
}

void staples_free(struct server *s)
{
    staple_fetch_free(s->staples);
    s->staples = NULL;
}
