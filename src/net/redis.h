/* SPDX-License-Identifier: Apache-2.0 */
/* redis.h: one connection to a Redis or Valkey server, on a thread of its own, so that a server
 * that hangs stalls nobody else. Commands of all threads leave together in one write and are
 * answered in order. Whatever goes wrong ends the connection, which is tried again after 100 ms to
 * 2 s; until then every question is refused at once. */
#ifndef NET_REDIS_H
#define NET_REDIS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/link.h"
#include "base/view.h"
#include "net/redis_reply.h"

#define REDIS_ASKS_MAX    65536             /* not answered yet */
#define REDIS_OUT_MAX     (8 * 1024 * 1024) /* bytes of commands that wait for the thread */
#define REDIS_WORDS_MAX   4096              /* of one command */
#define REDIS_DEADLINE_MS 1000

struct redis_options {    /* starts zeroed; everything is copied */
    const char *url;      /* net/redis_url.h */
    const char *ca_path;  /* of rediss://: a PEM file of authorities instead of the system's */
    const char *username; /* NULL: the one in the URL, or the server's default user */
    struct view password; /* empty: none */
    uint32_t deadline_ms; /* from a question to its answer; 0: as above */
    uint32_t turn_ms;     /* `turn` is called so often, also while the server is out of reach */
    void (*turn)(void *context, uint64_t now_ms); /* NULL: never */
    /* The server is out of reach, for another reason than before, or is back. */
    void (*tell)(void *context, bool is_up, const char *why);
    void *context;
};

struct redis;
/* Reads what ca_path names; connects to nobody. E_INVALID, E_IO, E_NOMEM with *why. */
int redis_new(struct redis **out, const struct redis_options *options, struct error *why);
/* Starts the thread, which takes no signals. E_NOMEM. */
int redis_start(struct redis *r);
/* Ends the thread and waits for it, which takes long only while a name is looked up. What has not
 * been answered is answered E_CLOSED, asking answers E_CLOSED from then on. Once; not on the thread
 * itself. Harmless when not started. */
void redis_stop(struct redis *r);
void redis_free(struct redis *r); /* stopped, or never started. NULL is fine */
/* Any thread. */
bool redis_is_up(struct redis *r);

struct redis_ask { /* the asker's; belongs to the connection until `done` */
    struct link link;
    /* Once, on the thread of the connection. reply lasts until it returns. */
    void (*done)(struct redis_ask *ask, const struct redis_value *reply);
    int status; /* OK; E_DENIED: the server refuses (reply is its REDIS_ERROR); without a reply:
                   E_IO, E_EXPIRED (nothing came in time), E_CLOSED */
    uint64_t asked_ms; /* private, like the next one */
    uint32_t unread;
};
struct redis_command {
    const struct view *words;
    uint32_t count;
};
/* Any thread; never waits. Several commands are one transaction (MULTI, EXEC) whose reply is the
 * list of their replies. E_IO (out of reach), E_FULL, E_NOMEM, E_CLOSED: `done` is not called. */
int redis_ask(struct redis *r, struct redis_ask *ask, const struct redis_command *commands,
              uint32_t count);

#endif
