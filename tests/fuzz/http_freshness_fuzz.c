/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire */
/* Headers of an answer, one a line. The verdict does not depend on the order of headers with
 * different names, and no-store is never outvoted. */
#include <time.h>

#include "base/assert.h"
#include "wire/http_freshness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(784111777)

static void add_line(struct http_freshness *f, struct view line)
{
    struct view name, value;

    (void)view_split(line, ':', &name, &value);
    http_freshness_add(f, name, view_trim(value));
}

static void check_date(struct view text)
{
    static const char form[] = "%a, %d %b %Y %H:%M:%S GMT";
    char again[64];
    struct tm parts;
    int64_t seconds;
    time_t t;

    if (!http_date_parse(&seconds, text))
        return;
    ASSERT(seconds >= 0);
    t = (time_t)seconds;
    if (text.ptr[23] == '6') /* a leap second is the first of the next minute */
        return;
    ASSERT(gmtime_r(&t, &parts) != NULL);
    ASSERT(strftime(again, sizeof(again), form, &parts) > 0);
    ASSERT(seconds > INT64_C(253402300799) || view_eq(view_of_text(again), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view rest = view_of(data, size), line;
    struct http_freshness f = {0}, with_no_store = {0}, again = {0};
    uint32_t seconds = 0, other = 0;
    bool is_said;

    check_date(rest);
    http_freshness_add(&with_no_store, VIEW("Cache-Control"), VIEW("no-store"));
    while (rest.len > 0) {
        (void)view_split(rest, '\n', &line, &rest);
        add_line(&f, line);
        add_line(&with_no_store, line);
        add_line(&again, line);
        add_line(&again, line); /* said twice, the same way */
    }
    is_said = http_freshness_get(&f, NOW, &seconds);
    ASSERT(seconds <= HTTP_FRESHNESS_MAX_S);
    ASSERT(http_freshness_get(&again, NOW, &other) == is_said && other == seconds);
    ASSERT(http_freshness_get(&with_no_store, NOW, &seconds) && seconds == 0);
    return 0;
}
