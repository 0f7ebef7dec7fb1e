/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base crypto wire net */
/* server_name_fuzz.c: the server_name extension and the choice of a certificate by it: a name that
 * is found lies inside the input, case changes nothing, and what is no name is found nowhere. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "net/tls_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(struct view name)
{
    static char *first[] = {"example.com", "*.example.com"};
    static char *second[] = {"a.example.com", "*.b.example.com", "localhost"};
    static struct tls_site sites[] = {{.names = first, .names_count = 2},
                                      {.names = second, .names_count = 3}};
    static const struct tls_server server = {.sites = sites, .sites_count = 2};
    int found = tls_names_find(&server, name);
    char *upper = malloc(name.len);

    ASSERT(upper != NULL && found >= -1 && found < 2);
    for (size_t i = 0; i < name.len; i++)
        upper[i] =
            (char)(name.ptr[i] >= 'a' && name.ptr[i] <= 'z' ? name.ptr[i] - 32 : name.ptr[i]);
    ASSERT(tls_names_find(&server, view_of(upper, name.len)) == found);
    ASSERT(found < 0 || (name.ptr[0] != '*' && name.ptr[0] != '.'));
    free(upper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct view name, again;

    if (!tls_names_parse(view_of(data, size), &name))
        return 0;
    ASSERT(size == 5 + name.len && name.ptr == (const char *)data + 5);
    check_name(name);
    ASSERT(!tls_names_parse(view_of(data, size - 1), &again));
    return 0;
}
