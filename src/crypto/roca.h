/* SPDX-License-Identifier: Apache-2.0 */
/* roca.h: RSA moduli of the kind that CVE-2017-15361 lets anyone factor. Pure. */
#ifndef CRYPTO_ROCA_H
#define CRYPTO_ROCA_H

#include <stdbool.h>

#include "base/view.h"

/* Does this big-endian modulus carry the fingerprint? One random modulus in many millions does. */
bool roca_has_fingerprint(struct view modulus);

#endif
