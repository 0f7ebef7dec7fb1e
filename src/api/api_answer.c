/* SPDX-License-Identifier: Apache-2.0 */
/* api_answer.c: the table of answers. The texts are ours alone; nothing of a request comes back. */
#include "api/api_answer.h"

#include "base/json_out.h"
#include "wire/http_answer.h"

static const struct api_result_row rows[API_RESULT_COUNT] = {
    [API_RESULT_OK] = {200, "OK", "ok", ""},
    [API_RESULT_OK_TEXT] = {200, "OK", "ok", ""},
    [API_RESULT_LATER] = {500, "Internal Server Error", "internal_error", "No answer was made."},
    [API_RESULT_BAD_REQUEST] = {400, "Bad Request", "bad_request",
                                "The request is not valid HTTP/1.1, has a query, or has bytes "
                                "behind its body."},
    [API_RESULT_HOST_INVALID] = {400, "Bad Request", "host_invalid",
                                 "Send exactly one valid Host header."},
    [API_RESULT_HOST_UNKNOWN] = {421, "Misdirected Request", "host_unknown",
                                 "The API answers as localhost or a loopback address only."},
    [API_RESULT_KEY_INVALID] = {401, "Unauthorized", "invalid_key",
                                "Send Authorization: Bearer KEY with a key of `internal.keys`."},
    [API_RESULT_SCOPE_MISSING] =
        {403, "Forbidden", "scope_missing",
         "The key has no scope for this. Scopes are under `internal.keys`."},
    [API_RESULT_NOT_FOUND] = {404, "Not Found", "not_found", "There is no such endpoint."},
    [API_RESULT_METHOD_POST] = {405, "Method Not Allowed", "method_not_allowed", "Use POST."},
    [API_RESULT_METHOD_GET] = {405, "Method Not Allowed", "method_not_allowed", "Use GET."},
    [API_RESULT_TIMEOUT] = {408, "Request Timeout", "timeout",
                            "The request took too long to arrive."},
    [API_RESULT_LENGTH_REQUIRED] = {411, "Length Required", "length_required",
                                    "Send Content-Length."},
    [API_RESULT_BODY_TOO_LARGE] = {413, "Content Too Large", "body_too_large",
                                   "A body has at most 64 KiB."},
    [API_RESULT_TARGET_TOO_LONG] = {414, "URI Too Long", "uri_too_long", "The URL is too long."},
    [API_RESULT_MEDIA_TYPE] = {415, "Unsupported Media Type", "unsupported_media_type",
                               "Send Content-Type: application/json."},
    [API_RESULT_HEADERS_TOO_LARGE] = {431, "Request Header Fields Too Large", "headers_too_large",
                                      "Send at most 64 headers and 16 KiB in all."},
    [API_RESULT_HTTP_VERSION] = {505, "HTTP Version Not Supported", "http_version",
                                 "Use HTTP/1.1."},
    [API_RESULT_JSON] = {400, "Bad Request", "invalid_json", "The body must be one JSON object."},
    [API_RESULT_FIELD_MISSING] = {400, "Bad Request", "missing_field",
                                  "A field is missing or has the wrong type."},
    [API_RESULT_FIELD_UNKNOWN] = {400, "Bad Request", "unknown_field",
                                  "The body has a field that means nothing here."},
    [API_RESULT_USER] = {400, "Bad Request", "invalid_user",
                         "`user` is 1 to 64 of A-Z a-z 0-9 _ -."},
    [API_RESULT_ROLES] = {400, "Bad Request", "unknown_role",
                          "The configuration has no such role, or these are too many."},
    [API_RESULT_ORIGIN] = {400, "Bad Request", "invalid_origin",
                           "`origin` is one that `origins` of the configuration allows, as a "
                           "browser sends it, or null."},
    [API_RESULT_TTL] = {400, "Bad Request", "invalid_ttl", "`ttl` is 1 to 30 seconds."},
    [API_RESULT_SESSION_TTL] = {400, "Bad Request", "invalid_session_ttl",
                                "`session_ttl` is 1 to 86400 seconds."},
    [API_RESULT_TOKEN_ID] = {400, "Bad Request", "invalid_token_id",
                             "`token_id` is 1 to 128 bytes without NUL."},
    [API_RESULT_IP] = {400, "Bad Request", "invalid_ip", "`ip` is one IPv4 or IPv6 address."},
    [API_RESULT_CONNECTION] = {400, "Bad Request", "invalid_connection",
                               "`connection` is an id as in the welcome and the event log."},
    [API_RESULT_CHANNEL] = {400, "Bad Request", "invalid_channel",
                            "`channel` is not a channel name."},
    [API_RESULT_CHANNELS] = {400, "Bad Request", "invalid_channels",
                             "`channels` is a list of 1 to 100 channel names, or \"*\"."},
    [API_RESULT_PREFIX] = {400, "Bad Request", "invalid_prefix",
                           "`prefix` is the beginning of a channel name: at most 256 bytes."},
    [API_RESULT_AFTER] = {400, "Bad Request", "invalid_after",
                          "`after` is what `next` of the page before said."},
    [API_RESULT_LIMIT] = {400, "Bad Request", "invalid_limit", "`limit` is 1 to 100."},
    [API_RESULT_ACTION] = {400, "Bad Request", "invalid_action",
                           "`action` is kick, unkick, mute, unmute, close_channel or "
                           "open_channel."},
    [API_RESULT_SECONDS] = {400, "Bad Request", "invalid_seconds", "`seconds` is 1 to 2592000."},
    [API_RESULT_BAN_SECONDS] = {400, "Bad Request", "invalid_ban_seconds",
                                "`seconds` of a ban is 1 to 604800."},
    [API_RESULT_SINCE] = {400, "Bad Request", "invalid_since",
                          "`since` is {epoch, offset}, as an answer about the channel said them."},
    [API_RESULT_OPERATIONS] = {400, "Bad Request", "invalid_operations",
                               "`operations` is a list of 1 to 100 of {path, body}."},
    [API_RESULT_NOT_IN_BATCH] = {400, "Bad Request", "not_in_batch",
                                 "`path` of an operation is an endpoint that takes POST and "
                                 "changes something, and not the batch itself."},
    [API_RESULT_IDEMPOTENCY_KEY] = {400, "Bad Request", "invalid_idempotency_key",
                                    "Idempotency-Key is 1 to 64 printable ASCII characters, once."},
    [API_RESULT_IDEMPOTENCY_BUSY] = {409, "Conflict", "idempotency_in_progress",
                                     "The call with this Idempotency-Key is still under way."},
    [API_RESULT_IDEMPOTENCY_REUSED] = {409, "Conflict", "idempotency_key_reused",
                                       "This Idempotency-Key came with another path or body within "
                                       "the last 10 minutes."},
    [API_RESULT_IDEMPOTENCY_FULL] = {503, "Service Unavailable", "too_many_idempotency_keys",
                                     "No further answer can be remembered: nothing was done."},
    [API_RESULT_SESSION] = {400, "Bad Request", "invalid_session",
                            "The id of a session is 1 to 256 printable ASCII characters."},
    [API_RESULT_TENANT] = {400, "Bad Request", "invalid_tenant",
                           "`tenant` is 1 to 32 of A-Z a-z 0-9 _ -."},
    [API_RESULT_SESSION_NOT_FOUND] = {404, "Not Found", "session_not_found",
                                      "There is no such session, or it has ended."},
    [API_RESULT_NOT_MUTED] = {404, "Not Found", "not_muted",
                              "This user is not muted in this channel."},
    [API_RESULT_NOT_KICKED] = {404, "Not Found", "not_kicked",
                               "This user is not kept out of this channel."},
    [API_RESULT_NOT_CLOSED] = {404, "Not Found", "not_closed", "This channel is not closed."},
    [API_RESULT_NOT_BANNED] = {404, "Not Found", "not_banned", "This address is not banned."},
    [API_RESULT_NOT_BANNABLE] = {409, "Conflict", "not_bannable",
                                 "This machine's own addresses and trusted proxies are never "
                                 "banned."},
    [API_RESULT_BANS_OFF] = {409, "Conflict", "bans_off",
                             "The configuration bans nobody: `limits.bans.failures` is 0."},
    [API_RESULT_NO_PRESENCE] = {409, "Conflict", "no_presence", "This channel has no presence."},
    [API_RESULT_NO_HISTORY] = {409, "Conflict", "no_history", "This channel keeps no history."},
    [API_RESULT_RELOAD_BUSY] = {409, "Conflict", "reload_in_progress",
                                "Another call reloads the configuration at this moment."},
    [API_RESULT_RELOAD_REFUSED] = {422, "Unprocessable Content", "reload_refused",
                                   "The configuration was refused: everything stays as it was."},
    [API_RESULT_SESSIONS_OFF] = {409, "Conflict", "sessions_off",
                                 "The configuration has no `auth.sessions`."},
    [API_RESULT_CSRF_OFF] = {409, "Conflict", "csrf_off",
                             "The configuration asks for no CSRF tokens."},
    [API_RESULT_NOT_SUPPORTED] = {409, "Conflict", "not_supported",
                                  "These sessions belong to another program: they can be read and "
                                  "ended here, one by one, and nothing else."},
    [API_RESULT_DRAINING] = {503, "Service Unavailable", "draining",
                             "The server is shutting down."},
    [API_RESULT_OVERLOADED] = {503, "Service Unavailable", "overloaded",
                               "Queues are full. Try again later."},
    [API_RESULT_TICKETS_FULL] = {503, "Service Unavailable", "too_many_tickets",
                                 "Too many tickets wait to be used. Try again later."},
    [API_RESULT_REVOCATIONS_FULL] = {503, "Service Unavailable", "too_many_revocations",
                                     "No further revocation can be remembered: nothing was "
                                     "revoked or closed."},
    [API_RESULT_SESSIONS_FULL] = {503, "Service Unavailable", "sessions_full",
                                  "There is no room for one more. Try again later."},
    [API_RESULT_SANCTIONS_FULL] = {503, "Service Unavailable", "sanctions_full",
                                   "Too many users are muted or kicked: nothing was done."},
    [API_RESULT_SESSIONS_UNAVAILABLE] = {503, "Service Unavailable", "sessions_unavailable",
                                         "The store of sessions is out of reach."},
    [API_RESULT_NOT_STORED] = {503, "Service Unavailable", "not_stored",
                               "It is revoked and connections are being closed, but the disk did "
                               "not take it: a restart would forget it. Try again."},
    [API_RESULT_UNFINISHED] = {503, "Service Unavailable", "unfinished",
                               "It was begun, but was not seen finished in time."},
};

