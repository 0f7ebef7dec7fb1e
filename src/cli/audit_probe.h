/* SPDX-License-Identifier: Apache-2.0 */
/* audit_probe.h: an audit of a running server: what it is asked, one file for each kind of
 * question. Private to audit.c and audit_probe*.c. */
#ifndef CLI_AUDIT_PROBE_H
#define CLI_AUDIT_PROBE_H

#include "cli/audit.h"
#include "cli/audit_link.h"

#define PROBE_TOKEN_MAX    8192
#define PROBE_HEADER_MAX   (PROBE_TOKEN_MAX + 64)
#define PROBE_PATIENCE_MS  UINT64_C(35000)
#define PROBE_PATIENCE_MIN UINT64_C(30000) /* from here on, no end means that there is none */

struct probe {
    struct audit report;
    struct audit_target target;
    const char *origin; /* NULL: none */
    struct view token;  /* with a NUL behind it; empty: none */
    bool is_bearer;     /* it goes into a header, not into the first message */
    uint64_t patience_ms;
    /* What was found out on the way. */
    bool opens_to_all;                  /* 101 without credentials */
    bool serves_all;                    /* and messages are answered then */
    bool can_log_in;                    /* our token was taken */
    struct audit_link idle, slow, mute; /* connections that only wait */
    uint64_t waiting_since_ms;
};

#define PROBE_ADD(p, point, verdict, ...)                                                          \
    audit_add(&(p)->report, (struct audit_place){(point), (verdict), 0}, __VA_ARGS__)

/* Everything, in order. False: there is no WebSocket server to ask, which was told on stderr. */
bool probe_run(struct probe *p);

/* How long to wait for what usually comes at once. */
uint64_t probe_quiet_ms(const struct probe *p);
/* A connection without credentials. */
int probe_open(struct probe *p, struct audit_link *l);
/* One with ours, if they are good for anything; else as above. Whatever greets us was read. */
int probe_open_best(struct probe *p, struct audit_link *l);
/* Reads until nothing has come for `ms`; true: the connection ended. */
bool probe_drain(struct audit_link *l, uint64_t ms);
/* Does a message say that a login is missing or is not enough? */
bool probe_says_no(struct view message);
/* Is one of the NULL-terminated words in it, whatever the case? */
bool probe_has_word(struct view text, const char *const *words);

enum probe_reaction { REACTION_ENDED, REACTION_REFUSED, REACTION_ANSWERED, REACTION_SILENCE };
/* Sends a text and sees what happens; *answer (may be NULL) quotes it. */
enum probe_reaction probe_ask(struct probe *p, struct audit_link *l, const char *text,
                              struct audit_quote *answer);

/* audit_probe_tls.c: points 1 and 11. False: the certificate is not to be trusted. */
bool probe_tls(struct probe *p);
/* audit_probe_door.c: points 2, 3 and 5. */
void probe_origins(struct probe *p);
void probe_login(struct probe *p);
void probe_channels(struct probe *p);
/* audit_probe_token.c: point 4. */
void probe_tokens(struct probe *p);
/* audit_probe_frames.c: points 8, 12, 13, and the frames of 6. */
void probe_frames(struct probe *p);
/* audit_probe_messages.c: the messages of 6, and 7. */
void probe_burst(struct probe *p);
void probe_leaks(struct probe *p);
void probe_messages(struct probe *p);
void probe_broken_text(struct probe *p); /* may break a weak server */
/* audit_probe_wait.c: points 9 and 12: begins to wait, and ends it. */
void probe_wait_begin(struct probe *p);
void probe_wait_turn(struct probe *p); /* between questions: pings there want an answer too */
void probe_wait_end(struct probe *p);

#endif
