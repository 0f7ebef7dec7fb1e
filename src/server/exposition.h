/* SPDX-License-Identifier: Apache-2.0 */
/* exposition.h: the Prometheus text format 0.0.4: families of samples. Pure. Names and labels are
 * ours; label values are escaped all the same. */
#ifndef SERVER_EXPOSITION_H
#define SERVER_EXPOSITION_H

#include <stdint.h>

#include "base/wr.h"

#define EXPOSITION_COUNTER "counter"
#define EXPOSITION_GAUGE   "gauge"

/* # HELP and # TYPE; its samples follow. */
void exposition_family(struct wr *w, const char *name, const char *type, const char *help);
/* One label: `label` NULL for none. */
void exposition_sample(struct wr *w, const char *name, const char *label, const char *value,
                       uint64_t number);
/* Two labels. */
void exposition_sample2(struct wr *w, const char *name, const char *const labels[2],
                        const char *const values[2], uint64_t number);
/* A number in seconds. */
void exposition_seconds(struct wr *w, const char *name, const char *label, const char *value,
                        uint64_t ns);
/* A family of one sample without labels. */
void exposition_one(struct wr *w, const char *name, const char *type, const char *help,
                    uint64_t number);

#endif
