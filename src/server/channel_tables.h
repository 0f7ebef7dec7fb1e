/* SPDX-License-Identifier: Apache-2.0 */
/* channel_tables.h: what channels keep for the whole process (histories, presence, sanctions), and
 * the clock on worker 0 that lets what is old go and tells who came and went. Private to server/.
 */
#ifndef SERVER_CHANNEL_TABLES_H
#define SERVER_CHANNEL_TABLES_H

#include "server/worker.h"

/* s->history, s->presence, s->sanctions, s->channel_clock; before the workers are opened, closed
 * after them. E_NOMEM. */
int channel_tables_open(struct server *s);
void channel_tables_close(struct server *s); /* harmless when open failed or never was */

/* Worker 0's thread, while its loop exists. NULL is fine. */
void channel_clock_start(struct channel_clock *clock);
void channel_clock_stop(struct channel_clock *clock);

#endif