const struct api_result_row *api_result_get(enum api_result result)
{
    if ((unsigned)result >= API_RESULT_COUNT)
        result = API_RESULT_LATER;
    return &rows[result];
}

enum api_result api_result_of_fault(enum api_fault fault)
{
    switch (fault) {
    case API_HOST_INVALID:
        return API_RESULT_HOST_INVALID;
    case API_LENGTH_REQUIRED:
        return API_RESULT_LENGTH_REQUIRED;
    case API_BODY_TOO_LARGE:
        return API_RESULT_BODY_TOO_LARGE;
    case API_TARGET_TOO_LONG:
        return API_RESULT_TARGET_TOO_LONG;
    case API_HEADERS_TOO_LARGE:
        return API_RESULT_HEADERS_TOO_LARGE;
    case API_HTTP_VERSION:
        return API_RESULT_HTTP_VERSION;
    case API_OK:
    case API_BAD_REQUEST:
        break;
    }
    return API_RESULT_BAD_REQUEST;
}

static const char *extra_headers(enum api_result result)
{
    switch (api_result_get(result)->status) {
    case 401:
        return "Cache-Control: no-store\r\nWWW-Authenticate: Bearer realm=\"gateward-api\"\r\n";
    case 405:
        return result == API_RESULT_METHOD_GET ? "Cache-Control: no-store\r\nAllow: GET\r\n"
                                               : "Cache-Control: no-store\r\nAllow: POST\r\n";
    case 503:
        return "Cache-Control: no-store\r\nRetry-After: 2\r\n";
    default:
        return "Cache-Control: no-store\r\n";
    }
}

