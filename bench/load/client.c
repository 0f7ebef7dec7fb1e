/* SPDX-License-Identifier: Apache-2.0 */
/* One client connection: TCP, TLS, the upgrade, frames. It trusts the server's certificate as it is,
 * because it measures and does not protect. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include "load.h"

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#define WAIT_MS 30000

void client_connect(struct load *l, struct client *c, int index)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket: %s", strerror(errno));
    from.sin_addr.s_addr = htonl(0x7f000001U + (uint32_t)(index % l->o.sources));
    (void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    if (l->o.sources > 1 && bind(c->fd, (struct sockaddr *)&from, sizeof(from)) != 0)
        die("bind: %s", strerror(errno));
    if (connect(c->fd, (const struct sockaddr *)&l->o.to, sizeof(l->o.to)) != 0)
        die("connection %d: %s", index, strerror(errno));
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    client_set_nonblocking(c);
    if (!l->o.is_tls)
        return;
    c->ssl = SSL_new(l->tls);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_set_tlsext_host_name(c->ssl, l->o.host) != 1)
        die("no TLS object");
    if (l->session != NULL)
        (void)SSL_set_session(c->ssl, l->session);
    SSL_set_connect_state(c->ssl);
}

void client_set_nonblocking(struct client *c)
{
    if (fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK) != 0)
        die("fcntl: %s", strerror(errno));
}

void client_close(struct client *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
    (void)close(c->fd);
    c->fd = -1;
}

static void wait_for(struct client *c, short events)
{
    struct pollfd p = {.fd = c->fd, .events = events};

    if (poll(&p, 1, WAIT_MS) != 1)
        die("the server does not answer");
}

void client_shake(struct client *c, bool is_last_try)
{
    int rc;

    if (c->ssl == NULL)
        return;
    do {
        ERR_clear_error();
        rc = SSL_do_handshake(c->ssl);
        if (rc == 1)
            return;
        if (SSL_get_error(c->ssl, rc) != SSL_ERROR_WANT_READ)
            die("TLS handshake: %s", ERR_reason_error_string(ERR_peek_error()));
        if (is_last_try)
            wait_for(c, POLLIN);
    } while (is_last_try);
}

static void write_all(struct client *c, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n;
        if (c->ssl != NULL) {
            n = SSL_write(c->ssl, bytes, (int)len);
            if (n <= 0 && SSL_get_error(c->ssl, (int)n) != SSL_ERROR_WANT_WRITE)
                die("SSL_write: %s", ERR_reason_error_string(ERR_peek_error()));
        } else {
            n = send(c->fd, bytes, len, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN)
                die("send: %s", strerror(errno));
        }
        if (n <= 0) {
            wait_for(c, POLLOUT);
            continue;
        }
        bytes += n;
        len -= (size_t)n;
    }
}

/* Bytes, 0 for "later", -1 at the end. */
static ssize_t read_some(struct client *c, uint8_t *into, size_t cap)
{
    ssize_t n;

    if (c->ssl != NULL) {
        ERR_clear_error();
        n = SSL_read(c->ssl, into, (int)cap);
        if (n > 0)
            return n;
        return SSL_get_error(c->ssl, (int)n) == SSL_ERROR_WANT_READ ? 0 : -1;
    }
    n = recv(c->fd, into, cap, 0);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void client_ask_upgrade(struct load *l, struct client *c)
{
    char text[4096];
    bool has_token = l->o.in_header && l->o.token != NULL;
    bool is_publisher = c == &l->clients[l->o.conns];
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s\r\n",
                     is_publisher && l->o.publish_path != NULL ? l->o.publish_path : l->o.path, l->o.host,
                     ntohs(l->o.to.sin_port),
                     l->o.has_deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
                                        "server_no_context_takeover\r\n"
                                      : "",
                     has_token ? "Authorization: Bearer " : "",
                     has_token ? l->o.token : "", has_token ? "\r\n" : "");

    if (n < 0 || (size_t)n >= sizeof(text))
        die("token too long");
    write_all(c, (const uint8_t *)text, (size_t)n);
}

