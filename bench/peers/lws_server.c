/* SPDX-License-Identifier: Apache-2.0 */
/* The same job on libwebsockets, the way its own examples do it: a message from a publisher goes into
 * a ring, lws_callback_on_writable asks for every subscriber, and the writable callback writes the
 * next message to the one it is called for. One thread, no extensions (so no compression), no log.
 *
 *   lws_server PORT CERT KEY [poll|libuv]      CERT "-" means plain
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
    size_t echo_len;
    unsigned char echo[LWS_PRE + 1024];
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

static void receive(struct session *s, const void *in, size_t len)
{
    if (s->is_echo) {
        s->echo_len = len < 1024 ? len : 1024;
        memcpy(s->echo + LWS_PRE, in, s->echo_len);
        lws_callback_on_writable(s->wsi);
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

static int writable(struct session *s)
{
    unsigned char answer[LWS_PRE + 16];
    struct message *m;

    if (s->is_echo) {
        size_t len = s->echo_len;
        s->echo_len = 0;
        return len > 0 ? write_text(s, s->echo + LWS_PRE, len) : 0;
    }
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
    static const struct lws_protocols protocols[] = {
        {.name = "bench", .callback = on_event, .per_session_data_size = sizeof(struct session), .rx_buffer_size = 4096},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {0};
    struct lws_context *context;

    if (argc < 4) {
        fprintf(stderr, "usage: lws_server PORT CERT KEY [poll|libuv]\n");
        return 2;
    }
    lws_set_log_level(LLL_ERR, NULL);
    signal(SIGPIPE, SIG_IGN);
    info.port = atoi(argv[1]);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.gid = -1;
    info.uid = -1;
    info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
    if (argc > 4 && strcmp(argv[4], "libuv") == 0)
        info.options |= LWS_SERVER_OPTION_LIBUV;
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
