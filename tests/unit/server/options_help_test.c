/* SPDX-License-Identifier: Apache-2.0 */
/* options_help_test.c: docs/config.md is what the program says (make it with: gateward check --keys
 * > docs/config.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "server/options.h"
#include "unit_paths.h"

static char *help_text(void)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    options_help(to);
    (void)fclose(to);
    return text;
}

static void the_page_is_up_to_date(void **state)
{
    struct buf page = BUF_INIT(1024 * 1024);
    char *text = help_text();
    char path[1024];

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/docs/config.md", unit_source_root);
    assert_int_equal(file_read(&page, path), OK);
    assert_int_equal(buf_append(&page, "", 1), OK);
    assert_string_equal((const char *)page.data, text);
    buf_clear(&page);
    free(text);
}

static void every_key_of_the_agreed_format_is_listed(void **state)
{
    static const char *const keys[] = {
        "server.workers",
        "server.drain",
        "server.state_dir",
        "server.user",
        "listen[].address",
        "listen[].tls.cert",
        "listen[].tls.key",
        "listen[].tls.min_version",
        "listen[].tls.certificates",
        "listen[].tls.client_certificates",
        "listen[].tls.client_ca",
        "listen[].tls.client_crl",
        "listen[].trusted_proxies",
        "listen[].forwarded_header",
        "listen[].proxy_protocol",
        "listen[].insecure_plaintext",
        "internal.address",
        "internal.keys[].name",
        "internal.keys[].secret",
        "internal.keys[].scopes",
        "auth.max_token_age",
        "hosts",
        "origins",
        "auth.timeout",
        "auth.jwt[].algorithms",
        "auth.jwt[].secret",
        "auth.jwt[].issuer",
        "auth.jwt[].audience",
        "auth.jwt[].jwks_url",
        "auth.jwt[].jwks_file",
        "auth.jwt[].roles_claim",
        "auth.sessions.store",
        "auth.sessions.cookie",
        "auth.sessions.idle",
        "auth.sessions.absolute",
        "auth.oauth2.introspection_url",
        "auth.oauth2.client_id",
        "auth.oauth2.client_secret",
        "auth.hook.url",
        "auth.hook.headers",
        "auth.client_certificates",
        "auth.csrf",
        "roles",
        "channels[].pattern",
        "channels[].allow",
        "channels[].deny",
        "channels[].needs.subscribe",
        "messages",
        "messages.<name>.schema_file",
        "messages.<name>.sanitize",
        "messages.<name>.publish",
        "limits.connections.total",
        "limits.connections.per_ip",
        "limits.messages.per_minute",
        "limits.messages.per_hour",
        "limits.message_size",
        "log.events",
        "log.level",
        "routes[].path",
        "routes[].serve",
        "routes[].guard",
    };
    char *text = help_text();
    char line[128];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void)snprintf(line, sizeof(line), "\n  %s ", keys[i]);
        if (strstr(text, line) == NULL)
            fail_msg("%s is not listed", keys[i]);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_up_to_date),
        cmocka_unit_test(every_key_of_the_agreed_format_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
