/* SPDX-License-Identifier: Apache-2.0 */
/* The request, and the checks of RFC 6455 section 4.1 on the answer. Nothing is accepted that was
 * not asked for. */
#include "client/handshake.h"

#include "base/status.h"
#include "crypto/secret.h"
#include "wire/handshake.h"

#define ACCEPT_BYTES 28

static void put_header(struct wr *w, const char *name, const char *value)
{
    if (value == NULL)
        return;
    wr_text(w, name);
    wr_text(w, ": ");
    wr_text(w, value);
    wr_text(w, "\r\n");
}

void client_request_encode(struct wr *w, const struct client_request *request)
{
    wr_text(w, "GET ");
    wr_text(w, request->url->target);
    wr_text(w, " HTTP/1.1\r\n");
    put_header(w, "Host", request->url->authority);
    wr_text(w, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ");
    wr_bytes(w, request->key, sizeof(request->key));
    wr_text(w, "\r\nSec-WebSocket-Version: 13\r\n");
    put_header(w, "Origin", request->origin);
    put_header(w, "Sec-WebSocket-Protocol", request->protocol);
    if (request->offers_deflate)
        put_header(w, "Sec-WebSocket-Extensions", WS_DEFLATE_OFFER);
    if (request->headers != NULL)
        wr_text(w, request->headers);
    wr_text(w, "\r\n");
}

static const char *check_upgrade(const struct client_answer *answer)
{
    const struct http1_request *fields = &answer->fields;
    const struct http1_header *header;

    if (answer->status != 101)
        return "the answer is not 101";
    if (fields->minor != 1)
        return "the answer is not HTTP/1.1";
    if (http1_find(fields, VIEW("Upgrade"), &header) != 1 ||
        !view_eq_nocase(header->value, VIEW("websocket")))
        return "the answer does not upgrade to websocket";
    if (!http1_has_token(fields, VIEW("Connection"), VIEW("upgrade")))
        return "the answer has no Connection: Upgrade";
    return NULL;
}

static const char *check_accept(const struct http1_request *fields, const char *key)
{
    const struct http1_header *header;
    char expected[ACCEPT_BYTES];

    if (http1_find(fields, VIEW("Sec-WebSocket-Accept"), &header) != 1)
        return "the answer needs one Sec-WebSocket-Accept";
    if (handshake_accept(expected, view_of(key, CLIENT_KEY_BYTES)) != OK ||
        !ct_equal(expected, header->value.ptr, sizeof(expected), header->value.len))
        return "Sec-WebSocket-Accept does not fit our key";
    return NULL;
}

static const char *check_protocol(const struct http1_request *fields, const char *asked)
{
    const struct http1_header *header;
    unsigned count = http1_find(fields, VIEW("Sec-WebSocket-Protocol"), &header);

    if (count == 0)
        return asked == NULL ? NULL : "the server does not speak the protocol we asked for";
    if (count > 1 || asked == NULL || !view_eq(header->value, view_of_text(asked)))
        return "the server chose a protocol that we did not ask for";
    return NULL;
}

static const char *check_extensions(struct ws_deflate_params *deflate,
                                    const struct http1_request *fields, bool was_offered)
{
    const struct http1_header *header;
    unsigned count = http1_find(fields, VIEW("Sec-WebSocket-Extensions"), &header);

    *deflate = (struct ws_deflate_params){.is_on = false};
    if (count == 0)
        return NULL;
    if (count > 1 || !was_offered || ws_deflate_accept(deflate, header->value) != OK)
        return "the server chose an extension that we did not offer";
    return NULL;
}

int client_answer_check(struct ws_deflate_params *deflate, const struct client_answer *answer,
                        const struct client_request *request, const char **fault)
{
    struct ws_deflate_params agreed = {.is_on = false};
    const char *wrong = check_upgrade(answer);

    if (wrong == NULL)
        wrong = check_accept(&answer->fields, request->key);
    if (wrong == NULL)
        wrong = check_protocol(&answer->fields, request->protocol);
    if (wrong == NULL)
        wrong = check_extensions(&agreed, &answer->fields, request->offers_deflate);
    if (wrong != NULL) {
        *fault = wrong;
        return E_INVALID;
    }
    *deflate = agreed;
    return OK;
}
