/* SPDX-License-Identifier: Apache-2.0 */
/* embed.c: a WebSocket server inside your own program. It serves the given configuration and
 * publishes a tick a second.
 *
 *     cc embed.c $(pkg-config --cflags --libs gateward) -o embed && ./embed gateward.yaml
 *
 * Ctrl-C starts a graceful end. */
#include <gateward.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Publishes to public:chat each second until SIGINT or SIGTERM comes, which main() has blocked in
 * every thread. */
static void *tick(void *context)
{
    gw_server *server = context;
    struct timespec second = {.tv_sec = 1};
    sigset_t signals;
    unsigned number = 0;
    char json[64];

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    while (sigtimedwait(&signals, NULL, &second) < 0) {
        (void)snprintf(json, sizeof(json), "{\"tick\":%u}", ++number);
        if (gw_server_publish(server, "public:chat", json, strlen(json)) != GW_OK)
            fprintf(stderr, "tick %u was not sent\n", number);
    }
    gw_server_drain(server);
    return NULL;
}

int main(int argc, char **argv)
{
    gw_server *server = NULL;
    pthread_t thread;
    sigset_t signals;
    char why[2048];
    int rc;

    if (argc != 2) {
        fprintf(stderr, "usage: embed CONFIG\n");
        return EXIT_FAILURE;
    }
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    if (gw_server_open(&server, argv[1], why, sizeof(why)) != GW_OK) {
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
    }
    printf("gateward %s on port %u\n", gw_version(), (unsigned)gw_server_port(server, 0));
    fflush(stdout);
    if (pthread_create(&thread, NULL, tick, server) != 0) {
        gw_server_free(server);
        return EXIT_FAILURE;
    }
    rc = gw_server_run(server);
    pthread_join(thread, NULL);
    gw_server_free(server);
    return rc == GW_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
