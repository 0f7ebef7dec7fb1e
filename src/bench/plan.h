/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h: what is to be measured, as the command line said it. Nobody writes to it once a run has
 * begun. */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "bench/usage.h"
#include "client/ws_url.h"

#define PLAN_CONNECTIONS_MAX 200000
#define PLAN_DEPTH_MAX       4096
#define PLAN_BYTES_MAX       ((uint32_t)1024 * 1024)
#define PLAN_THREADS_MAX     64
#define PLAN_STEPS_MAX       8
#define PLAN_TOKEN_MAX       8192

enum plan_mode { PLAN_ECHO, PLAN_FANOUT, PLAN_CONNECT, PLAN_IDLE, PLAN_CHAT };
enum plan_pace {
    PLAN_AWAITED, /* a message goes out when all subscribers have the one before */
    PLAN_ACKED,   /* when the publisher has an answer to the one before */
    PLAN_AT_RATE  /* when its time has come, by the clock */
};

/* Something said while a connection is being set up. */
struct plan_step {
    const char *say;    /* NULL: nothing */
    const char *expect; /* a word of the answer; "": any message; NULL: no answer is awaited */
    bool is_join;       /* for subscribers only */
};

struct plan {
    enum plan_mode mode;
    enum plan_pace pace;
    struct ws_url url, publish_url;
    const char *url_text;
    bool has_publish_url;
    const char *ca, *subprotocol, *origin, *channel;
    const char *send;       /* what is sent; "{data}" in it is the data. NULL: the data alone */
    const char *answer;     /* echo: a word of each answer; NULL: what was sent comes back */
    const char *count_word; /* deliveries are the times it comes; NULL: messages are counted */
    struct buf token;       /* NUL-terminated when there is one */
    struct plan_step steps[PLAN_STEPS_MAX];
    uint32_t steps_count;
    struct usage_pids pids;
    bool is_insecure, is_native, is_bearer, offers_deflate, gets_ack;
    bool resumes, keeps, is_silent, is_json, is_binary;
    uint32_t threads;      /* of this program */
    uint32_t first_source; /* connections that other threads count before this one's */
    uint32_t connections, batch, sources, depth, bytes;
    uint32_t warm_up;            /* messages; UINT32_MAX: as the mode likes */
    uint32_t rate_percent;       /* of what the server can do, which is measured first; 0: not so */
    uint64_t messages;           /* to measure; 0: as many as `seconds` hold */
    double seconds, rate, churn; /* rate, churn: a second; 0: none */
    uint64_t timeout_ns;         /* of silence where an answer is due */
    int core;                    /* to stay on; -1: any */
};

#endif
