/* SPDX-License-Identifier: Apache-2.0 */
/* CPU time comes from schedstat of every thread, because stat counts in ticks of 10 ms; stat says
 * how it divides into user and system. Memory comes from smaps_rollup, which walks all pages: never
 * while something is being measured. */
#include "bench/usage.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/status.h"

#define LINE_BYTES 1024

static int gone(pid_t pid, struct error *why)
{
    error_set(why,
              "cannot read /proc/%d: there is no such process, or it is another user's (--pid)",
              (int)pid);
    return E_MISSING;
}

static bool first_line(char line[LINE_BYTES], const char *path)
{
    FILE *f = fopen(path, "re");
    bool is_read = f != NULL && fgets(line, LINE_BYTES, f) != NULL;

    if (f != NULL)
        (void)fclose(f);
    return is_read;
}

static bool add_threads(struct usage_cpu *out, pid_t pid)
{
    char path[320], line[LINE_BYTES];
    struct dirent *task;
    DIR *tasks;

    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (tasks == NULL)
        return false;
    while ((task = readdir(tasks)) != NULL) {
        unsigned long long ns = 0;

        if (task->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%d/task/%.32s/schedstat", (int)pid, task->d_name);
        if (first_line(line, path) && sscanf(line, "%llu", &ns) == 1)
            out->ns += ns; /* a thread that ended meanwhile has no file any more */
    }
    (void)closedir(tasks);
    return true;
}

static bool add_ticks(struct usage_cpu *out, pid_t pid)
{
    char path[64], line[LINE_BYTES];
    unsigned long user, system;
    const char *rest;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (!first_line(line, path))
        return false;
    rest = strrchr(line, ')'); /* the name may hold anything, blanks and parentheses too */
    if (rest == NULL || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                               &user, &system) != 2)
        return false;
    out->user_ticks += user;
    out->system_ticks += system;
    return true;
}

int usage_cpu_read(struct usage_cpu *out, const struct usage_pids *pids, struct error *why)
{
    struct usage_cpu sum = {0, 0, 0};

    for (uint32_t i = 0; i < pids->count; i++)
        if (!add_threads(&sum, pids->pids[i]) || !add_ticks(&sum, pids->pids[i]))
            return gone(pids->pids[i], why);
    *out = sum;
    return OK;
}

static bool add_memory(struct usage_memory *out, pid_t pid)
{
    char path[64], line[LINE_BYTES];
    unsigned long long kib;
    bool has_rss = false;
    FILE *f;

    (void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return false;
    while (fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "Anonymous: %llu", &kib) == 1)
            out->anonymous_bytes += (uint64_t)kib * 1024;
        if (sscanf(line, "Rss: %llu", &kib) == 1) {
            out->rss_bytes += (uint64_t)kib * 1024;
            has_rss = true;
        }
    }
    (void)fclose(f);
    return has_rss;
}

int usage_memory_read(struct usage_memory *out, const struct usage_pids *pids, struct error *why)
{
    struct usage_memory sum = {0, 0};

    for (uint32_t i = 0; i < pids->count; i++)
        if (!add_memory(&sum, pids->pids[i]))
            return gone(pids->pids[i], why);
    *out = sum;
    return OK;
}

static uint64_t ns_of(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_usec * 1000U;
}

uint64_t usage_own_ns(void)
{
    struct rusage used;

    if (getrusage(RUSAGE_SELF, &used) != 0)
        return 0;
    return ns_of(&used.ru_utime) + ns_of(&used.ru_stime);
}
