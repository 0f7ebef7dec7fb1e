/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe_token.c: tokens that nobody should take: one that nobody signed, ours with another
 * signature, and ours where addresses are written down. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/status.h"
#include "cli/audit_probe.h"
#include "crypto/secret.h"

enum place { PLACE_MESSAGE, PLACE_GUIDE, PLACE_HEADER, PLACE_QUERY, PLACES };
static const char *const place_words[PLACES] = {[PLACE_MESSAGE] = "in the first message",
                                                [PLACE_GUIDE] = "behind `auth:`",
                                                [PLACE_HEADER] = "in Authorization",
                                                [PLACE_QUERY] = "in the address (?token=)"};

/* alg none, with all that a careless server could look for. */
static void forge(char out[600])
{
    static const char head[] = "{\"alg\":\"none\",\"typ\":\"JWT\"}";
    char claims[200];
    size_t len;

    (void)snprintf(claims, sizeof(claims),
                   "{\"sub\":\"audit\",\"user_id\":\"audit\",\"roles\":[\"admin\"],\"iat\":%" PRId64
                   ",\"exp\":%" PRId64 "}",
                   clock_wall_s(), clock_wall_s() + 3600);
    len = base64url_encode(out, head, sizeof(head) - 1);
    out[len++] = '.';
    len += base64url_encode(out + len, claims, strlen(claims));
    out[len++] = '.';
    out[len] = '\0';
}

static int open_with(struct probe *p, struct audit_link *l, enum place place, const char *token)
{
    char text[PROBE_HEADER_MAX];
    struct link_door door = {.origin = p->origin};
    int rc;

    (void)snprintf(text, sizeof(text),
                   place == PLACE_HEADER ? "Authorization: Bearer %s\r\n" : "token=%s", token);
    if (place == PLACE_HEADER)
        door.headers = text;
    else if (place == PLACE_QUERY)
        door.query = text;
    rc = link_open(l, &p->target, &door);
    secret_wipe(text, sizeof(text));
    return rc;
}

/* Is somebody who shows `token` there served? */
static enum probe_reaction show(struct probe *p, enum place place, const char *token,
                                struct audit_quote *answer)
{
    char text[PROBE_HEADER_MAX];
    enum probe_reaction reaction = REACTION_ENDED;
    struct audit_link l;

    if (open_with(p, &l, place, token) == OK && !probe_drain(&l, 200)) {
        if (place == PLACE_MESSAGE)
            (void)snprintf(text, sizeof(text), "{\"type\":\"auth\",\"token\":\"%s\"}", token);
        else
            (void)snprintf(text, sizeof(text), place == PLACE_GUIDE ? "auth:%s" : "%s",
                           place == PLACE_GUIDE ? token : "{\"type\":\"ping\"}");
        reaction = probe_ask(p, &l, text, answer);
        secret_wipe(text, sizeof(text));
    }
    link_close(&l);
    return reaction;
}

static void judge(struct probe *p, enum place place, const char *token, const char *what)
{
    struct audit_quote answer = {""};

    switch (show(p, place, token, &answer)) {
    case REACTION_ANSWERED:
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_FAIL, "%s %s is taken: `%s`", what, place_words[place],
                  answer.text);
        break;
    case REACTION_SILENCE:
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_UNKNOWN, "%s %s is met with silence", what,
                  place_words[place]);
        break;
    default:
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_PASS, "%s %s is refused", what, place_words[place]);
    }
}

static void check_own(struct probe *p)
{
    char token[PROBE_TOKEN_MAX + 1];
    char *at;

    judge(p, PLACE_QUERY, p->token.ptr, "a good token");
    memcpy(token, p->token.ptr, p->token.len + 1);
    /* A character in the middle of what is usually a signature: the last one may have spare bits.
     */
    at = &token[p->token.len - (p->token.len > 10 ? 10 : 1)];
    *at = *at == 'A' ? 'B' : 'A';
    judge(p, p->is_bearer ? PLACE_HEADER : PLACE_MESSAGE, token, "a token with a wrong signature");
    secret_wipe(token, sizeof(token));
}

void probe_tokens(struct probe *p)
{
    char forged[600];

    if (p->serves_all) {
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_UNKNOWN, "nobody is asked for a token");
        return;
    }
    forge(forged);
    if (p->opens_to_all) {
        judge(p, PLACE_MESSAGE, forged, "a token that nobody signed");
        judge(p, PLACE_GUIDE, forged, "a token that nobody signed");
    }
    judge(p, PLACE_HEADER, forged, "a token that nobody signed");
    judge(p, PLACE_QUERY, forged, "a token that nobody signed");
    if (p->can_log_in)
        check_own(p);
    else
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_NOTE,
                  "with a good token (--token-file) more could be told");
}
