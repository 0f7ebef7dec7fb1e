/* SPDX-License-Identifier: Apache-2.0 */
/* Every way to say no before the upgrade: one row a reason, and the headers its status demands
 * (RFC 9110 section 15.5). The texts are ours alone; nothing of the request comes back (C-B8). */
#include "wire/handshake.h"

#include "base/json_out.h"
#include "wire/http_answer.h"

#define EXTRA_MAX (256 + REFUSAL_SCOPES_MAX)
#define BODY_MAX  512

static const struct refusal_row rows[REFUSE_COUNT] = {
    [REFUSE_MALFORMED] = {400, "Bad Request", "bad_request",
                          "The request is not valid HTTP/1.1. Send it with a standard client."},
    [REFUSE_TARGET_TOO_LONG] = {414, "URI Too Long", "uri_too_long",
                                "The URL is too long. Keep it under 4096 bytes."},
    [REFUSE_HEADERS_TOO_LARGE] = {431, "Request Header Fields Too Large", "headers_too_large",
                                  "Send at most 64 headers and 16 KiB in all; "
                                  "clearing cookies often helps."},
    [REFUSE_HTTP_VERSION] = {505, "HTTP Version Not Supported", "http_version", "Use HTTP/1.1."},
    [REFUSE_METHOD] = {405, "Method Not Allowed", "method_not_allowed", "Use GET."},
    [REFUSE_METHOD_POST] = {405, "Method Not Allowed", "method_not_allowed", "Use POST."},
    [REFUSE_BODY] = {400, "Bad Request", "body_not_allowed", "Send the request without a body."},
    [REFUSE_HOST_MISSING] = {400, "Bad Request", "host_invalid",
                             "Send exactly one valid Host header."},
    [REFUSE_HOST_UNKNOWN] = {421, "Misdirected Request", "host_unknown",
                             "This server does not serve that host. Add it to `hosts` in the "
                             "configuration, or connect by a name that is listed."},
    [REFUSE_HOST_OTHER] = {421, "Misdirected Request", "host_misdirected",
                           "The Host header and the server name of the TLS connection belong to "
                           "different certificates. Open a new connection for this host."},
    [REFUSE_NOT_FOUND] = {404, "Not Found", "not_found",
                          "Nothing is served under this path. Check the path of the URL."},
    [REFUSE_NOT_UPGRADE] = {426, "Upgrade Required", "upgrade_required",
                            "This path speaks WebSocket only. Connect with a WebSocket client; "
                            "a proxy in between must pass Upgrade and Connection on."},
    [REFUSE_WS_VERSION] = {426, "Upgrade Required", "ws_version",
                           "Send Sec-WebSocket-Version: 13."},
    [REFUSE_WS_VERSION_MISSING] = {400, "Bad Request", "ws_version_missing",
                                   "Send Sec-WebSocket-Version: 13."},
    [REFUSE_WS_KEY] = {400, "Bad Request", "ws_key",
                       "Send exactly one Sec-WebSocket-Key: 16 random bytes in Base64."},
    [REFUSE_WS_PROTOCOL] = {400, "Bad Request", "ws_protocol",
                            "Sec-WebSocket-Protocol must list at most 32 different tokens."},
    [REFUSE_WS_EXTENSIONS] = {400, "Bad Request", "ws_extensions",
                              "Sec-WebSocket-Extensions is not a valid list of extensions."},
    [REFUSE_ORIGIN] = {403, "Forbidden", "origin_not_allowed",
                       "Pages of this origin may not connect. Add the origin to `origins` in the "
                       "configuration if they should."},
    [REFUSE_ORIGIN_MISSING] =
        {403, "Forbidden", "origin_missing",
         "Send an Origin that `origins` lists, or leave out cookies and Sec-Fetch "
         "headers: those come from browsers."},
    [REFUSE_CREDENTIALS] = {401, "Unauthorized", "invalid_token",
                            "The credentials are missing, wrong or expired. Get a new token and "
                            "connect again."},
    [REFUSE_NO_CREDENTIALS] = {401, "Unauthorized", "credentials_missing",
                               "This path is for clients that have logged in. Send credentials."},
    [REFUSE_TICKET] = {401, "Unauthorized", "invalid_ticket",
                       "The ticket is not good (any more). Get a new one and connect again: each "
                       "is for one connection, within seconds, from its own origin."},
    [REFUSE_SESSION] = {401, "Unauthorized", "invalid_session",
                        "The session is unknown or over. Log in again and connect again."},
    [REFUSE_CREDENTIALS_REPEATED] = {400, "Bad Request", "credentials_repeated",
                                     "Send credentials once and in one way."},
    [REFUSE_COOKIE] = {400, "Bad Request", "cookie_invalid",
                       "Send the cookie of the session once, in a valid Cookie header; clearing "
                       "the cookies of this site often helps."},
    [REFUSE_CSRF] = {403, "Forbidden", "csrf_token_invalid",
                     "The CSRF token is missing, or not of this session. Get a new one from the "
                     "page's own server and connect again."},
    [REFUSE_SCOPE] = {403, "Forbidden", "insufficient_scope",
                      "The token is good, but lacks a scope that this path asks for. Get a token "
                      "with more scopes."},
    [REFUSE_AUTH_UNAVAILABLE] = {503, "Service Unavailable", "auth_unavailable",
                                 "Who could vouch for these credentials is out of reach. Wait as "
                                 "long as Retry-After says."},
    [REFUSE_TIMEOUT] = {408, "Request Timeout", "handshake_timeout",
                        "The request took too long to arrive. Connect again."},
    [REFUSE_RATE] = {429, "Too Many Requests", "too_many_handshakes",
                     "Too many connection attempts. Wait as long as Retry-After says."},
    [REFUSE_PER_IP] = {429, "Too Many Requests", "too_many_connections",
                       "Too many connections from this address. Close some, or wait as long as "
                       "Retry-After says."},
    [REFUSE_BANNED] = {429, "Too Many Requests", "banned",
                       "Too many failed logins from this address. Wait as long as Retry-After "
                       "says."},
    [REFUSE_FULL] = {503, "Service Unavailable", "server_full",
                     "The server is full. Wait as long as Retry-After says."},
    [REFUSE_MEMORY] = {503, "Service Unavailable", "memory_full",
                       "The server has no memory left for more. Wait as long as Retry-After says."},
    [REFUSE_LISTENER_FULL] = {503, "Service Unavailable", "listener_full",
                              "This address of the server is full. Wait as long as Retry-After "
                              "says."},
    [REFUSE_ROUTE_FULL] = {503, "Service Unavailable", "route_full",
                           "This path is full. Wait as long as Retry-After says."},
    [REFUSE_DRAINING] = {503, "Service Unavailable", "draining",
                         "The server is shutting down. Wait as long as Retry-After says."},
};

