/* SPDX-License-Identifier: Apache-2.0 */
/* scope.h: the OAuth 2.0 scopes (RFC 6749 section 3.3) that a configuration speaks of, one bit
 * each. Scopes only ever take away: they bound what a delegated token may do. An identity that was
 * not delegated (session, certificate, ticket) has all of them. Built once from the configuration,
 * then read by all threads. */
#ifndef ACCESS_SCOPE_H
#define ACCESS_SCOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "base/wr.h"

#define SCOPES_MAX     64
#define SCOPE_NAME_MAX 128
#define SCOPES_ALL     UINT64_MAX

struct scope_set {
    char names[SCOPES_MAX][SCOPE_NAME_MAX + 1];
    uint32_t count;
};

/* scope-token = 1*( %x21 / %x23-5B / %x5D-7E ) */
bool scope_name_ok(struct view name);
/* The scope's bit, added if it is new. E_INVALID (name), E_LIMIT. */
int scope_set_add(struct scope_set *set, struct view name, uint64_t *bit);
/* The bits of those in `list` (names with single blanks between them) that the set knows. */
uint64_t scope_set_bits(const struct scope_set *set, struct view list);

/* The names of these bits with single blanks between them. */
void scope_set_write(struct wr *w, const struct scope_set *set, uint64_t bits);

#endif
