/* SPDX-License-Identifier: Apache-2.0 */
/* web_pages.h: the files of web/ as bytes, made by tools/embed.py at build time. For `gateward
 * dev`. Constant. */
#ifndef SERVER_WEB_PAGES_H
#define SERVER_WEB_PAGES_H

#include <stdint.h>

#include "server/options.h"

extern const struct page web_pages[];
extern const uint32_t web_pages_count;

#endif
