/* SPDX-License-Identifier: Apache-2.0 */
/* crowd.c: addresses, the request, memory and the one epoll. */
#include "bench/crowd.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/status.h"
#include "bench/link_socket.h"
#include "client/dial.h"
#include "crypto/secret.h"

#define EVENTS_MAX    512
#define DESCRIPTORS   32 /* of our own beside the links' */
#define PROBE_WAIT_MS 5000

void crowd_fail(struct crowd *c, const char *format, ...)
{
    va_list list;

    if (c->has_failed)
        return; /* what failed first is the reason for the rest */
    c->has_failed = true;
    va_start(list, format);
    (void)vsnprintf(c->why.text, sizeof(c->why.text), format, list);
    va_end(list);
    /* A server's words are among them, and this goes to a terminal. */
    for (char *at = c->why.text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '.';
}

/* --- opening --- */

static bool is_answering(const struct addrinfo *a)
{
    int fd = socket_connect(a->ai_addr, a->ai_addrlen, 1, 0);
    struct pollfd one = {.fd = fd, .events = POLLOUT};
    bool is_there;

    if (fd < 0)
        return false;
    is_there = poll(&one, 1, PROBE_WAIT_MS) == 1;
    errno = is_there ? socket_fault(fd) : ETIMEDOUT;
    is_there = errno == 0;
    (void)close(fd);
    return is_there;
}

/* The first of the name's addresses that somebody listens on. Only a name of several is tried: a
 * server that counts connections should see ours and no other. */
static int find_address(struct crowd_door *door, const struct ws_url *url, struct error *why)
{
    const char *fault = "";
    struct dial dial;
    const struct addrinfo *a;

    if (dial_open(&dial, url->host.name, url->host.port, &fault) != OK) {
        error_set(why, "%s: %s", url->host.name, fault);
        return E_MISSING;
    }
    for (a = dial.all; a != NULL; a = a->ai_next)
        if (dial.all->ai_next == NULL || is_answering(a))
            break;
    if (a == NULL)
        error_set(why, "nobody answers at %s: %s", url->authority, strerror(errno));
    else
        memcpy(&door->address, a->ai_addr, a->ai_addrlen);
    door->address_bytes = a != NULL ? a->ai_addrlen : 0;
    dial_close(&dial);
    return door->address_bytes > 0 ? OK : E_IO;
}

static int make_request(struct crowd_door *door, const struct plan *plan, const struct ws_url *url)
{
    char *headers = NULL;
    uint8_t random[16];
    struct wr w;
    int rc = OK;

    random_bytes(random, sizeof(random));
    door->request = (struct client_request){.url = url,
                                            .origin = plan->origin,
                                            .protocol = plan->subprotocol,
                                            .offers_deflate = plan->offers_deflate};
    (void)base64_encode(door->request.key, random, sizeof(random));
    buf_init(&door->head, CLIENT_REQUEST_MAX + PLAN_TOKEN_MAX);
    if (buf_reserve(&door->head, door->head.max) != OK)
        return E_NOMEM;
    if (plan->is_bearer && plan->token.len > 0) {
        if (asprintf(&headers, "Authorization: Bearer %s\r\n", (const char *)plan->token.data) < 0)
            return E_NOMEM;
        door->request.headers = headers;
    }
    w = wr_of(door->head.data, door->head.cap);
    client_request_encode(&w, &door->request);
    door->head.len = wr_len(&w);
    if (w.failed)
        rc = E_LIMIT;
    if (headers != NULL) {
        secret_wipe(headers, strlen(headers));
        free(headers);
    }
    door->request.headers = NULL;
    return rc;
}

static int open_door(struct crowd *c, struct crowd_door *door, const struct ws_url *url,
                     struct error *why)
{
    struct tls_load_options tls = {.server_name = url->host.name,
                                   .ca_path = c->plan->ca,
                                   .is_insecure = c->plan->is_insecure,
                                   .resumes = c->plan->resumes};
    int rc = find_address(door, url, why);

    if (rc != OK)
        return rc;
    if (c->plan->sources > 1 &&
        (door->address.ss_family != AF_INET ||
         ((const uint8_t *)&((const struct sockaddr_in *)&door->address)->sin_addr)[0] != 127)) {
        error_set(why, "--sources is for servers on 127.0.0.1");
        return E_INVALID;
    }
    rc = make_request(door, c->plan, url);
    if (rc != OK) {
        error_set(why, "the request is too long");
        return rc;
    }
    return url->is_tls ? tls_load_new(&door->tls, &tls, why) : OK;
}

static int allow_descriptors(uint32_t links_count, struct error *why)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return OK;
    if (files.rlim_max < links_count + DESCRIPTORS) {
        error_set(why,
                  "%u connections need more descriptors than the %llu that are allowed: "
                  "ulimit -Hn %u, as root, or fewer --connections",
                  links_count, (unsigned long long)files.rlim_max, links_count + DESCRIPTORS);
        return E_LIMIT;
    }
    if (files.rlim_cur < links_count + DESCRIPTORS) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return OK;
}

