/* SPDX-License-Identifier: Apache-2.0 */
/* What another process has used: CPU from schedstat of its threads (nanoseconds; utime and stime of
 * stat are only ticks), memory from smaps_rollup. */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

void die(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    exit(1);
}

double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double threads_cpu_s(pid_t pid)
{
    char path[300];
    double total = 0;
    DIR *tasks;
    struct dirent *task;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    tasks = opendir(path);
    if (tasks == NULL)
        die("no process %d", (int)pid);
    while ((task = readdir(tasks)) != NULL) {
        unsigned long long ns = 0;
        FILE *f;
        snprintf(path, sizeof(path), "/proc/%d/task/%.32s/schedstat", (int)pid, task->d_name);
        f = task->d_name[0] == '.' ? NULL : fopen(path, "r");
        if (f == NULL)
            continue;
        if (fscanf(f, "%llu", &ns) == 1)
            total += (double)ns / 1e9;
        fclose(f);
    }
    closedir(tasks);
    return total;
}

static void read_stat(pid_t pid, struct usage *u)
{
    char path[64], line[1024], *rest;
    unsigned long user = 0, system = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    f = fopen(path, "r");
    if (f == NULL || fgets(line, sizeof(line), f) == NULL)
        die("no process %d", (int)pid);
    fclose(f);
    rest = strrchr(line, ')');
    if (rest == NULL || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        die("cannot read %s", path);
    u->user_s = (double)user / (double)sysconf(_SC_CLK_TCK);
    u->system_s = (double)system / (double)sysconf(_SC_CLK_TCK);
}

struct usage usage_of(pid_t pid)
{
    struct usage u = {0};
    char path[64], line[256];
    FILE *f;

    if (pid <= 0)
        return u;
    u.cpu_s = threads_cpu_s(pid);
    read_stat(pid, &u);
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    f = fopen(path, "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        (void)(sscanf(line, "Anonymous: %lf", &u.anonymous_kib) == 1 || sscanf(line, "Rss: %lf", &u.rss_kib) == 1);
    }
    if (f != NULL)
        fclose(f);
    return u;
}
