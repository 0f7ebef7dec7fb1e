/* SPDX-License-Identifier: Apache-2.0 */
/* load.h: a client of many connections for measuring servers. One thread, one epoll. Connections are
 * opened in batches with blocking steps; after that everything is non-blocking. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BEGIN_BYTES 512 /* of a message, kept for looking at */

struct options {
    const char *mode; /* a row of modes in main.c */
    struct sockaddr_in to;
    const char *host, *path, *token;
    /* What is said, and a word of the answer that is awaited (NULL: nothing is said, no answer is awaited). */
    const char *hello, *hello_word, *subscribe, *subscribe_word;
    const char *text, *publish_path; /* the message that is measured; where the publisher connects, NULL: as the others */
    bool in_header;                  /* the token goes with the upgrade, not in a first message */
    bool is_tls, has_no_ack, has_deflate, resumes;
    int conns, batch, sources;
    int bytes;        /* of one message's data */
    int messages;     /* to measure */
    int per_second;   /* rate */
    int depth;        /* echo: messages under way on each connection */
    int seconds;      /* idle, silent */
    pid_t pid;        /* the server, whose CPU time and memory are read */
};

struct client {
    int fd;
    SSL *ssl; /* NULL: plain */
    uint64_t frames; /* whole data frames that came */
    /* the frame coming in */
    uint64_t left;
    uint16_t begin_len;
    uint8_t head[14], head_len;
    uint8_t opcode;
    bool is_inside, is_gone;
    uint8_t *begin; /* BEGIN_BYTES, only while the connection is being set up; shared afterwards */
};

struct load {
    struct options o;
    SSL_CTX *tls;
    SSL_SESSION *session; /* resumes: that of the first connection */
    struct client *clients;
    int epoll;
    uint64_t received; /* data frames on all connections */
    uint64_t gone, not_resumed;
    void (*on_frame)(struct load *l, struct client *c);
    uint8_t begin[BEGIN_BYTES];
};

/* What the server's process has used. */
struct usage {
    double cpu_s, user_s, system_s;
    double anonymous_kib, rss_kib;
};

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
double now_s(void);
struct usage usage_of(pid_t pid);

/* client.c */
void client_connect(struct load *l, struct client *c, int index);
void client_send(struct client *c, unsigned opcode, const void *payload, size_t len); /* opcode: with RSV1 if wanted */
/* Reads what there is and counts frames. */
void client_read(struct load *l, struct client *c);
void client_shake(struct client *c, bool is_last_try); /* a step of the TLS handshake */
void client_ask_upgrade(struct load *l, struct client *c);
void client_await_upgrade(struct load *l, struct client *c);
void client_keep_session(struct load *l, struct client *c);
/* Blocks until a message came that holds `word`. */
void client_await(struct load *l, struct client *c, const char *word);
void client_set_nonblocking(struct client *c);
void client_close(struct client *c);

/* setup.c */
void setup_all(struct load *l, int from, int to, bool subscribes);
/* Waits at most timeout_ms for input and reads it. False: nothing came. */
bool poll_once(struct load *l, int timeout_ms);

/* modes.c; the message that is measured: */
size_t measured_message(const struct load *l, char *text, size_t cap);
unsigned measured_opcode(const struct load *l);
void await_received(struct load *l, uint64_t until);
void run_turn(struct load *l);
void run_acked(struct load *l);
void run_rate(struct load *l);
void run_echo(struct load *l);
void run_handshake(struct load *l);
void run_idle(struct load *l);
void run_silent(struct load *l);
void run_latency(struct load *l);

#endif
