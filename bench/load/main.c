/* SPDX-License-Identifier: Apache-2.0 */
/* load --mode turn|acked|rate|echo|latency|idle|silent|handshake --port P [--tls] ...: see bench/README.md. */
#include <arpa/inet.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>

#include "load.h"

static const struct option long_options[] = {
    {"mode", required_argument, NULL, 'm'},     {"port", required_argument, NULL, 'p'},
    {"path", required_argument, NULL, 'P'},     {"host", required_argument, NULL, 'H'},
    {"tls", no_argument, NULL, 't'},            {"no-ack", no_argument, NULL, 'n'},
    {"deflate", no_argument, NULL, 'z'},        {"resume", no_argument, NULL, 'R'},
    {"token", required_argument, NULL, 'T'},    {"text", required_argument, NULL, 'x'},
    {"hello", required_argument, NULL, 'h'},    {"hello-word", required_argument, NULL, 'w'},
    {"subscribe", required_argument, NULL, 'u'}, {"subscribe-word", required_argument, NULL, 'U'},
    {"publish-path", required_argument, NULL, 'q'},
    {"conns", required_argument, NULL, 'c'},    {"batch", required_argument, NULL, 'b'},
    {"sources", required_argument, NULL, 's'},  {"bytes", required_argument, NULL, 'B'},
    {"messages", required_argument, NULL, 'M'}, {"per-second", required_argument, NULL, 'r'},
    {"depth", required_argument, NULL, 'd'},    {"seconds", required_argument, NULL, 'S'},
    {"pid", required_argument, NULL, 'i'},      {"in-header", no_argument, NULL, 'A'},
    {NULL, 0, NULL, 0},
};

static const struct mode {
    const char *name;
    void (*run)(struct load *l);
} modes[] = {
    {"turn", run_turn}, {"acked", run_acked}, {"rate", run_rate}, {"echo", run_echo}, {"idle", run_idle}, {"silent", run_silent},
    {"handshake", run_handshake}, {"latency", run_latency},
};

static void set_number(struct options *o, int letter, const char *text)
{
    int n = atoi(text);

    if (n < 1)
        die("not a positive number: %s", text);
    switch (letter) {
    case 'p': o->to.sin_port = htons((uint16_t)n); break;
    case 'c': o->conns = n; break;
    case 'b': o->batch = n; break;
    case 's': o->sources = n; break;
    case 'B': o->bytes = n; break;
    case 'M': o->messages = n; break;
    case 'r': o->per_second = n; break;
    case 'd': o->depth = n; break;
    case 'S': o->seconds = n; break;
    case 'i': o->pid = n; break;
    default: die("usage: see bench/README.md");
    }
}

static void read_options(struct options *o, int argc, char **argv)
{
    int letter;

    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (letter) {
        case 'm': o->mode = optarg; break;
        case 'P': o->path = optarg; break;
        case 'H': o->host = optarg; break;
        case 't': o->is_tls = true; break;
        case 'n': o->has_no_ack = true; break;
        case 'z': o->has_deflate = true; break;
        case 'R': o->resumes = true; break;
        case 'A': o->in_header = true; break;
        case 'T': o->token = optarg; break;
        case 'x': o->text = optarg; break;
        case 'h': o->hello = optarg; break;
        case 'w': o->hello_word = optarg; break;
        case 'u': o->subscribe = optarg; break;
        case 'U': o->subscribe_word = optarg; break;
        case 'q': o->publish_path = optarg; break;
        default: set_number(o, letter, optarg); break;
        }
    }
}

int main(int argc, char **argv)
{
    static struct load l = {.o = {.mode = "none", .host = "localhost", .path = "/ws", .conns = 1000,
                                  .batch = 100, .sources = 1, .bytes = 128, .messages = 500, .per_second = 50,
                                  .depth = 1, .seconds = 3}};
    struct rlimit files;

    l.o.to.sin_family = AF_INET;
    l.o.to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    read_options(&l.o, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    l.tls = SSL_CTX_new(TLS_client_method());
    l.clients = calloc((size_t)l.o.conns + 1, sizeof(*l.clients));
    l.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l.tls == NULL || l.clients == NULL || l.epoll < 0)
        die("out of memory or descriptors");
    /* Every server speaks the same: TLS 1.3 with AES-128-GCM. */
    if (SSL_CTX_set_min_proto_version(l.tls, TLS1_3_VERSION) != 1 || SSL_CTX_set_ciphersuites(l.tls, "TLS_AES_128_GCM_SHA256") != 1)
        die("no TLS 1.3");
    SSL_CTX_set_mode(l.tls, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(l.tls, SSL_SESS_CACHE_OFF);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(l.o.mode, modes[i].name) == 0) {
            modes[i].run(&l);
            return 0;
        }
    }
    die("usage: see bench/README.md");
}
