/* SPDX-License-Identifier: Apache-2.0 */
/* The same job on libwebsockets, the way its own examples do it: a message from a publisher goes into
 * a ring, lws_callback_on_writable asks for every subscriber, and the writable callback writes the
 * next message to the one it is called for. One thread, no log, compression only where it is asked for.
 *
 *   lws_server PORT CERT KEY [BYTES [deflate]]     CERT "-" means plain; BYTES: room for a message in one piece
 *
 * A client that says "subscribe" is answered "subscribed" and from then on gets what is said; everything
 * else is said to all subscribers and answered "ack". On the path /echo what comes goes back. */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING 64
#define MESSAGE_MAX 4096

struct message {
    size_t len;
    unsigned char bytes[LWS_PRE + MESSAGE_MAX];
};

struct session {
    struct lws *wsi;
    struct session *next, *prev; /* of the subscribers */
    uint64_t seen;               /* messages of the ring that it has been sent */
    bool is_subscriber, owes_answer, owes_ack, is_echo;
    struct echo *first_echo, *last_echo;
};

/* What an echo still has to send: its messages in the order they came. */
struct echo {
    struct echo *next;
    size_t len;
    unsigned char bytes[];
};

static struct {
    struct message ring[RING];
    uint64_t made;
    struct session *first;
} hub;

static void join(struct session *s)
{
    if (s->is_subscriber)
        return;
    s->is_subscriber = s->owes_answer = true;
    s->seen = hub.made;
    s->prev = NULL;
    s->next = hub.first;
    if (hub.first != NULL)
        hub.first->prev = s;
    hub.first = s;
    lws_callback_on_writable(s->wsi);
}

static void leave(struct session *s)
{
    if (!s->is_subscriber)
        return;
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        hub.first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    s->is_subscriber = false;
}

static void publish(struct session *from, const void *in, size_t len)
{
    struct message *m = &hub.ring[hub.made % RING];

    m->len = len < MESSAGE_MAX ? len : MESSAGE_MAX;
    memcpy(m->bytes + LWS_PRE, in, m->len);
    hub.made++;
    from->owes_ack = true;
    lws_callback_on_writable(from->wsi);
    for (struct session *s = hub.first; s != NULL; s = s->next)
        lws_callback_on_writable(s->wsi);
}

/* A message that comes in pieces is put together in the last of the list. */
static void receive_echo(struct session *s, const void *in, size_t len)
{
    bool is_first = lws_is_first_fragment(s->wsi) != 0;
    size_t had = is_first ? 0 : s->last_echo->len;
    struct echo *e = is_first ? NULL : s->last_echo, **at = &s->first_echo;

    while (*at != e)
        at = &(*at)->next;
    e = realloc(e, sizeof(*e) + LWS_PRE + had + len);
    if (e == NULL)
        abort();
    e->next = NULL;
    e->len = had + len;
    memcpy(e->bytes + LWS_PRE + had, in, len);
    *at = s->last_echo = e;
    if (lws_is_final_fragment(s->wsi))
        lws_callback_on_writable(s->wsi);
}

static void receive(struct session *s, const void *in, size_t len)
{
    if (s->is_echo) {
        receive_echo(s, in, len);
    } else if (len == 9 && memcmp(in, "subscribe", 9) == 0) {
        join(s);
    } else {
        publish(s, in, len);
    }
}

static int write_text(struct session *s, unsigned char *at, size_t len)
{
    return lws_write(s->wsi, at, len, LWS_WRITE_TEXT) < (int)len ? -1 : 0;
}

static int writable_echo(struct session *s)
{
    struct echo *e = s->first_echo;
    int rc;

    if (e == NULL)
        return 0;
    s->first_echo = e->next;
    rc = write_text(s, e->bytes + LWS_PRE, e->len);
    free(e);
    if (s->first_echo != NULL)
        lws_callback_on_writable(s->wsi);
    return rc;
}

static int writable(struct session *s)
{
    unsigned char answer[LWS_PRE + 16];
    struct message *m;

    if (s->is_echo)
        return writable_echo(s);
    if (s->owes_answer || s->owes_ack) {
        const char *word = s->owes_answer ? "subscribed" : "ack";
        size_t len = strlen(word);
        s->owes_answer = s->owes_ack = false;
        memcpy(answer + LWS_PRE, word, len);
        if (s->is_subscriber && s->seen < hub.made)
            lws_callback_on_writable(s->wsi);
        return write_text(s, answer + LWS_PRE, len);
    }
    if (!s->is_subscriber || s->seen >= hub.made)
        return 0;
    if (hub.made - s->seen > RING)
        return -1; /* too slow */
    m = &hub.ring[s->seen % RING];
    s->seen++;
    if (s->seen < hub.made)
        lws_callback_on_writable(s->wsi);
    return write_text(s, m->bytes + LWS_PRE, m->len);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct session *s = user;
    char path[16];

    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        memset(s, 0, sizeof(*s));
        s->wsi = wsi;
        s->is_echo = lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 0 && strcmp(path, "/echo") == 0;
        break;
    case LWS_CALLBACK_CLOSED:
        leave(s);
        for (struct echo *e = s->first_echo, *next; e != NULL; e = next) {
            next = e->next;
            free(e);
        }
        break;
    case LWS_CALLBACK_RECEIVE:
        receive(s, in, len);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return writable(s);
    default:
        break;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static const struct lws_extension deflate[] = {
        {"permessage-deflate", lws_extension_callback_pm_deflate,
         "permessage-deflate; client_no_context_takeover; server_no_context_takeover"},
        {NULL, NULL, NULL},
    };
    struct lws_protocols protocols[] = {
        {.name = "bench", .callback = on_event, .per_session_data_size = sizeof(struct session)},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {0};
    struct lws_context *context;

    if (argc < 4) {
        fprintf(stderr, "usage: lws_server PORT CERT KEY [BYTES [deflate]]\n");
        return 2;
    }
    protocols[0].rx_buffer_size = argc > 4 ? (size_t)atoi(argv[4]) : 4096;
    lws_set_log_level(LLL_ERR, NULL);
    signal(SIGPIPE, SIG_IGN);
    info.port = atoi(argv[1]);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.pt_serv_buf_size = (unsigned)protocols[0].rx_buffer_size;
    info.extensions = argc > 5 ? deflate : NULL;
    info.gid = -1;
    info.uid = -1;
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
    if (strcmp(argv[2], "-") != 0) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = argv[2];
        info.ssl_private_key_filepath = argv[3];
    }
    context = lws_create_context(&info);
    if (context == NULL)
        return 1;
    printf("ready\n");
    fflush(stdout);
    while (lws_service(context, 0) >= 0) {
    }
    lws_context_destroy(context);
    return 0;
}
