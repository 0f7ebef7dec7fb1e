/* SPDX-License-Identifier: Apache-2.0 */
/* An echo at a fixed rate: how long each answer takes from the moment its message was due, so that a message which could not
 * be sent in time counts as late too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

#define WARM_S 0.3

static struct {
    double *due, *took; /* of each connection: when its message was due; of each answer: seconds */
    size_t count, max;
    double start;
} seen;

static void on_answer(struct load *l, struct client *c)
{
    double due = seen.due[c - l->clients];

    if (due >= seen.start && seen.count < seen.max)
        seen.took[seen.count++] = now_s() - due;
    seen.due[c - l->clients] = 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double quantile_us(double q)
{
    size_t at = (size_t)((double)seen.count * q);

    return seen.took[at < seen.count ? at : seen.count - 1] * 1e6;
}

void run_latency(struct load *l)
{
    char text[65536];
    size_t len = measured_message(l, text, sizeof(text));
    struct usage before, after;
    uint64_t sent = 0, late = 0;
    double first, end, cpu_s;

    setup_all(l, 0, l->o.conns, false);
    seen.max = (size_t)l->o.per_second * (size_t)l->o.seconds + 1;
    seen.due = calloc((size_t)l->o.conns, sizeof(double));
    seen.took = calloc(seen.max, sizeof(double));
    if (seen.due == NULL || seen.took == NULL)
        die("out of memory");
    l->on_frame = on_answer;
    before = usage_of(l->o.pid);
    first = now_s();
    seen.start = first + WARM_S;
    end = seen.start + l->o.seconds;
    while (now_s() < end) {
        double due = first + (double)sent / l->o.per_second;
        size_t i = (size_t)(sent % (uint64_t)l->o.conns);
        if (now_s() < due) {
            (void)poll_once(l, 0);
        } else if (seen.due[i] != 0) { /* still under way, so that the next of this connection is late */
            late++;
            (void)poll_once(l, 1);
        } else {
            seen.due[i] = due;
            client_send(&l->clients[i], measured_opcode(l), text, len);
            sent++;
        }
        if (l->gone > 0)
            die("the server closed a connection");
    }
    after = usage_of(l->o.pid);
    cpu_s = after.cpu_s - before.cpu_s;
    if (seen.count == 0)
        die("no answer came");
    qsort(seen.took, seen.count, sizeof(double), by_size);
    printf("units=%zu asked=%llu waits=%llu p50_us=%.1f p99_us=%.1f p999_us=%.1f max_us=%.1f busy=%.3f us_per_unit=%.3f\n",
           seen.count, (unsigned long long)sent, (unsigned long long)late, quantile_us(0.5), quantile_us(0.99),
           quantile_us(0.999), quantile_us(1), cpu_s / (now_s() - first), cpu_s * 1e6 / (double)sent);
}
