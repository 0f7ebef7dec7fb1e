/* SPDX-License-Identifier: Apache-2.0 */
/* messages.h: the types of `messages` in the configuration, at work (docs/messages.md). Private to
 * server/. Worker thread only. */
#ifndef SERVER_MESSAGES_H
#define SERVER_MESSAGES_H

#include "server/request.h"

/* Is it a message of a configured type? Then it is judged, and answered or refused here. */
bool messages_take(struct request *r);
/* A built-in type: may it go on? Checks of the configuration, if there are any, stand in front. */
bool messages_admit(struct request *r, struct view type);
/* Answers, is silent or closes, as r->type says. */
void messages_refuse(struct request *r, const struct refusal_words *why);
/* The name of the member that names the type, for people: 'type', or as configured. */
struct view messages_type_member(const struct options *o);

#endif
