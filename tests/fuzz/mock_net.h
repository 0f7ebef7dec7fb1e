/* SPDX-License-Identifier: Apache-2.0 */
/* mock_net.h: net/ without a network, for fuzzers of what stands above it. Implements loop.h,
 * conn.h, mailbox.h, listener.h and tls.h in one thread, with a clock that the test moves and a
 * "kernel" that takes as much as the test allows. Everything that leaves a connection is handed to
 * mock_sent. */
#ifndef TESTS_MOCK_NET_H
#define TESTS_MOCK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/conn.h"

#define MOCK_WALL_START_S 1800000000

/* The test's: c has sent these bytes; c has ended (before on_closed). */
void mock_sent(struct conn *c, const uint8_t *bytes, size_t len);
void mock_ended(struct conn *c);

/* What the other side of c does. Each is one poll event with its callbacks; nothing happens where
 * the real thing would not look (paused, shut down, closed). */
void mock_receive(struct conn *c, const uint8_t *bytes, size_t len);
void mock_eof(struct conn *c);
void mock_reset(struct conn *c);
void mock_handshake(struct conn *c, bool is_good); /* TLS */
void mock_kernel_takes(struct conn *c, size_t bytes);

void mock_turn(struct loop *loop); /* mail, ready ones, output, the ended */
void mock_pass(struct loop **loops, unsigned count,
               uint64_t ms); /* timers fire in order on the way */
void mock_wall_jump(struct loop *loop, int64_t seconds);
bool mock_is_stopped(const struct loop *loop);
size_t mock_conns(const struct loop *loop);
void mock_seed(uint64_t seed); /* of base/random.h, which is predictable here */

/* Between mock_net.c and mock_mail.c. */
struct link *mock_mailboxes(struct loop *loop);
void mock_mail_open(struct link *mailboxes);

#endif
