/* SPDX-License-Identifier: Apache-2.0 */
/* audit_link.h: one connection of an audit to a server, from the socket to single frames, which may
 * be wrong on purpose. Everything waits, and nothing waits longer than it is told. */
#ifndef CLI_AUDIT_LINK_H
#define CLI_AUDIT_LINK_H

#include "base/buf.h"
#include "client/answer.h"
#include "client/ws_url.h"
#include "net/tls_probe.h"
#include "wire/ws_deflate.h"
#include "wire/ws_frame.h"

#define AUDIT_INPUT_MAX ((size_t)4 * 1024 * 1024)

/* Whom to connect to, and how. */
struct audit_target {
    struct ws_url url;
    const char *ca;       /* NULL: the system's authorities */
    uint64_t timeout_ms;  /* for each answer */
    uint32_t connections; /* counts up */
};
enum link_protocol { LINK_AS_URL, LINK_TLS, LINK_PLAIN };
struct link_dial {
    enum link_protocol protocol;
    enum tls_probe_version version;
    uint16_t port; /* 0: that of the URL */
};
/* What the opening handshake says beyond the necessary. */
struct link_door {
    const char *origin;  /* NULL: none */
    const char *headers; /* more lines, or NULL */
    const char *query;   /* is added to the target; NULL: none */
    bool offers_deflate;
};
struct audit_link {
    int fd;
    struct tls_probe *tls; /* NULL: plaintext */
    uint64_t timeout_ms;
    struct buf in;       /* what came and was not taken yet */
    size_t taken;        /* bytes of `in` that the last frame was made of */
    struct buf head;     /* of the HTTP answer, and the beginning of its body */
    unsigned status;     /* of the HTTP answer; 0: none came */
    unsigned close_code; /* of a Close that came; 0: none yet */
    uint32_t pings;      /* that the server sent; each was answered */
    bool is_ended, has_deflate;
    char reason[124]; /* of the Close */
    struct error why;
};

/* The socket and, over TLS, its handshake. E_IO: nobody answers there; E_DENIED: TLS failed;
 * E_UNSUPPORTED, E_EXPIRED. link_close in any case. */
int link_dial(struct audit_link *l, struct audit_target *target, const struct link_dial *how);
/* That, and the opening handshake. OK: upgraded. E_DENIED: an HTTP answer that says no
 * (l->status), or TLS failed (0). E_EXPIRED, E_CLOSED: no answer. */
int link_open(struct audit_link *l, struct audit_target *target, const struct link_door *door);
/* The opening handshake alone, on a link that is dialled. */
int link_upgrade(struct audit_link *l, const struct audit_target *target,
                 const struct link_door *door);
void link_close(struct audit_link *l);
/* A header of the answer; empty: it has none. */
struct view link_header(const struct audit_link *l, struct view name);

int link_write(struct audit_link *l, const void *bytes, size_t len);
/* One masked, final frame. */
int link_send(struct audit_link *l, enum ws_opcode opcode, struct view payload);
int link_send_text(struct audit_link *l, const char *text);

/* The next data or pong frame within `ms`; *payload is valid until the next call. Pings are
 * answered. E_EXPIRED: silence. E_CLOSED: a Close or the end came (l->close_code). */
int link_next(struct audit_link *l, uint64_t ms, struct ws_frame *frame, struct view *payload);
/* Has the server ended it within `ms`? What else comes is passed over. */
bool link_ends_within(struct audit_link *l, uint64_t ms);
/* "Close 1008 (First message must be auth)", "the end of the connection". */
struct link_words {
    char text[200];
};
struct link_words link_ending(const struct audit_link *l);

#endif
