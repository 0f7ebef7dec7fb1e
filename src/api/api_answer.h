/* SPDX-License-Identifier: Apache-2.0 */
/* api_answer.h: every answer the API can give, one row each with its stable code. Pure. */
#ifndef API_API_ANSWER_H
#define API_API_ANSWER_H

#include <stdint.h>

#include "api/api_request.h"
#include "base/wr.h"

enum api_result {
    API_RESULT_OK,
    API_RESULT_OK_TEXT, /* the body is no JSON but for Prometheus */
    API_RESULT_LATER,   /* no answer yet: api_finish brings it */
    API_RESULT_BAD_REQUEST,
    API_RESULT_HOST_INVALID,
    API_RESULT_HOST_UNKNOWN,
    API_RESULT_KEY_INVALID,
    API_RESULT_SCOPE_MISSING,
    API_RESULT_NOT_FOUND,
    API_RESULT_METHOD_POST, /* 405 Allow: POST */
    API_RESULT_METHOD_GET,  /* 405 Allow: GET */
    API_RESULT_TIMEOUT,
    API_RESULT_LENGTH_REQUIRED,
    API_RESULT_BODY_TOO_LARGE,
    API_RESULT_TARGET_TOO_LONG,
    API_RESULT_MEDIA_TYPE,
    API_RESULT_HEADERS_TOO_LARGE,
    API_RESULT_HTTP_VERSION,
    API_RESULT_JSON,
    API_RESULT_FIELD_MISSING,
    API_RESULT_FIELD_UNKNOWN,
    API_RESULT_USER,
    API_RESULT_ROLES,
    API_RESULT_ORIGIN,
    API_RESULT_TTL,
    API_RESULT_SESSION_TTL,
    API_RESULT_TOKEN_ID,
    API_RESULT_IP,
    API_RESULT_CONNECTION,
    API_RESULT_CHANNEL,
    API_RESULT_CHANNELS,
    API_RESULT_PREFIX,
    API_RESULT_AFTER,
    API_RESULT_LIMIT,
    API_RESULT_ACTION,
    API_RESULT_SECONDS,
    API_RESULT_BAN_SECONDS,
    API_RESULT_SINCE,
    API_RESULT_OPERATIONS,
    API_RESULT_NOT_IN_BATCH,
    API_RESULT_IDEMPOTENCY_KEY,
    API_RESULT_IDEMPOTENCY_BUSY,
    API_RESULT_IDEMPOTENCY_REUSED,
    API_RESULT_IDEMPOTENCY_FULL,
    API_RESULT_SESSION,
    API_RESULT_TENANT,
    API_RESULT_SESSION_NOT_FOUND,
    API_RESULT_NOT_MUTED,
    API_RESULT_NOT_KICKED,
    API_RESULT_NOT_CLOSED,
    API_RESULT_NOT_BANNED,
    API_RESULT_NOT_BANNABLE,
    API_RESULT_BANS_OFF,
    API_RESULT_NO_PRESENCE,
    API_RESULT_NO_HISTORY,
    API_RESULT_RELOAD_BUSY,
    API_RESULT_RELOAD_REFUSED, /* may bring a body of its own, which says why */
    API_RESULT_SESSIONS_OFF,
    API_RESULT_CSRF_OFF,
    API_RESULT_NOT_SUPPORTED,
    API_RESULT_DRAINING,
    API_RESULT_OVERLOADED,
    API_RESULT_TICKETS_FULL,
    API_RESULT_REVOCATIONS_FULL,
    API_RESULT_SESSIONS_FULL,
    API_RESULT_SANCTIONS_FULL,
    API_RESULT_SESSIONS_UNAVAILABLE,
    API_RESULT_NOT_STORED,
    API_RESULT_UNFINISHED,
    API_RESULT_COUNT
};

struct api_result_row {
    uint16_t status;
    const char *phrase, *code, *message;
};
const struct api_result_row *api_result_get(enum api_result result);
enum api_result api_result_of_fault(enum api_fault fault);

#define API_ANSWER_BYTES_MAX 4096
#define API_ERROR_BYTES_MAX  1024
/* Is its body the one that the operation made? Otherwise it is api_error_encode's. */
bool api_result_brings_body(enum api_result result, struct view body);
/* {"error":{"code":...,"message":...}} and a newline. */
void api_error_encode(struct wr *w, enum api_result result);
/* The whole answer, in API_ANSWER_BYTES_MAX bytes and those of `body`; always with Connection:
 * close and Cache-Control: no-store. */
void api_answer_encode(struct wr *w, enum api_result result, struct view body);

#endif
