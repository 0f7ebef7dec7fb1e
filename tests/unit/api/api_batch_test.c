/* SPDX-License-Identifier: Apache-2.0 */
/* api_batch_test.c: which operations are run, and how their results are gathered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/api_batch.h"

static const struct api_key key = {.scopes = API_SCOPE_PUBLISH | API_SCOPE_INSPECT};

static void each_operation_is_judged_by_itself(void **state)
{
    static const struct {
        const char *path;
        enum api_result result;
    } rows[] = {
        {"/api/publish", API_RESULT_OK},         {"/api/revoke", API_RESULT_SCOPE_MISSING},
        {"/api/nothing", API_RESULT_NOT_FOUND},  {"/health/live", API_RESULT_NOT_IN_BATCH},
        {"/api/info", API_RESULT_NOT_IN_BATCH},  {"/api/channels", API_RESULT_NOT_IN_BATCH},
        {"/api/batch", API_RESULT_NOT_IN_BATCH}, {"/api/sessions/get", API_RESULT_NOT_IN_BATCH},
        {"/api/broadcast", API_RESULT_OK},
    };
    char text[1024] = "{\"operations\":[";
    struct api_operation operation;
    struct api_batch *batch;
    struct view body;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
                       "%s{\"path\":\"%s\",\"body\":{}}", i > 0 ? "," : "", rows[i].path);
    (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "]}");
    assert_int_equal(api_batch_new(&batch, view_of_text(text)), API_RESULT_OK);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(api_batch_next(batch, &operation, &key));
        assert_int_equal(operation.result, rows[i].result);
        assert_non_null(operation.body);
        api_batch_add(batch, operation.result, VIEW("{\"ok\":true}\n"));
    }
    assert_false(api_batch_next(batch, &operation, &key));
    assert_int_equal(api_batch_end(batch, &body), API_RESULT_OK);
    assert_true(view_starts_with(
        body, VIEW("{\"results\":[{\"status\":200,\"body\":{\"ok\":true}},"
                   "{\"status\":403,\"body\":{\"error\":{\"code\":\"scope_missing\"")));
    assert_int_equal(memcmp(body.ptr + body.len - 4, "}]}\n", 4), 0);
    api_batch_free(batch);
}

static void what_is_no_batch_is_refused_before_anything_is_done(void **state)
{
    static const struct {
        const char *text;
        enum api_result result;
    } rows[] = {
        {"", API_RESULT_JSON},
        {"7", API_RESULT_JSON},
        {"{}", API_RESULT_FIELD_MISSING},
        {"{\"operations\":{}}", API_RESULT_OPERATIONS},
        {"{\"operations\":[]}", API_RESULT_OPERATIONS},
        {"{\"operations\":[null]}", API_RESULT_OPERATIONS},
        {"{\"operations\":[{\"path\":\"/api/publish\"}]}", API_RESULT_OPERATIONS},
        {"{\"operations\":[{\"path\":7,\"body\":{}}]}", API_RESULT_OPERATIONS},
        {"{\"operations\":[{\"path\":\"/api/publish\",\"body\":{}},{}]}", API_RESULT_OPERATIONS},
    };
    struct api_batch *batch;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(api_batch_new(&batch, view_of_text(rows[i].text)), rows[i].result);
}

static void results_have_a_ceiling(void **state)
{
    static const char text[] = "{\"operations\":[{\"path\":\"/api/publish\",\"body\":{}}]}";
    char *big = calloc(1, API_BATCH_BYTES_MAX);
    struct api_batch *batch;
    struct view body;

    (void)state;
    assert_non_null(big);
    assert_int_equal(api_batch_new(&batch, view_of_text(text)), API_RESULT_OK);
    api_batch_add(batch, API_RESULT_OK, view_of(big, API_BATCH_BYTES_MAX));
    assert_int_equal(api_batch_end(batch, &body), API_RESULT_OVERLOADED);
    api_batch_free(batch);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_is_judged_by_itself),
        cmocka_unit_test(what_is_no_batch_is_refused_before_anything_is_done),
        cmocka_unit_test(results_have_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
