/* SPDX-License-Identifier: Apache-2.0 */
/* api_routes.h: the table of endpoints. Private to api/. */
#ifndef API_API_ROUTES_H
#define API_API_ROUTES_H

#include "api/api.h"

/* One request with everything its handler needs. */
struct api_work {
    const struct api_options *api;
    const struct api_key *key; /* NULL where the endpoint needs none */
    const struct json *body;   /* NULL for GET */
    uint64_t call;
    struct wr out;        /* the body of API_RESULT_OK */
    struct api_call told; /* user and detail for the log; the rest is filled by the caller */
};
struct api_route {
    const char *path, *operation;
    bool is_post;
    bool is_text;    /* answered with API_RESULT_OK_TEXT */
    bool is_quiet;   /* only refusals are logged */
    bool is_read;    /* changes nothing: not in a batch, and its answers are not kept */
    unsigned scopes; /* any of these; API_SCOPE_NONE: no key needed */
    enum api_result (*handle)(struct api_work *work); /* NULL: the batch */
};

/* The endpoint of this head, and whether it may be asked: API_RESULT_OK with *route, or the
 * refusal (then *route is set where the path was known). *key: who asks. */
enum api_result api_route_find(const struct api_route **route, const struct api_key **key,
                               const struct http1_request *head, const struct api_keys *keys);

#define API_ROUTES_MAX 32
unsigned api_route_index(const struct api_route *route);     /* API_ROUTES_MAX: NULL */
const struct api_route *api_route_at(unsigned index);        /* NULL past the end */
const struct api_route *api_route_of_path(struct view path); /* NULL: none */

#endif
