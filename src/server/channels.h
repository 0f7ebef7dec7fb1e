/* SPDX-License-Identifier: Apache-2.0 */
/* channels.h: the messages about channels that answer from what is kept: subscribe with `since`,
 * presence, history. Private to server/. Worker thread only. */
#ifndef SERVER_CHANNELS_H
#define SERVER_CHANNELS_H

#include "server/request.h"

/* Subscribes to r->channel, asking nobody; says `subscribed` where that is new. OK also where it
 * was so already, and what hub_subscribe_as says. */
int channels_join(struct request *r);
void channels_subscribe(struct request *r);
void channels_presence(struct request *r);
void channels_history(struct request *r);

#endif
