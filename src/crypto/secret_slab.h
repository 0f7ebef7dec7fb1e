/* SPDX-License-Identifier: Apache-2.0 */
/* secret_slab.h: many small objects of one size that hold keys, in pages of their own: no core dump
 * has them, nothing else lies between them, an object is wiped when it is given back, and a page
 * without objects goes back to the system. Not thread-safe. */
#ifndef CRYPTO_SECRET_SLAB_H
#define CRYPTO_SECRET_SLAB_H

#include <stddef.h>

#define SECRET_SLAB_ITEM_MAX 4096

struct secret_slab;
/* E_NOMEM. item_bytes is at most SECRET_SLAB_ITEM_MAX. */
int secret_slab_new(struct secret_slab **out, size_t item_bytes);
void secret_slab_free(struct secret_slab *s); /* after all of its objects; NULL is fine */
/* Zeroes, aligned for anything; NULL: out of memory. */
void *secret_slab_take(struct secret_slab *s);
void secret_slab_give(struct secret_slab *s, void *item); /* NULL is fine */
/* Bytes that its pages hold now. */
size_t secret_slab_bytes(const struct secret_slab *s);

#endif