bool api_result_brings_body(enum api_result result, struct view body)
{
    return result == API_RESULT_OK || result == API_RESULT_OK_TEXT ||
           (result == API_RESULT_RELOAD_REFUSED && body.len > 0);
}

void api_error_encode(struct wr *w, enum api_result result)
{
    const struct api_result_row *row = api_result_get(result);

    json_out_open(w);
    json_out_key(w, "error");
    json_out_open(w);
    json_out_member(w, "code", view_of_text(row->code));
    json_out_member(w, "message", view_of_text(row->message));
    json_out_close(w);
    json_out_close(w);
    wr_u8(w, '\n');
}

void api_answer_encode(struct wr *w, enum api_result result, struct view body)
{
    const struct api_result_row *row = api_result_get(result);
    uint8_t text[API_ERROR_BYTES_MAX];
    struct wr error = wr_of(text, sizeof(text));
    struct http_answer answer = {.status = row->status,
                                 .phrase = row->phrase,
                                 .content_type = "application/json",
                                 .extra_headers = extra_headers(result),
                                 .body = body};

    if (result == API_RESULT_OK_TEXT) {
        answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
    } else if (!api_result_brings_body(result, body)) {
        api_error_encode(&error, result);
        answer.body = view_of(text, wr_len(&error));
    }
    if (error.failed)
        w->failed = true;
    else
        http_answer_encode(w, &answer);
}
