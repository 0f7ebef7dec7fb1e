/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h: bytes that must not be seen. Any thread. */
#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

#define SECRET_BYTES_MIN 32
#define SECRET_BYTES_MAX 4096

/* Constant time for equal lengths; false at once for unequal ones. */
bool ct_equal(const void *a, const void *b, size_t a_len, size_t b_len);
void secret_wipe(void *bytes, size_t len);
/* buf_clear after wiping. */
void secret_buf_clear(struct buf *b);
/* Reads a secret from a file: one trailing newline is cut off. The file must be regular and not
 * readable by "others". E_IO, E_LIMIT, E_DENIED (mode), each with *why saying what to do. The
 * secret itself is never in *why. */
int secret_load_file(struct buf *out, const char *path, struct error *why);
/* From the environment variable `name`, which is removed from the environment afterwards.
 * E_MISSING. */
int secret_load_env(struct buf *out, const char *name, struct error *why);
/* E_INVALID with *why when shorter than SECRET_BYTES_MIN, made of one repeated byte, or on the list
 * of known samples. */
int secret_check_strength(const struct buf *secret, struct error *why);

#endif
