/* SPDX-License-Identifier: Apache-2.0 */
/* api_batch.h: several calls in one request, one after the other, each judged by itself: one that
 * is refused stops none that follows. Knows which is next and gathers the results; api.c runs them.
 * Private to api/. */
#ifndef API_API_BATCH_H
#define API_API_BATCH_H

#include "api/api_routes.h"

#define API_BATCH_MAX       100
#define API_BATCH_BYTES_MAX (256u * 1024u) /* of all results */

struct api_batch;
/* From the body of the request, whose bytes must outlive the batch. */
enum api_result api_batch_new(struct api_batch **out, struct view body);
void api_batch_free(struct api_batch *batch); /* wipes; NULL is fine */

struct api_operation {
    const struct api_route *route; /* NULL where the path is not known */
    const struct json *body;
    enum api_result result; /* API_RESULT_OK: to be run */
};
/* False: there is none left. */
bool api_batch_next(struct api_batch *batch, struct api_operation *out, const struct api_key *key);
/* The result of the one that was next. */
void api_batch_add(struct api_batch *batch, enum api_result result, struct view body);
/* {"results":[{"status":...,"body":...}]}. API_RESULT_OVERLOADED: there was no memory for it. */
enum api_result api_batch_end(struct api_batch *batch, struct view *body);

#endif
