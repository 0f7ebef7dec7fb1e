/* SPDX-License-Identifier: Apache-2.0 */
/* connect_show.h: what `gateward connect` puts on stdout (messages) and stderr (all else). */
#ifndef CLI_CONNECT_SHOW_H
#define CLI_CONNECT_SHOW_H

#include "cli/connect.h"
#include "client/client.h"

struct show {
    struct view token; /* never shown */
    bool is_interactive, has_tty_out, has_tty_err, has_prompt;
};

void show_init(struct show *show, struct view token);
/* "gateward connect: ..." */
void show_info(struct show *show, const char *format, ...) __attribute__((format(printf, 2, 3)));
void show_prompt(struct show *show);
void show_connected(struct show *show, const char *authority);
/* A message is always one line. False when stdout cannot be written. */
bool show_message(struct show *show, bool is_binary, struct view message);
void show_trace(struct show *show, const struct client_trace *trace);
void show_ending(struct show *show, const struct client_ending *ending, bool is_clean);

#endif