const struct refusal_row *refusal_get(enum refusal why)
{
    if ((unsigned)why >= REFUSE_COUNT || rows[why].code == NULL)
        why = REFUSE_MALFORMED;
    return &rows[why];
}

/* The challenge of RFC 6750 section 3: every 401 has one (RFC 9110 section 15.5.2). No error code
 * where no token was shown (section 3.1), nor where a cookie was. NULL: none. */
static const char *challenge_of(enum refusal why)
{
    switch (why) {
    case REFUSE_NO_CREDENTIALS:
    case REFUSE_SESSION:
        return "Bearer realm=\"gateward\"";
    case REFUSE_CREDENTIALS:
    case REFUSE_TICKET:
        return "Bearer realm=\"gateward\", error=\"invalid_token\"";
    case REFUSE_CREDENTIALS_REPEATED:
        return "Bearer realm=\"gateward\", error=\"invalid_request\"";
    case REFUSE_SCOPE:
        return "Bearer realm=\"gateward\", error=\"insufficient_scope\"";
    default:
        return NULL;
    }
}

static void write_extra(struct wr *w, enum refusal why, unsigned retry_after_s, struct view scopes)
{
    unsigned status = refusal_get(why)->status;
    const char *challenge = challenge_of(why);

    wr_text(w, "Cache-Control: no-store\r\n");
    if (challenge != NULL) {
        wr_text(w, "WWW-Authenticate: ");
        wr_text(w, challenge);
        if (scopes.len > 0 && scopes.len <= REFUSAL_SCOPES_MAX) {
            wr_text(w, ", scope=\"");
            wr_view(w, scopes); /* scope-token has neither quotes nor backslashes */
            wr_u8(w, '"');
        }
        wr_text(w, "\r\n");
    }
    if (status == 405)
        wr_text(w, why == REFUSE_METHOD_POST ? "Allow: POST, OPTIONS\r\n" : "Allow: GET\r\n");
    if (status == 426 || why == REFUSE_WS_VERSION_MISSING)
        wr_text(w, "Sec-WebSocket-Version: 13\r\n");
    if (status == 429 || status == 503) {
        wr_text(w, "Retry-After: ");
        wr_dec(w, retry_after_s);
        wr_text(w, "\r\n");
    }
    wr_u8(w, '\0');
}

static void write_body(struct wr *w, const struct refusal_row *row)
{
    json_out_open(w);
    json_out_key(w, "error");
    json_out_open(w);
    json_out_member(w, "code", view_of_text(row->code));
    json_out_member(w, "message", view_of_text(row->message));
    json_out_close(w);
    json_out_close(w);
    wr_u8(w, '\n');
}

static void answer_with(struct wr *w, enum refusal why, unsigned retry_after_s, bool is_tls,
                        struct view scopes)
{
    const struct refusal_row *row = refusal_get(why);
    char extra[EXTRA_MAX], text[BODY_MAX];
    struct wr headers = wr_of(extra, sizeof(extra));
    struct wr body = wr_of(text, sizeof(text));
    struct http_answer answer = {.status = row->status,
                                 .phrase = row->phrase,
                                 .content_type = "application/json",
                                 .extra_headers = extra,
                                 .is_tls = is_tls,
                                 .offers_upgrade = row->status == 426};

    write_extra(&headers, why, retry_after_s, scopes);
    write_body(&body, row);
    if (headers.failed || body.failed) {
        w->failed = true;
        return;
    }
    answer.body = view_of(text, wr_len(&body));
    http_answer_encode(w, &answer);
}

void refusal_answer(struct wr *w, enum refusal why, unsigned retry_after_s, bool is_tls)
{
    answer_with(w, why, retry_after_s, is_tls, VIEW(""));
}

void refusal_answer_scopes(struct wr *w, struct view scopes, bool is_tls)
{
    answer_with(w, REFUSE_SCOPE, 0, is_tls, scopes);
}
