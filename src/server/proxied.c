/* SPDX-License-Identifier: Apache-2.0 */
/* proxied.c: only trusted proxies get so far, so what waits here is theirs; a ceiling holds anyway,
 * for the day on which one of them goes mad. */
#include "server/proxied.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/status.h"
#include "net/proxy_reader.h"
#include "server/peer.h"

#define PROXIED_MAX 4096 /* of one worker */

struct proxied {
    struct proxy_reader reader; /* first */
    struct worker_listener *from;
    struct link link;
    struct ip_address ip;
    uint16_t port;
};

static void log_refused(struct worker *w, const struct ip_address *ip, uint16_t port,
                        const char *code)
{
    char text[IP_TEXT_BYTES];
    struct event event = {
        .type = EVENT_CONNECTION_REFUSED, .outcome = OUTCOME_REFUSED, .code = code, .port = port};

    ip_address_text(ip, text);
    event.ip = view_of_text(text);
    event_log_put(w->server->events, &event);
}

static struct proxied *proxied_of(struct proxy_reader *reader)
{
    return (struct proxied *)(void *)reader;
}

static void on_header(struct proxy_reader *reader, int fd, const struct proxy_header *header,
                      const char *fault)
{
    struct proxied *p = proxied_of(reader);

    if (fd >= 0 && header->has_client)
        peer_accept(p->from, fd, &header->client, header->client_port);
    else if (fd >= 0)
        peer_accept(p->from, fd, &p->ip, p->port);
    else if (fault != NULL)
        log_refused(p->from->worker, &p->ip, p->port, fault);
}

static void on_closed(struct proxy_reader *reader)
{
    struct proxied *p = proxied_of(reader);

    link_remove(&p->link);
    p->from->worker->proxied_count--;
    free(p);
}

static const struct proxy_reader_ops reader_ops = {on_header, on_closed};

void proxied_accept(struct worker_listener *from, int fd, const struct ip_address *ip,
                    uint16_t port)
{
    struct worker *w = from->worker;
    const struct options *o = w->options;
    bool is_trusted = ip_nets_have(&o->listeners[from->index].proxies, ip);
    struct proxied *p = NULL;

    if (is_trusted && w->proxied_count < PROXIED_MAX)
        p = calloc(1, sizeof(*p));
    if (p == NULL) {
        log_refused(w, ip, port, is_trusted ? "server_full" : "proxy_not_trusted");
        (void)close(fd);
        return;
    }
    p->from = from;
    p->ip = *ip;
    p->port = port;
    if (proxy_reader_open(&p->reader, w->loop, fd, loop_now_ms(w->loop) + o->timeouts.header_ms,
                          &reader_ops) != OK) {
        free(p);
        return;
    }
    link_append(&w->proxied, &p->link);
    w->proxied_count++;
}

void proxied_abort_all(struct worker *w)
{
    struct link *next;

    for (struct link *at = w->proxied.next; at != &w->proxied; at = next) {
        next = at->next;
        proxy_reader_abort(&LINK_ITEM(at, struct proxied, link)->reader);
    }
}
