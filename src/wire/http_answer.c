/* SPDX-License-Identifier: Apache-2.0 */
/* Small complete answers. Every answer ends its connection: bytes that a client sent behind a
 * request we did not upgrade are never read as a second request (R-H9). No Server header; nothing
 * here comes from the request. */
#include "wire/http_answer.h"

static void write_header(struct wr *w, const char *name, const char *value)
{
    wr_text(w, name);
    wr_text(w, ": ");
    wr_text(w, value);
    wr_text(w, "\r\n");
}

void http_answer_head(struct wr *w, const struct http_answer *answer)
{
    wr_text(w, "HTTP/1.1 ");
    wr_dec(w, answer->status);
    wr_u8(w, ' ');
    wr_text(w, answer->phrase);
    wr_text(w, "\r\n");
    if (answer->offers_upgrade) {
        /* Who sends Upgrade must name it in Connection, in answers too (RFC 9110 section 7.8);
         * close stays true beside it. */
        write_header(w, "Upgrade", "websocket");
        write_header(w, "Connection", "Upgrade, close");
    } else {
        write_header(w, "Connection", "close");
    }
    if (answer->content_type != NULL)
        write_header(w, "Content-Type", answer->content_type);
    wr_text(w, "Content-Length: ");
    wr_dec(w, answer->body.len);
    wr_text(w, "\r\n");
    write_header(w, "X-Content-Type-Options", "nosniff");
    if (answer->is_tls)
        write_header(w, "Strict-Transport-Security", "max-age=31536000");
    if (answer->extra_headers != NULL)
        wr_text(w, answer->extra_headers);
    wr_text(w, "\r\n");
}

void http_answer_encode(struct wr *w, const struct http_answer *answer)
{
    http_answer_head(w, answer);
    wr_view(w, answer->body);
}
