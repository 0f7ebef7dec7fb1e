/* SPDX-License-Identifier: Apache-2.0 */
/* blob_store.h: blobs of one thread that makes many, without the heap once it is warm: a blob whose
 * last reference is dropped, by whatever thread, comes back and is made again. Sizes are rounded up
 * to powers of two; what is spare has a ceiling, and blobs above BLOB_STORE_BYTES_MAX are made as
 * blob_new makes them. */
#ifndef BASE_BLOB_STORE_H
#define BASE_BLOB_STORE_H

#include "base/blob.h"

#define BLOB_STORE_BYTES_MAX 16384 /* of a blob that comes back */
#define BLOB_STORE_SPARES    64    /* of each size, and as many on their way back */

struct blob_store;
int blob_store_new(struct blob_store **out); /* E_NOMEM */
/* The owner needs it no more. Blobs may outlive it. NULL is fine. */
void blob_store_free(struct blob_store *store);
/* The owner's thread only. Otherwise as blob_new. */
struct blob *blob_store_make(struct blob_store *store, uint32_t len);

/* The bytes of data that a blob of a store has room for. */
size_t blob_store_round(uint32_t len);

/* For blob_drop alone: the last reference to a blob of a store is gone. */
void blob_store_return(struct blob *b);

#endif
