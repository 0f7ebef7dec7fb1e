/* SPDX-License-Identifier: Apache-2.0 */
/* event_log.h: the security event log: one JSON line an event, closed catalogue (docs/events.md),
 * UTC, every byte escaped, never a secret. Any thread. Writers never wait for the disk or the
 * terminal: lines go through a bounded buffer to a thread of its own; above EVENT_LINES_PER_SECOND
 * of one type lines are dropped, counted exactly, and told as "events_suppressed". */
#ifndef SERVER_EVENT_LOG_H
#define SERVER_EVENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/view.h"

enum event_type {
    EVENT_SERVER_START,
    EVENT_SERVER_DRAIN,
    EVENT_SERVER_STOP,
    EVENT_RELOAD,     /* the TLS files were read again, or the old ones stay (outcome error) */
    EVENT_TLS_FAILED, /* handshake refused, timed out, or plaintext on a TLS port */
    EVENT_HANDSHAKE_REFUSED, /* any non-101 answer; code = refusal_get()->code */
    EVENT_ORIGIN_REFUSED,    /* 403 by Origin; field origin */
    EVENT_ORIGIN_MISSING,
    EVENT_CONNECTION_REFUSED, /* limits at the door; code = server_full | too_many_connections |
                                 too_many_handshakes | banned */
    EVENT_BANNED,             /* an address failed to log in too often; count = seconds */
    EVENT_CONNECTION_OPEN,    /* 101 sent */
    EVENT_CONNECTION_CLOSE,   /* close code, reason, seconds, messages in and out */
    EVENT_AUTH_OK,
    EVENT_AUTH_FAILED,
    EVENT_AUTH_TIMEOUT,
    EVENT_CSRF_REFUSED, /* a cookie without the proof that its page meant it */
    EVENT_AUTH_EXTENDED,
    EVENT_TOKEN_EXPIRED,
    EVENT_ACCESS_DENIED,   /* channel, action; reason from access_decide */
    EVENT_RATE_LIMITED,    /* first refusal of a run; and when closed for it */
    EVENT_LIMIT_EXCEEDED,  /* message size, fragments, subscriptions, assembly time, control frames
                            */
    EVENT_LIMIT_OBSERVED,  /* would have been refused: the limit only observes; code = its name */
    EVENT_PROTOCOL_ERROR,  /* 1002, 1003, 1007 */
    EVENT_MESSAGE_INVALID, /* not JSON, no type, unknown type, not as its schema says */
    EVENT_MESSAGE_REFUSED, /* of a good form, but not from this sender, or not now */
    EVENT_POLICY_OBSERVED, /* would have been refused: the type is only observed */
    EVENT_SLOW_READER,
    EVENT_PEER_DEAD,
    EVENT_IDENTITY_SOURCE, /* whoever is asked about identities is out of reach, or back */
    EVENT_KEY_SOURCE,      /* keys of an issuer: fetched, failed, stale */
    EVENT_OCSP_STAPLE,   /* an OCSP answer about a certificate of ours: fetched, failed, revoked */
    EVENT_TICKET_ISSUED, /* POST /ticket by a browser */
    EVENT_REVOKED,       /* a connection closed by POST /api/revoke */
    EVENT_DISCONNECTED,  /* a connection closed by POST /api/disconnect */
    EVENT_SESSION_ENDED, /* a connection closed because its session has ended; code = why */
    EVENT_KICKED,        /* out of a channel, by a moderator or the API; user = who, by = by whom */
    EVENT_MUTED,         /* the same: muted, or no longer (code lifted) */
    EVENT_CHANNEL_CLOSED,
    EVENT_LOG_MARK, /* a segment of a log under a key begins; code = why, detail = which */
    EVENT_API_CALL, /* a call of the internal API; code = that of the answer, action = which */
    EVENT_SUPPRESSED,
    EVENT_TYPES
};
enum event_outcome { OUTCOME_OK, OUTCOME_REFUSED, OUTCOME_ERROR };

struct event {
    enum event_type type;
    enum event_outcome outcome;
    const char *code;       /* stable word for the reason; NULL: none */
    struct view connection; /* connection id; empty: none */
    struct view ip;
    uint16_t port;
    struct view user, by, key, origin, host, path, channel, action,
        detail;                  /* empty ones are left out; each capped at 256 bytes */
    uint16_t status, close_code; /* 0: left out */
    uint64_t duration_ms, messages_in, messages_out;
    uint64_t count; /* events_suppressed: how many lines of the type in `code` were left out */
    bool has_totals;
    const char *tls_records; /* who carries them; NULL: left out */
};

#define EVENT_LINES_PER_SECOND 300 /* of one type */

struct event_log_options {
    const char *target; /* "stderr", "stdout", "off", "syslog" or a path (opened append, 0600) */
    const char *syslog_socket; /* of "syslog": a Unix datagram socket */
    int syslog_facility;       /* index into event_syslog_facilities */
    bool has_chain;            /* every line is linked to the one before it (event_chain.h) */
    const char *chain_key;     /* the file of its key; NULL: plain hashes */
    const char *state_dir;     /* where its end is kept, with a key */
};
struct event_log;
int event_log_open(struct event_log **out, const struct event_log_options *options,
                   struct error *why);
void event_log_close(struct event_log *log); /* writes what is buffered first */
/* Any thread: opens the file by its name again, for whoever has renamed it (log rotation); nothing
 * is lost and no line is torn. Soon, on the log's own thread; a file that cannot be opened leaves
 * the old one in use and is told to the operator. Nothing to do for other targets. */
void event_log_reopen(struct event_log *log);
void event_log_put(struct event_log *log, const struct event *event); /* log may be NULL */
const char *event_type_text(enum event_type type);
/* Of how many events no line was or will be written, for want of room or of haste. */
uint64_t event_log_left_out(struct event_log *log);
/* Calls `each` for every code that events of this type had, with their exact number; "none": those
 * without one. At most EVENT_CODES_MAX, then "other". */
#define EVENT_CODES_MAX 96
void event_log_each_code(struct event_log *log, enum event_type type,
                         void (*each)(void *context, const char *code, uint64_t count),
                         void *context);
/* Exact number of events of this type so far, written or suppressed. */
uint64_t event_log_count(const struct event_log *log, enum event_type type);

/* Pure: one line with its newline into out; 0 if it does not fit. wall_ms is the time field. */
#define EVENT_LINE_MAX 16384 /* ten fields of 256 bytes, each byte as \u00XX */
size_t event_encode(char *out, size_t out_bytes, const struct event *event, int64_t wall_ms);

#endif
