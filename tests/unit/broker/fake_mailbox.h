/* SPDX-License-Identifier: Apache-2.0 */
/* fake_mailbox.h: a mailbox without a loop, which opens its letters when the test says so. It takes
 * the place of net/mailbox.c in the broker's tests; the real one runs in
 * tests/unit/hub/hub_workers_test.c. */
#ifndef TESTS_FAKE_MAILBOX_H
#define TESTS_FAKE_MAILBOX_H

#include <stddef.h>

#include "net/mailbox.h"

/* Opens what is inside, on the caller's thread. Returns how many letters that were. */
size_t fake_mailbox_open_all(struct mailbox *m);
size_t fake_mailbox_reserved(struct mailbox *m); /* places taken, posted or not */

#endif
