/* SPDX-License-Identifier: Apache-2.0 */
/* messages.h: the types of `messages` in the configuration, at work (docs/messages.md). Private to
 * server/. Worker thread only. */
#ifndef SERVER_MESSAGES_H
#define SERVER_MESSAGES_H

#include "server/request.h"

/* Is it a message of a configured type? Then it is judged, and answered or refused here. */
bool messages_take(struct request *r);
/* A built-in type: may it go on? Checks of the configuration, if there are any, stand in front.
 * False also where the application is asked first: then it goes on by protocol_run. */
bool messages_admit(struct request *r, struct view type);
/* The application has no objection to r->root, of r->type. reply (NULL: none): its words for the
 * sender, in place of the ack. */
void messages_resume(struct request *r, const struct json *reply);
/* Answers, is silent or closes, as r->type says. */
void messages_refuse(struct request *r, const struct refusal_words *why);
/* The name of the member that names the type, for people: 'type', or as configured. */
struct view messages_type_member(const struct options *o);

#endif
