/* SPDX-License-Identifier: Apache-2.0 */
/* redis_reply.h: what a Redis server has said, read by hiredis' reader into values of our own, so
 * that every size the server chooses has a ceiling. One thread. Private to redis.c, but for the
 * values. */
#ifndef NET_REDIS_REPLY_H
#define NET_REDIS_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

#define REDIS_REPLY_MAX (256 * 1024) /* bytes of one reply, as they travel */
#define REDIS_ITEMS_MAX 4096         /* of one array */

enum redis_type { REDIS_NIL, REDIS_TEXT, REDIS_STATUS, REDIS_ERROR, REDIS_NUMBER, REDIS_LIST };
struct redis_value {
    enum redis_type type;
    struct view text; /* of REDIS_TEXT, REDIS_STATUS, REDIS_ERROR */
    int64_t number;
    struct redis_value **items;
    uint32_t count;
};
void redis_value_free(struct redis_value *v); /* NULL is fine */

struct redisReader;
struct redis_reader {
    struct redisReader *inner;
    size_t unfinished; /* bytes of the reply that is being read */
};
/* E_NOMEM. */
int redis_reader_open(struct redis_reader *r);
void redis_reader_close(struct redis_reader *r); /* harmless when closed */
/* Takes bytes that have arrived. E_LIMIT: a reply is larger than any of ours may be. */
int redis_reader_feed(struct redis_reader *r, const void *bytes, size_t len);
/* The next whole reply, the caller's from now on, or NULL when it is not there yet. E_INVALID: no
 * RESP, or over a ceiling; nothing more can be read. */
int redis_reader_next(struct redis_reader *r, struct redis_value **out);

#endif