/* Byte by byte, so that nothing behind the head is taken. */
void client_await_upgrade(struct load *l, struct client *c)
{
    char head[2048];
    size_t len = 0;

    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = read_some(c, (uint8_t *)head + len, 1);
        if (n < 0 || len + 2 > sizeof(head))
            die("no upgrade: %.*s", (int)len, head);
        if (n == 0)
            wait_for(c, POLLIN);
        len += (size_t)n;
    }
    if (memcmp(head, "HTTP/1.1 101", 12) != 0)
        die("refused: %.*s", (int)len, head);
    if (l->o.has_deflate && memmem(head, len, "permessage-deflate", 18) == NULL)
        die("the server does not compress");
}

void client_send(struct client *c, unsigned opcode, const void *payload, size_t len)
{
    uint8_t frame[70000], *at = frame;
    const uint8_t *bytes = payload;
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};

    if (len > 65535)
        die("message too long");
    *at++ = (uint8_t)(0x80U | opcode);
    if (len < 126) {
        *at++ = (uint8_t)(0x80U | len);
    } else {
        *at++ = 0x80U | 126U;
        *at++ = (uint8_t)(len >> 8);
        *at++ = (uint8_t)len;
    }
    memcpy(at, mask, 4);
    at += 4;
    for (size_t i = 0; i < len; i++)
        *at++ = bytes[i] ^ mask[i & 3];
    write_all(c, frame, (size_t)(at - frame));
}

/* A TLS 1.3 ticket comes with the first bytes behind the handshake. */
void client_keep_session(struct load *l, struct client *c)
{
    if (!l->o.resumes || c->ssl == NULL)
        return;
    if (l->session == NULL)
        l->session = SSL_get1_session(c->ssl);
    else if (!SSL_session_reused(c->ssl))
        l->not_resumed++;
}

static void frame_ends(struct load *l, struct client *c)
{
    c->is_inside = false;
    c->head_len = 0;
    if (c->opcode == 9) {
        client_send(c, 10, c->begin, c->begin_len);
    } else if (c->opcode == 8) {
        c->is_gone = true;
    } else if (c->opcode <= 2) {
        c->frames++;
        l->received++;
        if (l->on_frame != NULL)
            l->on_frame(l, c);
    }
    c->begin_len = 0;
}

/* True when the head is complete. */
static bool take_head(struct client *c, uint8_t byte)
{
    unsigned size, want;

    c->head[c->head_len++] = byte;
    if (c->head_len < 2)
        return false;
    size = c->head[1] & 0x7fU;
    want = size == 126 ? 4 : size == 127 ? 10 : 2;
    if (c->head_len < want)
        return false;
    c->left = size < 126 ? size : 0;
    for (unsigned i = 2; i < want; i++)
        c->left = c->left << 8 | c->head[i];
    c->opcode = c->head[0] & 15U;
    c->is_inside = true;
    return true;
}

static void scan(struct load *l, struct client *c, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t n = len, keep;
        if (!c->is_inside) {
            bool is_whole = take_head(c, *bytes);
            bytes++;
            len--;
            if (is_whole && c->left == 0)
                frame_ends(l, c);
            continue;
        }
        if (n > c->left)
            n = (size_t)c->left;
        keep = n < BEGIN_BYTES - (size_t)c->begin_len ? n : BEGIN_BYTES - (size_t)c->begin_len;
        memcpy(c->begin + c->begin_len, bytes, keep);
        c->begin_len = (uint16_t)(c->begin_len + keep);
        bytes += n;
        len -= n;
        c->left -= n;
        if (c->left == 0)
            frame_ends(l, c);
    }
}

void client_read(struct load *l, struct client *c)
{
    static uint8_t bytes[65536];
    ssize_t n;

    c->begin = l->begin;
    do {
        n = read_some(c, bytes, sizeof(bytes));
        if (n > 0)
            scan(l, c, bytes, (size_t)n);
    } while (n == (ssize_t)sizeof(bytes) || (n > 0 && c->ssl != NULL && SSL_has_pending(c->ssl)));
    if ((n < 0 || c->is_gone) && c->fd >= 0) {
        l->gone++;
        c->is_gone = true;
        close(c->fd);
        c->fd = -1;
    }
}

void client_await(struct load *l, struct client *c, const char *word)
{
    uint64_t had = c->frames;

    for (;;) {
        client_read(l, c);
        if (c->frames > had)
            break;
        if (c->is_gone)
            die("closed instead of \"%s\"", word);
        wait_for(c, POLLIN);
    }
    if (memmem(l->begin, BEGIN_BYTES, word, strlen(word)) == NULL)
        die("expected \"%s\", got %.100s", word, (const char *)l->begin);
    memset(l->begin, 0, BEGIN_BYTES);
}
