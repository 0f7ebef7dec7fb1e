/* SPDX-License-Identifier: Apache-2.0 */
/* message_hook.h: the application is asked about a message, and the message waits for the answer
 * while the connection goes on. Private to server/. Worker thread only. */
#ifndef SERVER_MESSAGE_HOOK_H
#define SERVER_MESSAGE_HOOK_H

#include "server/request.h"

#define HOOKS_OF_CONNECTION_MAX 8
#define HOOKS_OF_SERVER_MAX     32 /* half of the transfers there are: logins need theirs */
#define HOOK_ANSWER_BYTES_MAX   (64 * 1024)

/* r->type has a hook and r->root has passed all else. What cannot be asked is refused here. */
void message_hook_start(struct request *r);
/* The connection ends: answers that are still to come are thrown away. */
void message_hooks_drop(struct peer *p);
/* The breakers of one worker, one a hook. E_NOMEM. */
int message_hooks_open(struct worker *w);
void message_hooks_close(struct worker *w);

#endif
