/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h as a queue that mock_turn opens, listener.h and tls.h for a server that nobody connects
 * to but the test, and random.h from a seed. */
#include "mock_net.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/random.h"
#include "base/status.h"
#include "net/listener.h"
#include "net/mailbox.h"

struct mailbox {
    struct link link;
    void *context;
    size_t capacity, reserved, len, first;
    struct letter *letters;
};

static uint64_t random_state;

/* --- base/random.h --- */

void mock_seed(uint64_t seed)
{
    random_state = seed;
}

uint64_t random_u64(void)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void random_bytes(void *out, size_t len)
{
    uint8_t *to = out;

    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)random_u64();
}

uint32_t random_jitter(uint64_t *state, uint32_t below)
{
    *state = random_u64();
    return below > 0 ? (uint32_t)(*state % below) : 0;
}

/* --- net/mailbox.h --- */

int mailbox_new(struct mailbox **out, struct loop *l, size_t capacity, void *context)
{
    struct mailbox *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return E_NOMEM;
    m->context = context;
    m->capacity = capacity < 64 ? capacity : 64; /* small, so that it is full at times */
    m->letters = calloc(m->capacity, sizeof(m->letters[0]));
    if (m->letters == NULL) {
        free(m);
        return E_NOMEM;
    }
    link_init(&m->link);
    link_append(mock_mailboxes(l), &m->link);
    *out = m;
    return OK;
}

static bool open_one(struct mailbox *m)
{
    struct letter letter;

    if (m->len == 0)
        return false;
    letter = m->letters[m->first];
    m->first = (m->first + 1) % m->capacity;
    m->len--;
    m->reserved--;
    letter.open(m->context, letter.a, letter.b);
    return true;
}

void mock_mail_open(struct link *mailboxes)
{
    for (struct link *at = mailboxes->next; at != mailboxes; at = at->next) {
        struct mailbox *m = LINK_ITEM(at, struct mailbox, link);
        for (size_t i = m->len; i > 0; i--)
            (void)open_one(m);
    }
}

void mailbox_close(struct mailbox *m)
{
    if (m == NULL)
        return;
    while (open_one(m)) {
    }
    link_remove(&m->link);
    free(m->letters);
    free(m);
}

bool mailbox_reserve(struct mailbox *m)
{
    if (m->reserved == m->capacity)
        return false;
    m->reserved++;
    return true;
}

void mailbox_unreserve(struct mailbox *m)
{
    ASSERT(m->reserved > m->len);
    m->reserved--;
}

void mailbox_post_reserved(struct mailbox *m, struct letter letter)
{
    ASSERT(m->reserved > m->len);
    m->letters[(m->first + m->len++) % m->capacity] = letter;
}

bool mailbox_post(struct mailbox *m, struct letter letter)
{
    if (!mailbox_reserve(m))
        return false;
    mailbox_post_reserved(m, letter);
    return true;
}

/* --- net/listener.h, net/tls.h: nobody listens here --- */

struct listener {
    int unused;
};

int listener_probe(const struct listen_address *address, struct error *why)
{
    (void)address;
    (void)why;
    return OK;
}

int listener_bind(const struct listen_address *address, uint16_t *bound_port, struct error *why)
{
    (void)address;
    (void)why;
    *bound_port = 1;
    return 1000000; /* never used as a descriptor */
}

int listener_share(int fd)
{
    return fd;
}

void listener_spare(struct listener *l, unsigned count)
{
    (void)l;
    (void)count;
}

int listener_open(struct listener **out, struct loop *l, int fd,
                  void (*on_accept)(void *context, int fd, const struct ip_address *peer,
                                    uint16_t peer_port),
                  void *context)
{
    (void)l;
    (void)fd;
    (void)on_accept;
    (void)context;
    *out = calloc(1, sizeof(**out));
    return *out != NULL ? OK : E_NOMEM;
}

void listener_close(struct listener *l)
{
    free(l);
}

int tls_server_new(struct tls_server **out, const struct tls_server_options *options,
                   struct error *why)
{
    (void)out;
    (void)options;
    (void)why;
    return E_INVALID;
}

struct tls_server *tls_server_keep(struct tls_server *t)
{
    ASSERT(t == NULL);
    return t;
}

void tls_server_drop(struct tls_server *t)
{
    ASSERT(t == NULL);
}

bool conn_serves_host(const struct conn *c, struct view name)
{
    (void)c;
    (void)name;
    return true;
}

int conn_peer_certificate(const struct conn *c, struct buf *der)
{
    (void)c;
    (void)der;
    return E_MISSING;
}

bool conn_peer_is_revoked(const struct conn *c, const struct tls_server *now)
{
    (void)c;
    (void)now;
    return false;
}
