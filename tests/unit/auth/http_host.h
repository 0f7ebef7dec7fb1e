/* SPDX-License-Identifier: Apache-2.0 */
/* http_host.h: a server on loopback for tests of those who ask: one thread, up to 64 connections,
 * kept alive, that answers as it is told to. Made to run under TSan. */
#ifndef TESTS_AUTH_HTTP_HOST_H
#define TESTS_AUTH_HTTP_HOST_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HOST_CONNECTIONS_MAX 64
#define HTTP_HOST_REQUEST_MAX     32768

struct http_host_connection {
    int fd;
    size_t bytes;
    char request[HTTP_HOST_REQUEST_MAX];
};
struct host {
    int fd;
    uint16_t port;
    pthread_t thread;
    atomic_bool is_over, is_silent; /* silent: takes requests and never answers */
    const char *_Atomic status;     /* "200 OK" */
    const char *_Atomic body;
    atomic_uint connections, requests;
    char last[HTTP_HOST_REQUEST_MAX]; /* look at it only while nobody asks */
    struct http_host_connection open[HTTP_HOST_CONNECTIONS_MAX];
};

void host_open(struct host *h);
void host_close(struct host *h);

#endif
