/* SPDX-License-Identifier: Apache-2.0 */
/* rig.h: a server on a loop of this thread and a client in another, for the tests of net/. The
 * client thread must not use cmocka's assertions (they jump): CHECK notes the first failed line and
 * leaves the function, rig_run reports it. */
#ifndef TESTS_UNIT_NET_RIG_H
#define TESTS_UNIT_NET_RIG_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/link.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/mailbox.h"
#include "net/tls.h"

#define CHECK(rig, condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            if ((rig)->failed_line == 0)                                                           \
                (rig)->failed_line = __LINE__;                                                     \
            return;                                                                                \
        }                                                                                          \
    } while (0)

enum rig_kind { RIG_PLAIN, RIG_TLS, RIG_TLS12, RIG_TLS_OPENSSL };

struct rig_peer {
    struct conn conn; /* first: callbacks cast */
    struct rig *rig;
    struct link link;
    unsigned number; /* in order of accepting, from 0 */
    size_t got, sent;
    unsigned drained;
};

struct rig {
    struct loop *loop;
    struct mailbox *mail;
    struct listener *listener;
    uint16_t port;
    struct tls_server *tls;
    char dir[64], cert[80], key[80], ca[80];
    const struct conn_ops *ops;
    int send_buffer; /* SO_SNDBUF of accepted sockets; 0: the kernel's */
    struct link peers;
    unsigned live, opened, ends[8];
    char detail[128];
    bool spoke_plain;
    void (*client)(struct rig *rig);
    void (*work)(struct rig *rig); /* for rig_call */
    int failed_line;
    struct timer timer;
    void *user;
    size_t number;
    atomic_uint flag;
};

void rig_open(struct rig *rig, enum rig_kind kind, const struct conn_ops *ops);
void rig_close(struct rig *rig);
/* Runs `client` in a thread of its own until it returns, then the loop until every connection is
 * closed. */
void rig_run(struct rig *rig, void (*client)(struct rig *rig));
/* From the client thread: runs `work` on the loop's thread; does not wait for it. */
void rig_call(struct rig *rig, void (*work)(struct rig *rig));

/* For the ops of a test. */
void rig_echo(struct conn *c, uint8_t *data, size_t len);
void rig_shutdown(struct conn *c);
void rig_closed(struct conn *c, enum conn_end end);
extern const struct conn_ops rig_echo_ops;
struct rig_peer *rig_peer(struct rig *rig, unsigned number);

/* For clients: blocking, with a receive timeout of 5 s. */
int rig_connect(struct rig *rig);
bool rig_read_full(int fd, void *into, size_t len);
bool rig_at_eof(int fd); /* reads on to a clean EOF */
SSL_CTX *rig_ssl_context(const struct rig *rig);
SSL *rig_ssl(SSL_CTX *context, int fd); /* handshake done, or NULL */
bool rig_ssl_echo(SSL *ssl, const char *text);
void rig_ssl_close(SSL *ssl, int fd);
/* A TLS client whose bytes go through our hands: what it says lies in `out` until it is taken or
 * flushed. */
struct hand {
    SSL *ssl;
    BIO *in, *out;
    int fd;
};
bool hand_open(struct hand *h, SSL_CTX *context, struct rig *rig);
void hand_close(struct hand *h);
int hand_take(struct hand *h, uint8_t *into, int cap);
bool hand_receive(struct hand *h);
bool hand_finish(struct hand *h); /* the handshake; its last flight stays in `out` */
bool hand_flush(struct hand *h);
bool hand_read(struct hand *h, char *into, int len);
/* The byte that stands at `offset` of the endless test stream. */
uint8_t rig_pattern(size_t offset);

#endif
