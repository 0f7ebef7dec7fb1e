/* SPDX-License-Identifier: Apache-2.0 */
/* api_batch.c: its tree has an arena of its own, because the calls in it may take several turns of
 * the loop. */
#include "api/api_batch.h"

#include <stdlib.h>

#include "base/json_out.h"
#include "base/status.h"
#include "crypto/secret.h"

#define ARENA_CHUNK (16u * 1024u)
#define ARENA_MAX   (2u * 1024u * 1024u)

struct api_batch {
    struct arena arena;
    const struct json *next;
    struct buf out;
    bool is_lost; /* the results did not fit */
};

static enum api_result read_operations(struct api_batch *batch, struct view body)
{
    static const char *const names[] = {"operations", NULL};
    const struct json *list;
    struct json *root;
    enum api_result result;
    size_t error_at;

    if (json_parse(&root, body, NULL, &batch->arena, &error_at) != OK)
        return API_RESULT_JSON;
    result = api_ask_members(root, names);
    if (result != API_RESULT_OK)
        return result;
    list = json_member(root, VIEW("operations"));
    if (list == NULL)
        return API_RESULT_FIELD_MISSING;
    if (list->type != JSON_ARRAY || list->count == 0 || list->count > API_BATCH_MAX)
        return API_RESULT_OPERATIONS;
    for (const struct json *one = list->first; one != NULL; one = one->next) {
        static const char *const members[] = {"path", "body", NULL};
        const struct json *path = json_member(one, VIEW("path"));

        if (api_ask_members(one, members) != API_RESULT_OK || one->count != 2 || path == NULL ||
            path->type != JSON_STRING)
            return API_RESULT_OPERATIONS;
    }
    batch->next = list->first;
    return API_RESULT_OK;
}

static void put(struct api_batch *batch, const void *bytes, size_t len)
{
    if (buf_append(&batch->out, bytes, len) != OK)
        batch->is_lost = true;
}

static void put_text(struct api_batch *batch, const char *text)
{
    put(batch, text, strlen(text));
}

enum api_result api_batch_new(struct api_batch **out, struct view body)
{
    struct api_batch *batch = calloc(1, sizeof(*batch));
    enum api_result result;

    if (batch == NULL)
        return API_RESULT_OVERLOADED;
    arena_init(&batch->arena, ARENA_CHUNK, ARENA_MAX);
    buf_init(&batch->out, API_BATCH_BYTES_MAX);
    result = read_operations(batch, body);
    if (result != API_RESULT_OK) {
        api_batch_free(batch);
        return result;
    }
    put_text(batch, "{\"results\":[");
    *out = batch;
    return API_RESULT_OK;
}

void api_batch_free(struct api_batch *batch)
{
    if (batch == NULL)
        return;
    arena_clear(&batch->arena);
    secret_buf_clear(&batch->out);
    free(batch);
}

bool api_batch_next(struct api_batch *batch, struct api_operation *out, const struct api_key *key)
{
    const struct json *one = batch->next;
    const struct api_route *route;

    if (one == NULL)
        return false;
    batch->next = one->next;
    route = api_route_of_path(json_member(one, VIEW("path"))->text);
    *out = (struct api_operation){
        .route = route, .body = json_member(one, VIEW("body")), .result = API_RESULT_OK};
    if (route == NULL)
        out->result = API_RESULT_NOT_FOUND;
    else if (!route->is_post || route->is_read || route->handle == NULL)
        out->result = API_RESULT_NOT_IN_BATCH;
    else if ((key->scopes & route->scopes) == 0)
        out->result = API_RESULT_SCOPE_MISSING;
    return true;
}

void api_batch_add(struct api_batch *batch, enum api_result result, struct view body)
{
    uint8_t bytes[API_ERROR_BYTES_MAX];
    struct wr head = wr_of(bytes, sizeof(bytes)), error;

    if (batch->out.len > strlen("{\"results\":["))
        put(batch, ",", 1);
    wr_text(&head, "{\"status\":");
    wr_dec(&head, api_result_get(result)->status);
    wr_text(&head, ",\"body\":");
    put(batch, bytes, wr_len(&head));
    if (!api_result_brings_body(result, body)) {
        error = wr_of(bytes, sizeof(bytes));
        api_error_encode(&error, result);
        body = view_of(bytes, wr_len(&error));
    }
    while (body.len > 0 && body.ptr[body.len - 1] == '\n')
        body.len--;
    put(batch, body.ptr, body.len);
    put(batch, "}", 1);
}

enum api_result api_batch_end(struct api_batch *batch, struct view *body)
{
    put_text(batch, "]}\n");
    *body = buf_view(&batch->out);
    return batch->is_lost ? API_RESULT_OVERLOADED : API_RESULT_OK;
}
