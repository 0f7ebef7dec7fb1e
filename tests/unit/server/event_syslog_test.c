/* SPDX-License-Identifier: Apache-2.0 */
/* event_syslog_test.c: what stands before a line on its way to syslog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/event_log.h"
#include "server/event_syslog.h"

static void the_head_is_that_of_syslog_3(void **state)
{
    struct event_syslog_head head = {.facility = 3, .wall_s = 1795359005, .process = 4711};
    char out[EVENT_SYSLOG_HEAD_MAX];
    size_t len;

    (void)state;
    assert_string_equal(event_syslog_facilities[3], "authpriv");
    len = event_syslog_head(out, &head, VIEW("{\"severity\":\"notice\"}"));
    assert_memory_equal(out, "<85>Nov 22 14:50:05 gateward[4711]: ", len);
    assert_int_equal(len, 36);
    head.wall_s = 1793491200 + 3; /* a day of one digit has a blank before it */
    len = event_syslog_head(out, &head, VIEW("{\"severity\":\"warning\"}"));
    assert_memory_equal(out, "<84>Nov  1 00:00:03 gateward[4711]: ", len);
}

static void every_facility_has_its_number(void **state)
{
    static const char *const wanted[] = {"<14>",  "<30>",  "<38>",  "<86>",  "<134>", "<142>",
                                         "<150>", "<158>", "<166>", "<174>", "<182>", "<190>"};
    char out[EVENT_SYSLOG_HEAD_MAX];
    int count = 0;

    (void)state;
    for (; event_syslog_facilities[count] != NULL; count++) {
        struct event_syslog_head head = {.facility = count, .process = 2147483647};

        assert_true(event_syslog_head(out, &head, VIEW("{\"severity\":\"info\"}")) > 0);
        assert_memory_equal(out, wanted[count], strlen(wanted[count]));
    }
    assert_int_equal(count, sizeof(wanted) / sizeof(wanted[0]));
}

/* What a stranger wrote stands behind ours. */
static void the_severity_is_the_lines_own(void **state)
{
    char line[EVENT_LINE_MAX];
    struct event event = {.type = EVENT_CONNECTION_OPEN,
                          .outcome = OUTCOME_OK,
                          .origin = VIEW("\"severity\":\"warning\"")};
    size_t len = event_encode(line, sizeof(line), &event, 0);

    (void)state;
    assert_int_equal(event_syslog_severity(view_of(line, len)), 6);
    event.type = EVENT_ORIGIN_REFUSED;
    len = event_encode(line, sizeof(line), &event, 0);
    assert_int_equal(event_syslog_severity(view_of(line, len)), 4);
    event.type = EVENT_RELOAD;
    len = event_encode(line, sizeof(line), &event, 0);
    assert_int_equal(event_syslog_severity(view_of(line, len)), 5);
    assert_int_equal(event_syslog_severity(VIEW("")), 5);
    assert_int_equal(event_syslog_severity(VIEW("{\"severity\":\"")), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_is_that_of_syslog_3),
        cmocka_unit_test(every_facility_has_its_number),
        cmocka_unit_test(the_severity_is_the_lines_own),
    };

    (void)setenv("TZ", "UTC0", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
