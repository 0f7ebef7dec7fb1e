/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe_door.c: who gets in: foreign pages, nobody in particular, and users where they have
 * no business. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/status.h"
#include "cli/audit_probe.h"

/* --- point 2 --- */

/* A server may say no with 403, or let the page in and close at once. */
static void check_origin(struct probe *p, const char *origin)
{
    struct link_door door = {.origin = origin};
    struct audit_link l;
    int rc = link_open(&l, &p->target, &door);

    if (rc == E_DENIED && l.status != 0 && !p->opens_to_all && l.status == 401)
        PROBE_ADD(p, AUDIT_ORIGIN, AUDIT_UNKNOWN,
                  "a page of %s got 401, as anybody without credentials does", origin);
    else if (rc == E_DENIED && l.status != 0)
        PROBE_ADD(p, AUDIT_ORIGIN, AUDIT_PASS, "a page of %s is refused: HTTP %u", origin,
                  l.status);
    else if (rc != OK)
        PROBE_ADD(p, AUDIT_ORIGIN, AUDIT_UNKNOWN, "a page of %s got no answer", origin);
    else if (probe_drain(&l, probe_quiet_ms(p) / 2))
        PROBE_ADD(p, AUDIT_ORIGIN, AUDIT_PASS, "a page of %s is let in, and gets %s at once",
                  origin, audit_quote(&p->report, view_of_text(link_ending(&l).text)).text);
    else
        PROBE_ADD(p, AUDIT_ORIGIN, AUDIT_FAIL, "a page of %s may connect", origin);
    link_close(&l);
}

void probe_origins(struct probe *p)
{
    char similar[600];

    check_origin(p, "https://audit.invalid");
    check_origin(p, "null");
    if (p->origin == NULL)
        return;
    (void)snprintf(similar, sizeof(similar), "%.512s.audit.invalid", p->origin);
    check_origin(p, similar);
    if (strncmp(p->origin, "https://", 8) == 0) {
        (void)snprintf(similar, sizeof(similar), "http://%.512s", p->origin + 8);
        check_origin(p, similar);
    }
    if (!p->opens_to_all)
        PROBE_ADD(p, AUDIT_ORIGIN, AUDIT_NOTE, "a page of %s was not let in either", p->origin);
}

/* --- point 3 --- */

static void judge_stranger(struct probe *p, struct audit_link *l)
{
    struct audit_quote answer = {""};
    enum probe_reaction reaction = probe_ask(p, l, "{\"type\":\"ping\"}", &answer);

    if (reaction == REACTION_SILENCE)
        reaction = probe_ask(p, l, "{\"type\":\"message\",\"content\":\"audit\"}", &answer);
    switch (reaction) {
    case REACTION_ENDED:
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_PASS, "a message without login is answered with %s",
                  audit_quote(&p->report, view_of_text(link_ending(l).text)).text);
        break;
    case REACTION_REFUSED:
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_PASS, "a message without login is answered with `%s`",
                  answer.text);
        break;
    case REACTION_ANSWERED:
        p->serves_all = true;
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_FAIL, "without login a message is answered: `%s`",
                  answer.text);
        break;
    default:
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_UNKNOWN,
                  "without login the connection opens, and messages are met with silence");
    }
}

void probe_login(struct probe *p)
{
    struct audit_link l;
    int rc = probe_open(p, &l);

    if (rc == E_DENIED && l.status != 0)
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_PASS, "no connection without credentials: HTTP %u",
                  l.status);
    else if (rc != OK)
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_UNKNOWN, "no answer to a connection without credentials");
    else if (probe_drain(&l, 300))
        PROBE_ADD(p, AUDIT_LOGIN, AUDIT_PASS, "a connection without credentials gets %s at once",
                  audit_quote(&p->report, view_of_text(link_ending(&l).text)).text);
    else
        judge_stranger(p, &l);
    link_close(&l);
}

/* --- point 5 --- */

static void check_channel(struct probe *p, const char *channel)
{
    static const char *const yes[] = {"\"subscribed\"", NULL}, *const no[] = {"error", NULL};
    struct audit_quote answer = {""};
    struct audit_link l;
    enum probe_reaction reaction = REACTION_SILENCE;
    char text[200];

    (void)snprintf(text, sizeof(text), "{\"type\":\"subscribe\",\"channel\":\"%s\"}", channel);
    if (probe_open_best(p, &l) == OK)
        reaction = probe_ask(p, &l, text, &answer);
    if (reaction == REACTION_ENDED || reaction == REACTION_REFUSED ||
        (reaction == REACTION_ANSWERED && probe_has_word(view_of_text(answer.text), no)))
        PROBE_ADD(p, AUDIT_CHANNELS, AUDIT_PASS, "subscribing to %s is refused", channel);
    else if (reaction == REACTION_ANSWERED && probe_has_word(view_of_text(answer.text), yes))
        PROBE_ADD(p, AUDIT_CHANNELS, AUDIT_FAIL, "anybody may subscribe to %s", channel);
    else
        PROBE_ADD(p, AUDIT_CHANNELS, AUDIT_UNKNOWN, "subscribing to %s: %s", channel,
                  reaction == REACTION_ANSWERED ? answer.text : "no answer");
    link_close(&l);
}

void probe_channels(struct probe *p)
{
    char name[64];

    if (!p->can_log_in && !p->serves_all) {
        PROBE_ADD(p, AUDIT_CHANNELS, AUDIT_UNKNOWN,
                  "without a login (--token-file) channels cannot be tried");
        return;
    }
    (void)snprintf(name, sizeof(name), "audit-%" PRIx64, random_u64());
    check_channel(p, name);
    (void)snprintf(name, sizeof(name), "user:audit-%" PRIx64 ":messages", random_u64());
    check_channel(p, name);
}
