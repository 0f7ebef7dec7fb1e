/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe.c: the order of the questions, and what several of them need. Nothing here floods: a
 * few dozen connections, one at a time but for three that only wait, and at most a few hundred
 * small messages on one of them. What might break a weak server comes last. */
#include "cli/audit_probe.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/ip.h"
#include "base/status.h"
#include "cli/connect_words.h"
#include "crypto/secret.h"

#define QUIET_MS 1500

uint64_t probe_quiet_ms(const struct probe *p)
{
    return p->target.timeout_ms < QUIET_MS ? p->target.timeout_ms : QUIET_MS;
}

bool probe_has_word(struct view text, const char *const *words)
{
    for (; *words != NULL; words++) {
        size_t len = strlen(*words);

        for (size_t i = 0; i + len <= text.len; i++)
            if (strncasecmp(text.ptr + i, *words, len) == 0)
                return true;
    }
    return false;
}

bool probe_says_no(struct view message)
{
    static const char *const words[] = {"auth",        "denied",  "forbidden",   "permission",
                                        "not allowed", "log in",  "not_allowed", "login",
                                        "credential",  "refused", NULL};

    return probe_has_word(message, words);
}

bool probe_drain(struct audit_link *l, uint64_t ms)
{
    struct ws_frame frame;
    struct view payload;
    int rc;

    /* At most this much: who talks without end is not waited for. */
    for (unsigned i = 0; i < 1000; i++) {
        rc = link_next(l, ms, &frame, &payload);
        if (rc != OK)
            return rc == E_CLOSED;
    }
    return false;
}

int probe_open(struct probe *p, struct audit_link *l)
{
    struct link_door door = {.origin = p->origin};

    return link_open(l, &p->target, &door);
}

static int open_bearer(struct probe *p, struct audit_link *l)
{
    char header[PROBE_HEADER_MAX];
    struct link_door door = {.origin = p->origin, .headers = header};
    int rc;

    (void)snprintf(header, sizeof(header), "Authorization: Bearer %s\r\n", p->token.ptr);
    rc = link_open(l, &p->target, &door);
    secret_wipe(header, sizeof(header));
    return rc;
}

/* The first message, as this project and the guide have it. */
static int open_first_message(struct probe *p, struct audit_link *l)
{
    struct buf text = BUF_INIT(CONNECT_WORDS_MAX);
    struct ws_frame frame;
    struct view payload;
    int rc = probe_open(p, l);

    if (rc == OK)
        rc = connect_words_auth(&text, p->token);
    if (rc == OK)
        rc = link_send(l, WS_TEXT, buf_view(&text));
    if (rc == OK)
        rc = link_next(l, p->target.timeout_ms, &frame, &payload);
    if (rc == OK && !connect_words_are_welcome(payload) && probe_says_no(payload))
        rc = E_DENIED;
    secret_buf_clear(&text);
    return rc;
}

int probe_open_best(struct probe *p, struct audit_link *l)
{
    int rc;

    if (!p->can_log_in)
        return probe_open(p, l);
    rc = p->is_bearer ? open_bearer(p, l) : open_first_message(p, l);
    if (rc == OK && probe_drain(l, 200))
        rc = E_CLOSED;
    return rc;
}

enum probe_reaction probe_ask(struct probe *p, struct audit_link *l, const char *text,
                              struct audit_quote *answer)
{
    struct ws_frame frame;
    struct view payload;
    int rc;

    (void)link_send_text(l, text);
    do {
        rc = link_next(l, probe_quiet_ms(p), &frame, &payload);
    } while (rc == OK && frame.opcode == WS_PONG);
    if (rc != OK)
        return rc == E_CLOSED ? REACTION_ENDED : REACTION_SILENCE;
    if (answer != NULL)
        *answer = audit_quote(&p->report, payload);
    return probe_says_no(payload) ? REACTION_REFUSED : REACTION_ANSWERED;
}

/* --- the order --- */

static bool is_refusal(unsigned status)
{
    return status == 401 || status == 403 || status == 407 || status == 429 || status == 503;
}

/* Is there a WebSocket server at all, and whom does it let in? */
static bool reach(struct probe *p)
{
    struct audit_link l;
    int rc = probe_open(p, &l);
    bool is_there = rc == OK || (rc == E_DENIED && is_refusal(l.status));

    p->opens_to_all = rc == OK;
    if (!is_there && l.status != 0)
        (void)fprintf(stderr, "gateward audit: no WebSocket server at %s: HTTP %u\n",
                      p->report.subject, l.status);
    else if (!is_there)
        (void)fprintf(stderr, "gateward audit: no WebSocket server at %s: %s\n", p->report.subject,
                      l.why.text);
    link_close(&l);
    return is_there;
}

static bool is_this_machine(const struct http_host *host)
{
    struct ip_address ip;

    if (ip_address_parse(&ip, view_of_text(host->name)))
        return ip_address_is_loopback(&ip);
    return strcmp(host->name, "localhost") == 0;
}

static void try_token(struct probe *p, bool is_trusted)
{
    struct audit_link l;
    int rc;

    if (p->token.len == 0)
        return;
    if (!is_trusted && !is_this_machine(&p->target.url.host)) {
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_UNKNOWN,
                  "the token was not sent: who is at the other end is not certain");
        return;
    }
    p->can_log_in = true;
    rc = probe_open_best(p, &l);
    if (rc != OK) {
        p->can_log_in = false;
        PROBE_ADD(p, AUDIT_TOKENS, AUDIT_UNKNOWN, "our token was not taken: %s",
                  l.status > 101 ? "the handshake was refused"
                  : rc == E_EXPIRED
                      ? "nothing came back"
                      : audit_quote(&p->report, view_of_text(link_ending(&l).text)).text);
    }
    link_close(&l);
}

bool probe_run(struct probe *p)
{
    static void (*const questions[])(struct probe *) = {
        probe_tokens, probe_channels, probe_leaks, probe_messages, probe_frames, probe_burst};
    bool is_trusted;

    if (!reach(p))
        return false;
    is_trusted = probe_tls(p);
    probe_wait_begin(p);
    probe_origins(p);
    probe_login(p);
    try_token(p, is_trusted);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        questions[i](p);
        probe_wait_turn(p);
    }
    probe_wait_end(p);
    probe_broken_text(p);
    PROBE_ADD(p, AUDIT_LOG, AUDIT_UNKNOWN,
              "what a server writes down cannot be seen from outside; see `gateward audit FILE`");
    PROBE_ADD(p, AUDIT_RANDOM, AUDIT_UNKNOWN,
              "how ids and secrets are made cannot be seen from outside");
    return true;
}
