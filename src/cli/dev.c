/* SPDX-License-Identifier: Apache-2.0 */
/* `gateward dev`: a server to play with, one command away. Loopback only, its own certificate
 * authority, a demo page, two tokens. The configuration it runs on is the text below, checked by
 * the same loader as any file. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/num.h"
#include "base/status.h"
#include "cli/cli.h"
#include "cli/dev_state.h"
#include "cli/run_server.h"
#include "server/web_pages.h"

#define DEFAULT_PORT 8443

struct dev {
    unsigned port;
    const char *state;
    char full_state[PATH_MAX];
    struct buf alice, bob;
};

static const char config_format[] =
    "server: {workers: 1, drain: 5s, state_dir: .}\n"
    "listen:\n"
    "  - address: 127.0.0.1:%u\n"
    "    tls: {cert: server.crt, key: server.key}\n"
    "hosts: [localhost, 127.0.0.1]\n"
    "origins: [\"https://localhost:%u\", \"https://127.0.0.1:%u\"]\n"
    "auth:\n"
    "  timeout: 10s\n"
    "  jwt:\n"
    "    - {algorithms: [HS256], secret: {file: jwt.secret}, issuer: null, audience: null}\n"
    "channels:\n"
    "  - {pattern: \"public:chat\"}\n"
    "  - {pattern: \"private:room-{room_id}\", allow: [user, moderator, admin]}\n"
    "  - {pattern: \"user:{user_id}:messages\"}\n"
    "  - {pattern: \"chat:mod-only\", allow: [moderator, admin], deny: [guest]}\n"
    "log: {events: stderr, level: info}\n"
    "routes:\n"
    "  - {path: /ws, serve: channels}\n";

static void usage(FILE *to)
{
    (void)fprintf(
        to,
        "usage: gateward dev [--port N] [--state DIR]\n\n"
        "Starts a development server on loopback with a certificate authority, a certificate and\n"
        "secrets of its own, a chat page, and two tokens, all of which it prints.\n\n"
        "  -p, --port N     listen on port N (default %d; 0: a free one)\n"
        "  -s, --state DIR  keep certificates and secrets in DIR (default ./state)\n"
        "  -h, --help       this text\n",
        DEFAULT_PORT);
}

/* 0: go on; otherwise the exit code plus one. */
static int read_arguments(struct dev *dev, int argc, char **argv)
{
    static const struct option longs[] = {{"port", required_argument, NULL, 'p'},
                                          {"state", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    uint64_t port;
    int c;

    while ((c = getopt_long(argc, argv, "p:s:h", longs, NULL)) != -1) {
        switch (c) {
        case 'p':
            if (!num_parse_u64(view_of_text(optarg), 65535, &port)) {
                (void)fprintf(stderr,
                              "gateward dev: --port wants a number from 0 to 65535, not \"%s\"\n",
                              optarg);
                return 3;
            }
            dev->port = (unsigned)port;
            break;
        case 's':
            dev->state = optarg;
            break;
        case 'h':
            usage(stdout);
            return 1;
        default:
            usage(stderr);
            return 3;
        }
    }
    if (optind != argc) {
        usage(stderr);
        return 3;
    }
    return 0;
}

/* With port 0 the allowed origin must be known before the kernel has chosen: so we choose a free
 * port ourselves. */
static int choose_port(struct dev *dev, struct error *why)
{
    struct listen_address address;
    uint16_t port = 0;
    int fd;

    if (dev->port != 0)
        return OK;
    fd = listen_address_parse(&address, "127.0.0.1:0", why);
    if (fd == OK)
        fd = listener_bind(&address, &port, why);
    if (fd < 0)
        return fd;
    (void)close(fd);
    dev->port = port;
    return OK;
}

static int load(struct dev *dev, struct options **out)
{
    char text[sizeof(config_format) + 64];
    struct problems problems;
    int rc;

    (void)snprintf(text, sizeof(text), config_format, dev->port, dev->port, dev->port);
    problems_init(&problems, "(built in)");
    rc = options_load_text(out, view_of_text(text), dev->state, &problems);
    problems_print(&problems, stderr);
    problems_clear(&problems);
    if (rc == OK) {
        (*out)->pages = web_pages;
        (*out)->pages_count = web_pages_count;
    }
    return rc;
}

static void announce(const struct server *server, void *context)
{
    const struct dev *dev = context;
    unsigned port = server_port(server, 0);

    (void)printf("\n"
                 "  gateward is running on this machine only.\n\n"
                 "  page       https://localhost:%u/\n"
                 "  websocket  wss://localhost:%u/ws\n"
                 "  authority  %s/ca.crt   (import it, or accept the browser's warning once)\n\n"
                 "  alice      https://localhost:%u/#token=%s\n"
                 "  bob        https://localhost:%u/#token=%s\n\n"
                 "  Two browser windows, one link each, and they can talk. The tokens by "
                 "themselves (12 hours):\n\n"
                 "  alice %s\n"
                 "  bob   %s\n\n",
                 port, port, dev->full_state, port, (const char *)dev->alice.data, port,
                 (const char *)dev->bob.data, (const char *)dev->alice.data,
                 (const char *)dev->bob.data);
    (void)printf("  From a terminal, as alice:\n\n"
                 "  GATEWARD_TOKEN=%s \\\n"
                 "      %s connect wss://localhost:%u/ws --cacert %s/ca.crt \\\n"
                 "      --subscribe private:room-lobby\n\n"
                 "  Ctrl-C ends it. Events follow, one line of JSON each.\n\n",
                 (const char *)dev->alice.data, program_invocation_name, port, dev->full_state);
    (void)fflush(stdout);
}

int cmd_dev(int argc, char **argv)
{
    struct dev dev = {
        .port = DEFAULT_PORT, .state = "state", .alice = BUF_INIT(8192), .bob = BUF_INIT(8192)};
    struct error why = {0};
    struct options *options;
    int rc = read_arguments(&dev, argc, argv);

    if (rc != 0)
        return rc - 1;
    rc = dev_state_prepare(dev.state, &why);
    if (rc == OK)
        rc = dev_state_token(&dev.alice, dev.state, "alice", &why);
    if (rc == OK)
        rc = dev_state_token(&dev.bob, dev.state, "bob", &why);
    if (rc == OK)
        rc = choose_port(&dev, &why);
    if (rc != OK)
        (void)fprintf(stderr, "gateward dev: %s\n", why.text);
    else if (load(&dev, &options) != OK)
        rc = E_INVALID;
    if (rc == OK) {
        if (realpath(dev.state, dev.full_state) == NULL)
            (void)snprintf(dev.full_state, sizeof(dev.full_state), "%s", dev.state);
        rc = run_server(options, announce, &dev);
    } else {
        rc = 1;
    }
    buf_clear(&dev.alice);
    buf_clear(&dev.bob);
    return rc;
}
