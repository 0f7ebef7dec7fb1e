/* SPDX-License-Identifier: Apache-2.0 */
/* api_request.c: head by wire/http1, then as many bytes as Content-Length says. */
#include "api/api_request.h"

#include "base/num.h"
#include "base/status.h"
#include "crypto/secret.h"
#include "wire/http_host.h"

void api_request_init(struct api_request *r)
{
    *r = (struct api_request){.bytes = BUF_INIT(HTTP1_HEAD_MAX + API_BODY_MAX)};
}

void api_request_clear(struct api_request *r)
{
    secret_buf_clear(&r->bytes);
}

static enum api_step refuse(struct api_request *r, enum api_fault fault)
{
    r->fault = fault;
    return API_BAD;
}

static enum api_fault fault_of(enum http1_verdict verdict)
{
    switch (verdict) {
    case HTTP1_TARGET_TOO_LONG:
        return API_TARGET_TOO_LONG;
    case HTTP1_TOO_LARGE:
        return API_HEADERS_TOO_LARGE;
    case HTTP1_VERSION:
        return API_HTTP_VERSION;
    case HTTP1_MORE:
    case HTTP1_DONE:
    case HTTP1_BAD:
        break;
    }
    return API_BAD_REQUEST;
}

static bool takes_body(struct view method)
{
    return view_eq(method, VIEW("POST")) || view_eq(method, VIEW("PUT")) ||
           view_eq(method, VIEW("PATCH"));
}

/* RFC 9112 section 6.3, with every way to say a length twice refused. */
static enum api_fault read_length(struct api_request *r)
{
    const struct http1_header *header;
    unsigned count = http1_find(&r->head, VIEW("Content-Length"), &header);
    uint64_t bytes = 0;

    if (http1_find(&r->head, VIEW("Transfer-Encoding"), NULL) > 0 || count > 1)
        return API_BAD_REQUEST;
    if (count == 0)
        return takes_body(r->head.method) ? API_LENGTH_REQUIRED : API_OK;
    if (!num_parse_u64(header->value, UINT64_MAX, &bytes))
        return API_BAD_REQUEST;
    if (bytes > 0 && !takes_body(r->head.method))
        return API_BAD_REQUEST;
    if (bytes > API_BODY_MAX)
        return API_BODY_TOO_LARGE;
    r->body_bytes = (size_t)bytes;
    return API_OK;
}

static enum api_fault read_head(struct api_request *r)
{
    const struct http1_header *header;
    struct http_host host;

    if (r->head.minor != 1)
        return API_HTTP_VERSION;
    if (http1_find(&r->head, VIEW("Host"), &header) != 1 || !http_host_parse(&host, header->value))
        return API_HOST_INVALID;
    if (r->head.authority.ptr != NULL || r->head.path.ptr == NULL)
        return API_BAD_REQUEST; /* we are no proxy */
    r->wants_continue = http1_has_token(&r->head, VIEW("Expect"), VIEW("100-continue"));
    return read_length(r);
}

enum api_step api_request_take(struct api_request *r, const void *bytes, size_t len)
{
    enum http1_verdict verdict;

    if (r->fault != API_OK)
        return API_BAD;
    if (len > r->bytes.max - r->bytes.len)
        return refuse(r, r->has_head ? API_BAD_REQUEST : API_BODY_TOO_LARGE);
    if (len > 0 && buf_append(&r->bytes, bytes, len) != OK)
        return refuse(r, API_BODY_TOO_LARGE);
    if (!r->has_head) {
        verdict = http1_parse(&r->head, (const char *)r->bytes.data, r->bytes.len, &r->scanned,
                              &r->head_bytes);
        if (verdict == HTTP1_MORE)
            return API_MORE;
        if (verdict != HTTP1_DONE)
            return refuse(r, fault_of(verdict));
        r->fault = read_head(r);
        if (r->fault != API_OK)
            return API_BAD;
        r->has_head = true;
        return API_HEAD;
    }
    if (r->bytes.len - r->head_bytes > r->body_bytes)
        return refuse(r, API_BAD_REQUEST); /* something stands behind the body */
    if (r->bytes.len - r->head_bytes < r->body_bytes)
        return API_MORE;
    r->body = view_of(r->bytes.data + r->head_bytes, r->body_bytes);
    return API_DONE;
}
