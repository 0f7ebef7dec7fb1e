/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire */
/* Cookies: the input is what stands in up to three Cookie headers, one a line. What is found stands
 * in exactly one place as `name=value`, and one more pair of the name makes it ambiguous. */
#include "base/assert.h"
#include "wire/cookie.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct view name = VIEW("__Host-s");

static size_t times(struct view text, struct view what)
{
    size_t count = 0;

    for (size_t i = 0; i + what.len <= text.len; i++)
        count += memcmp(text.ptr + i, what.ptr, what.len) == 0;
    return count;
}

static void check_found(struct http1_request *request, struct view text, struct view value)
{
    ASSERT(value.ptr >= text.ptr + name.len + 1);
    ASSERT(value.ptr + value.len <= text.ptr + text.len);
    ASSERT(memcmp(value.ptr - name.len - 1, "__Host-s=", name.len + 1) == 0);
    ASSERT(value.len == 0 || memchr(value.ptr, ';', value.len) == NULL);
    ASSERT(value.len == 0 || memchr(value.ptr, '"', value.len) == NULL);
    request->headers[request->headers_count++] =
        (struct http1_header){.name = VIEW("COOKIE"), .value = VIEW("__Host-s=b")};
    ASSERT(cookie_find(request, name, &value) != COOKIE_FOUND);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view text = view_of(data, size), rest = text, line, value = VIEW("untouched");
    struct http1_request request = {.headers_count = 0};
    enum cookie_verdict verdict;
    bool has_more = true;

    while (has_more && request.headers_count < 3) {
        has_more = view_split(rest, '\n', &line, &rest);
        request.headers[request.headers_count++] =
            (struct http1_header){.name = VIEW("Cookie"), .value = line};
    }
    verdict = cookie_find(&request, name, &value);
    if (verdict == COOKIE_FOUND)
        check_found(&request, text, value);
    else
        ASSERT(view_eq(value, VIEW("untouched")));
    if (verdict == COOKIE_REPEATED)
        ASSERT(times(text, VIEW("__Host-s=")) >= 2);
    return 0;
}
