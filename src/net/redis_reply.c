/* SPDX-License-Identifier: Apache-2.0 */
/* redis_reply.c: hiredis' reader with constructors of our own. hiredis keeps the stack of nested
 * arrays (7 deep at most); a constructor that answers NULL ends the reading. */
#include "net/redis_reply.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

void redis_value_free(struct redis_value *v)
{
    if (v == NULL)
        return;
    for (uint32_t i = 0; i < v->count; i++)
        redis_value_free(v->items[i]); /* as deep as the reader reads: 8 */
    free(v->items);
    free(v);
}

/* A value of `extra` bytes, in the place that the task has in its array. */
static struct redis_value *make(const redisReadTask *task, enum redis_type type, size_t extra)
{
    struct redis_value *parent = task->parent != NULL ? task->parent->obj : NULL;
    struct redis_value *v;

    if (parent != NULL && (task->idx < 0 || (uint32_t)task->idx >= parent->count))
        return NULL;
    v = calloc(1, sizeof(*v) + extra);
    if (v == NULL)
        return NULL;
    v->type = type;
    if (parent != NULL)
        parent->items[task->idx] = v;
    return v;
}

static void *make_text(const redisReadTask *task, char *text, size_t len)
{
    enum redis_type type = task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                           : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                              : REDIS_TEXT;
    struct redis_value *v = len <= REDIS_REPLY_MAX ? make(task, type, len) : NULL;

    if (v == NULL)
        return NULL;
    memcpy(v + 1, text, len);
    v->text = view_of(v + 1, len);
    return v;
}

static void *make_list(const redisReadTask *task, int elements)
{
    struct redis_value *v;

    if (elements < 0 || elements > REDIS_ITEMS_MAX)
        return NULL;
    v = make(task, REDIS_LIST, 0);
    if (v == NULL || elements == 0)
        return v;
    v->items = calloc((size_t)elements, sizeof(struct redis_value *));
    if (v->items == NULL) {
        if (task->parent == NULL)
            free(v); /* otherwise the array that holds it frees it */
        return NULL;
    }
    v->count = (uint32_t)elements;
    return v;
}

static void *make_number(const redisReadTask *task, long long number)
{
    struct redis_value *v = make(task, REDIS_NUMBER, 0);

    if (v != NULL)
        v->number = number;
    return v;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, REDIS_NIL, 0);
}

static void free_object(void *object)
{
    redis_value_free(object);
}

int redis_reader_open(struct redis_reader *r)
{
    static redisReplyObjectFunctions constructors = {make_text, make_list, make_number, make_nil,
                                                     free_object};

    r->unfinished = 0;
    r->inner = redisReaderCreateWithFunctions(&constructors);
    return r->inner != NULL ? OK : E_NOMEM;
}

void redis_reader_close(struct redis_reader *r)
{
    if (r->inner != NULL)
        redisReaderFree(r->inner);
    r->inner = NULL;
}

int redis_reader_feed(struct redis_reader *r, const void *bytes, size_t len)
{
    if (r->unfinished > REDIS_REPLY_MAX)
        return E_LIMIT;
    r->unfinished += len;
    return redisReaderFeed(r->inner, bytes, len) == REDIS_OK ? OK : E_NOMEM;
}

int redis_reader_next(struct redis_reader *r, struct redis_value **out)
{
    void *reply = NULL;

    if (redisReaderGetReply(r->inner, &reply) != REDIS_OK)
        return E_INVALID;
    *out = reply;
    if (reply != NULL)
        r->unfinished = r->inner->len - r->inner->pos;
    return OK;
}
