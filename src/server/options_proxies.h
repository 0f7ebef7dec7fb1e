/* SPDX-License-Identifier: Apache-2.0 */
/* options_proxies.h: private to server/options*.c: the proxies of a listener. */
#ifndef SERVER_OPTIONS_PROXIES_H
#define SERVER_OPTIONS_PROXIES_H

#include "server/options_load.h"

#define PROXIES_MAX 256

extern const char *const options_forwarded_words[];
int options_read_proxies(struct node *value, void *target, struct problems *problems);
/* Moves what was read about proxies into *out. */
void options_finish_proxies(struct listen_options *out, struct listener_draft *draft,
                            struct node *entry, struct problems *problems);

#endif
