/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base */
/* ip_fuzz.c: what is read as an address is what the C library reads, and its text reads back as the
 * same address. */
#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "base/ip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_library_agrees(const struct ip_address *a, bool is_good, const char *text)
{
    uint8_t v4[4], v6[16];
    bool is_v4 = inet_pton(AF_INET, text, v4) == 1;
    bool is_v6 = inet_pton(AF_INET6, text, v6) == 1;

    ASSERT(is_good == (is_v4 || is_v6));
    if (!is_good)
        return;
    ASSERT(a->family == (is_v4 ? 4 : 6));
    ASSERT(memcmp(a->bytes, is_v4 ? v4 : v6, is_v4 ? 4 : 16) == 0);
}

static void check_text_reads_back(const struct ip_address *a)
{
    char text[IP_TEXT_BYTES];
    struct ip_address back;

    memset(text, 'x', sizeof(text));
    ip_address_text(a, text);
    ASSERT(memchr(text, '\0', sizeof(text)) != NULL);
    ASSERT(ip_address_parse(&back, view_of_text(text)));
    ASSERT(memcmp(&back, a, sizeof(back)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ip_address a = {{0}, 0};
    bool is_good = ip_address_parse(&a, view_of(data, size));
    char text[IP_TEXT_BYTES];

    if (size < sizeof(text) && memchr(data, '\0', size) == NULL) {
        memcpy(text, data, size);
        text[size] = '\0';
        check_library_agrees(&a, is_good, text);
    }
    if (is_good)
        check_text_reads_back(&a);
    if (size >= 16) {
        memcpy(a.bytes, data, 16);
        a.family = 6;
        check_text_reads_back(&a);
    }
    return 0;
}
