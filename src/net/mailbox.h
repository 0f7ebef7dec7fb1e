/* SPDX-License-Identifier: Apache-2.0 */
/* mailbox.h: a bounded queue from any thread to one loop, with one wake-up for many letters (MPSC,
 * C11 atomics). */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

struct letter {
    void (*open)(void *context, void *a,
                 void *b); /* runs on the loop's thread; context is the mailbox's */
    void *a, *b;
};
struct mailbox;
int mailbox_new(struct mailbox **out, struct loop *loop, size_t capacity, void *context);
/* Loop thread, once no sender can post any more. Opens what is still inside, then closes its
 * handle; freed when the loop turns once more. */
void mailbox_close(struct mailbox *m);
/* Any thread. Reserve a place first; false when full. A reserved place must be posted. Letters of
 * one sender keep their order. */
bool mailbox_reserve(struct mailbox *m);
void mailbox_unreserve(struct mailbox *m);
void mailbox_post_reserved(struct mailbox *m, struct letter letter);
bool mailbox_post(struct mailbox *m, struct letter letter); /* reserve + post; false when full */

#endif
