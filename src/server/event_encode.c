/* SPDX-License-Identifier: Apache-2.0 */
/* The closed catalogue of security events and how one becomes a line of JSON. Pure: what a stranger
 * chose (origin, path, user, reason) passes json_out_string, which leaves nothing that could end a
 * line or speak to a terminal. */
#include "server/event_log.h"

#include "base/clock.h"
#include "base/json_out.h"
#include "base/wr.h"

#define FIELD_BYTES_MAX 256

enum severity { SEVERITY_INFO, SEVERITY_NOTICE, SEVERITY_WARNING };

struct event_row {
    const char *name;
    enum severity severity;
};

static const struct event_row rows[EVENT_TYPES] = {
    [EVENT_SERVER_START] = {"server_start", SEVERITY_INFO},
    [EVENT_SERVER_DRAIN] = {"server_drain", SEVERITY_INFO},
    [EVENT_SERVER_STOP] = {"server_stop", SEVERITY_INFO},
    [EVENT_RELOAD] = {"reload", SEVERITY_NOTICE},
    [EVENT_TLS_FAILED] = {"tls_failed", SEVERITY_NOTICE},
    [EVENT_HANDSHAKE_REFUSED] = {"handshake_refused", SEVERITY_NOTICE},
    [EVENT_ORIGIN_REFUSED] = {"origin_refused", SEVERITY_WARNING},
    [EVENT_ORIGIN_MISSING] = {"origin_missing", SEVERITY_WARNING},
    [EVENT_CONNECTION_REFUSED] = {"connection_refused", SEVERITY_WARNING},
    [EVENT_BANNED] = {"banned", SEVERITY_WARNING},
    [EVENT_CONNECTION_OPEN] = {"connection_open", SEVERITY_INFO},
    [EVENT_CONNECTION_CLOSE] = {"connection_close", SEVERITY_INFO},
    [EVENT_AUTH_OK] = {"auth_ok", SEVERITY_INFO},
    [EVENT_AUTH_FAILED] = {"auth_failed", SEVERITY_WARNING},
    [EVENT_CSRF_REFUSED] = {"csrf_refused", SEVERITY_WARNING},
    [EVENT_AUTH_TIMEOUT] = {"auth_timeout", SEVERITY_NOTICE},
    [EVENT_AUTH_EXTENDED] = {"auth_extended", SEVERITY_INFO},
    [EVENT_TOKEN_EXPIRED] = {"token_expired", SEVERITY_INFO},
    [EVENT_ACCESS_DENIED] = {"access_denied", SEVERITY_WARNING},
    [EVENT_RATE_LIMITED] = {"rate_limited", SEVERITY_WARNING},
    [EVENT_LIMIT_EXCEEDED] = {"limit_exceeded", SEVERITY_WARNING},
    [EVENT_LIMIT_OBSERVED] = {"limit_observed", SEVERITY_NOTICE},
    [EVENT_PROTOCOL_ERROR] = {"protocol_error", SEVERITY_NOTICE},
    [EVENT_MESSAGE_INVALID] = {"message_invalid", SEVERITY_NOTICE},
    [EVENT_MESSAGE_REFUSED] = {"message_refused", SEVERITY_WARNING},
    [EVENT_POLICY_OBSERVED] = {"policy_observed", SEVERITY_NOTICE},
    [EVENT_SLOW_READER] = {"slow_reader", SEVERITY_WARNING},
    [EVENT_PEER_DEAD] = {"peer_dead", SEVERITY_NOTICE},
    [EVENT_IDENTITY_SOURCE] = {"identity_source", SEVERITY_WARNING},
    [EVENT_KEY_SOURCE] = {"key_source", SEVERITY_NOTICE},
    [EVENT_OCSP_STAPLE] = {"ocsp_staple", SEVERITY_NOTICE},
    [EVENT_TICKET_ISSUED] = {"ticket_issued", SEVERITY_INFO},
    [EVENT_REVOKED] = {"revoked", SEVERITY_NOTICE},
    [EVENT_DISCONNECTED] = {"disconnected", SEVERITY_NOTICE},
    [EVENT_SESSION_ENDED] = {"session_ended", SEVERITY_NOTICE},
    [EVENT_KICKED] = {"kicked", SEVERITY_NOTICE},
    [EVENT_MUTED] = {"muted", SEVERITY_NOTICE},
    [EVENT_CHANNEL_CLOSED] = {"channel_closed", SEVERITY_NOTICE},
    [EVENT_LOG_MARK] = {"log_mark", SEVERITY_INFO},
    [EVENT_API_CALL] = {"api_call", SEVERITY_NOTICE},
    [EVENT_SUPPRESSED] = {"events_suppressed", SEVERITY_WARNING},
};

const char *event_type_text(enum event_type type)
{
    return (unsigned)type < EVENT_TYPES ? rows[type].name : "unknown";
}

static void put_text(struct wr *w, const char *key, struct view value)
{
    if (value.len == 0)
        return;
    json_out_key(w, key);
    json_out_string(w, value, FIELD_BYTES_MAX);
}

static void put_number(struct wr *w, const char *key, uint64_t value)
{
    if (value != 0)
        json_out_member_u64(w, key, value);
}

static void put_head(struct wr *w, const struct event *event, int64_t wall_ms)
{
    static const char *const severities[] = {"info", "notice", "warning"};
    static const char *const outcomes[] = {"ok", "refused", "error"};
    char time[CLOCK_TEXT_BYTES];

    clock_wall_text(wall_ms, time);
    json_out_member(w, "time", view_of_text(time));
    json_out_member(w, "event", view_of_text(rows[event->type].name));
    json_out_member(w, "severity", view_of_text(severities[rows[event->type].severity]));
    json_out_member(w, "outcome", view_of_text(outcomes[event->outcome]));
}

size_t event_encode(char *out, size_t out_bytes, const struct event *event, int64_t wall_ms)
{
    struct wr w = wr_of(out, out_bytes);

    json_out_open(&w);
    put_head(&w, event, wall_ms);
    put_text(&w, "code", view_of_text(event->code));
    put_text(&w, "connection", event->connection);
    put_text(&w, "ip", event->ip);
    put_number(&w, "port", event->port);
    put_text(&w, "user", event->user);
    put_text(&w, "by", event->by);
    put_text(&w, "key", event->key);
    put_text(&w, "origin", event->origin);
    put_text(&w, "host", event->host);
    put_text(&w, "path", event->path);
    put_text(&w, "channel", event->channel);
    put_text(&w, "action", event->action);
    put_number(&w, "status", event->status);
    put_number(&w, "close_code", event->close_code);
    if (event->has_totals) {
        json_out_member_u64(&w, "duration_ms", event->duration_ms);
        json_out_member_u64(&w, "messages_in", event->messages_in);
        json_out_member_u64(&w, "messages_out", event->messages_out);
    }
    put_text(&w, "tls_records", view_of_text(event->tls_records));
    put_text(&w, "detail", event->detail);
    put_number(&w, "count", event->count);
    json_out_close(&w);
    wr_u8(&w, '\n');
    return w.failed ? 0 : wr_len(&w);
}
