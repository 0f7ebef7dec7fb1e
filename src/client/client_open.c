/* SPDX-License-Identifier: Apache-2.0 */
/* From nothing to the 101: the request, and the answer that may be a refusal with a body. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/random.h"
#include "base/status.h"
#include "client/client_private.h"
#include "crypto/secret.h"
#include "wire/close_code.h"

#define KEY_RANDOM_BYTES 16
#define FRAGMENTS_MAX    65536
#define DEFLATE_LEVEL    6

static int prepare(struct client *c, const struct client_options *options, const char **fault)
{
    uint8_t random[KEY_RANDOM_BYTES];
    struct wr w;
    int rc = buf_reserve(&c->out, CLIENT_REQUEST_MAX);

    *fault = status_text(E_NOMEM);
    if (rc != OK)
        return rc;
    if (options->protocol != NULL) {
        c->protocol = view_dup(view_of_text(options->protocol));
        if (c->protocol == NULL)
            return E_NOMEM;
    }
    random_bytes(random, sizeof(random));
    c->request = (struct client_request){.url = &c->url,
                                         .origin = options->origin,
                                         .protocol = c->protocol,
                                         .headers = options->headers,
                                         .offers_deflate = options->offers_deflate};
    (void)base64_encode(c->request.key, random, sizeof(random));
    w = wr_of(c->out.data, CLIENT_REQUEST_MAX);
    client_request_encode(&w, &c->request);
    c->request.origin = c->request.headers = NULL; /* the caller's */
    *fault = "the request's headers are too long";
    if (w.failed)
        return E_LIMIT;
    c->out.len = wr_len(&w);
    return dial_open(&c->dial, c->url.host.name, c->url.host.port, fault);
}

int client_open(struct client **out, struct loop *loop, const struct client_options *options,
                const char **fault)
{
    struct client *c = calloc(1, sizeof(*c));
    int rc;

    *fault = status_text(E_NOMEM);
    if (c == NULL)
        return E_NOMEM;
    c->loop = loop;
    c->tls = options->tls;
    c->url = *options->url;
    c->limits = (struct ws_limits){.message_bytes = CLIENT_MESSAGE_MAX,
                                   .fragments = FRAGMENTS_MAX,
                                   .accepts_text = true,
                                   .accepts_binary = true};
    buf_init(&c->out, CLIENT_REQUEST_MAX);
    buf_init(&c->in, HTTP1_HEAD_MAX + CLIENT_BODY_MAX);
    rc = c->url.is_tls && c->tls == NULL ? E_INVALID : prepare(c, options, fault);
    if (rc != OK) {
        secret_buf_clear(&c->out);
        free(c->protocol);
        free(c);
        return rc;
    }
    *out = c;
    return OK;
}

void client_send_request(struct client *c)
{
    struct client_trace trace = {.is_out = true, .is_head = true, .bytes = buf_view(&c->out)};

    dial_close(&c->dial);
    c->state = CLIENT_ASKING;
    timer_start(c->loop, &c->deadline, loop_now_ms(c->loop) + CLIENT_HANDSHAKE_MS);
    client_trace(c, &trace);
    if (conn_write(&c->conn, c->out.data, c->out.len) != OK)
        client_abort(c, "the request could not be sent");
    secret_buf_clear(&c->out);
}

static void give_up(struct client *c, const char *why)
{
    client_set_ending(c, CLIENT_BROKEN, CLOSE_PROTOCOL, view_of_text(why));
    c->state = CLIENT_DONE;
    conn_abort(&c->conn);
}

/* c->in holds what there is of the body. */
static void look_at_body(struct client *c)
{
    if (c->in.len < c->body_bytes)
        return;
    c->state = CLIENT_DONE;
    conn_abort(&c->conn);
}

static void refused(struct client *c, const struct client_answer *answer, size_t head_bytes)
{
    uint64_t length;

    client_set_ending(c, CLIENT_REFUSED, answer->status, answer->phrase);
    c->state = CLIENT_BODY;
    c->body_bytes = CLIENT_BODY_MAX;
    if (client_answer_length(answer, &length) && length < CLIENT_BODY_MAX)
        c->body_bytes = length;
    buf_consume(&c->in, head_bytes);
    look_at_body(c);
}

static const char *agree(struct client *c, const struct client_answer *answer)
{
    struct ws_deflate_params agreed;
    const char *fault;

    if (client_answer_check(&agreed, answer, &c->request, &fault) != OK)
        return fault;
    if (agreed.is_on &&
        (ws_inflate_new(&c->inflate, agreed.server_max_window_bits, false) != OK ||
         ws_deflate_new(&c->deflate, agreed.client_max_window_bits, DEFLATE_LEVEL, false) != OK))
        return status_text(E_NOMEM);
    ws_decoder_init(&c->decoder, &c->limits, c->inflate);
    return NULL;
}

/* The whole head is in c->in, perhaps with the first frames behind it; `rest` did not fit there. */
static void answered(struct client *c, const struct client_answer *answer, size_t head_bytes,
                     uint8_t *rest, size_t rest_len)
{
    struct client_trace trace = {.is_head = true, .bytes = view_of(c->in.data, head_bytes)};
    const char *fault;

    client_trace(c, &trace);
    if (answer->status != 101) {
        refused(c, answer, head_bytes);
        return;
    }
    fault = agree(c, answer);
    if (fault != NULL) {
        give_up(c, fault);
        return;
    }
    client_become_open(c, c->in.data + head_bytes, c->in.len - head_bytes);
    if (rest_len > 0 && (c->state == CLIENT_OPEN || c->state == CLIENT_CLOSING))
        client_on_frames(c, rest, rest_len);
    buf_clear(&c->in);
}

void client_on_answer(struct client *c, uint8_t *data, size_t len)
{
    size_t room = (c->state == CLIENT_BODY ? c->body_bytes : HTTP1_HEAD_MAX) - c->in.len;
    size_t taken = len < room ? len : room;
    struct client_answer answer;
    size_t head_bytes = 0;

    if (buf_append(&c->in, data, taken) != OK) {
        give_up(c, status_text(E_NOMEM));
        return;
    }
    if (c->state == CLIENT_BODY) {
        look_at_body(c);
        return;
    }
    switch (client_answer_parse(&answer, (const char *)c->in.data, c->in.len, &c->scanned,
                                &head_bytes)) {
    case HTTP1_MORE:
        return;
    case HTTP1_DONE:
        answered(c, &answer, head_bytes, data + taken, len - taken);
        return;
    case HTTP1_TOO_LARGE:
        give_up(c, "the answer's head has no end");
        return;
    default:
        give_up(c, "the answer is not HTTP/1.1");
        return;
    }
}