static int allocate(struct crowd *c, struct error *why)
{
    c->links = calloc(c->links_count, sizeof(*c->links));
    c->bytes = malloc(CROWD_READ_BYTES);
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (c->links == NULL || c->bytes == NULL || c->epoll < 0) {
        error_set(why, "out of memory or descriptors for %u connections", c->links_count);
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < c->links_count; i++) {
        c->links[i].index = i;
        c->links[i].fd = -1;
    }
    return OK;
}

int crowd_open(struct crowd *c, const struct plan *plan, uint32_t links_count, struct error *why)
{
    int rc;

    memset(c, 0, sizeof(*c));
    c->plan = plan;
    c->links_count = links_count;
    c->epoll = -1;
    rc = allow_descriptors(links_count, why);
    if (rc == OK)
        rc = allocate(c, why);
    if (rc == OK)
        rc = open_door(c, &c->doors[0], &plan->url, why);
    if (rc == OK && plan->has_publish_url)
        rc = open_door(c, &c->doors[1], &plan->publish_url, why);
    if (rc == OK && plan->offers_deflate) {
        rc = ws_inflate_new(&c->inflate, 15, false);
        if (rc != OK)
            error_set(why, "out of memory");
    }
    c->last_ns = c->now_ns = clock_mono_ns();
    return rc;
}

void crowd_close(struct crowd *c)
{
    for (uint32_t i = 0; c->links != NULL && i < c->links_count; i++) {
        bench_link_say_goodbye(c, &c->links[i]);
        bench_link_drop(c, &c->links[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        secret_buf_clear(&c->doors[i].head);
        tls_load_free(c->doors[i].tls);
    }
    ws_inflate_free(c->inflate);
    if (c->epoll >= 0)
        (void)close(c->epoll);
    free(c->links);
    free(c->bytes);
    c->links = NULL;
    c->bytes = NULL;
    c->epoll = -1;
}

/* --- turning --- */

/* epoll_wait counts in milliseconds, a steady rate in less. */
static int wait_ms(struct crowd *c, uint64_t wait_ns)
{
    struct timespec part = {.tv_nsec = (long)(wait_ns % 1000000000)};
    struct pollfd one = {.fd = c->epoll, .events = POLLIN};

    if (wait_ns == 0 || wait_ns >= 2000000)
        return (int)(wait_ns / 1000000);
    (void)ppoll(&one, 1, &part, NULL);
    return 0;
}

void crowd_turn(struct crowd *c, uint64_t wait_ns)
{
    struct epoll_event events[EVENTS_MAX];
    int n = epoll_wait(c->epoll, events, EVENTS_MAX, wait_ms(c, wait_ns));

    for (int i = 0; i < n && !c->has_failed; i++) {
        struct bench_link *l = events[i].data.ptr;

        if (l->state != LINK_FREE)
            bench_link_on_ready(c, l, events[i].events);
    }
}

void crowd_await(struct crowd *c, const char *what)
{
    uint64_t now;

    crowd_turn(c, 100000000);
    now = clock_mono_ns();
    if (now > c->last_ns && now - c->last_ns > c->plan->timeout_ns)
        crowd_fail(c, "no answer for %llu s while waiting for %s%s%s (--timeout)",
                   (unsigned long long)(c->plan->timeout_ns / 1000000000), what,
                   c->last_words[0] != '\0' ? "; the server had said: " : "", c->last_words);
}

void crowd_open_links(struct crowd *c, uint32_t from, uint32_t to)
{
    uint64_t wanted = c->opened + (to - from);
    uint32_t next = from;

    c->last_ns = clock_mono_ns();
    while (!c->has_failed && c->opened < wanted) {
        while (next < to && c->under_way < c->plan->batch && !c->has_failed)
            bench_link_start(c, &c->links[next++]);
        crowd_await(c, "connections to open");
    }
}
